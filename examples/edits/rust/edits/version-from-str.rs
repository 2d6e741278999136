impl FromStr for Version {
    // ... existing code ...

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        let s = s.strip_prefix('v').unwrap_or(s);
        let mut parts = s.split('.');
        let mut next = |what: &str| {
            parts
                .next()
                .ok_or_else(|| format!("{what} is missing in {s:?}"))?
                .parse::<u64>()
                .map_err(|e| format!("bad {what} in {s:?}: {e}"))
        };
        let version = Version {
            major: next("major")?,
            minor: next("minor")?,
            patch: next("patch")?,
        };
        match parts.next() {
            None => Ok(version),
            Some(extra) => Err(format!("unexpected {extra:?} in {s:?}")),
        }
    }
}
