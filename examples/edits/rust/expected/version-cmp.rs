use std::cmp::Ordering;
use std::str::FromStr;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    pub major: u64,
    pub minor: u64,
    pub patch: u64,
}

impl FromStr for Version {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        let mut parts = s.split('.');
        let mut next = |what: &str| {
            parts
                .next()
                .ok_or_else(|| format!("{what} is missing in {s:?}"))?
                .parse::<u64>()
                .map_err(|e| format!("bad {what} in {s:?}: {e}"))
        };
        Ok(Version {
            major: next("major")?,
            minor: next("minor")?,
            patch: next("patch")?,
        })
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        let mine = (self.major, self.minor, self.patch);
        let theirs = (other.major, other.minor, other.patch);
        mine.cmp(&theirs)
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
