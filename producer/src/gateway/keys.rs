//! API keys: the file they are kept in, and what one of them may do.
//!
//! A key is 256 random bits, so its SHA-256 digest gives nothing away and cannot be searched for: a slow hash protects
//! texts that people choose, and would cost every request milliseconds.

use std::collections::HashSet;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use booster_core::digest::{hex, sha256_hex};
use booster_core::job::{MAX_NAME_BYTES, is_valid_id};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::error::ClientError;

/// Keys in one file, at most.
const MAX_KEYS: usize = 1000;
/// Largest file, bytes.
const MAX_FILE: u64 = 1024 * 1024;
/// What every key begins with, so that leaked ones are found.
const PREFIX: &str = "bfk_";
/// Random bytes of a key.
const KEY_BYTES: usize = 32;
/// What [`KeyLine::per_second`] may be.
const PER_SECOND: std::ops::RangeInclusive<f64> = 0.001..=1e6;

/// One key as it is kept in the file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct KeyLine {
    /// What people call it.
    pub(crate) name: String,
    /// SHA-256 of the whole key, in hexadecimal.
    pub(crate) sha256: String,
    /// On whose behalf its jobs are. Without one the key may do everything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tenant: Option<String>,
    /// Jobs, and requests without jobs, per second in the long run; no bound when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) per_second: Option<f64>,
    /// How many at once after a pause; one second's when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) burst: Option<u32>,
    /// Waiting jobs of the tenant beyond which it may submit none; no bound when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) max_waiting: Option<u64>,
}

impl KeyLine {
    /// Whether its fields fit; else what would be right.
    pub(crate) fn check(&self) -> Result<(), &'static str> {
        if !is_valid_id(&self.name) {
            return Err("`name` has to be 1 to 128 characters of A-Z a-z 0-9 . _ : -");
        }
        if self.tenant.as_ref().is_some_and(|name| name.is_empty() || name.len() > MAX_NAME_BYTES) {
            return Err("`tenant` has to be 1 to 128 bytes of text");
        }
        if self.per_second.is_some_and(|rate| !PER_SECOND.contains(&rate)) {
            return Err("`perSecond` has to be from 0.001 to 1000000");
        }
        if self.burst.is_some_and(|burst| !(1..=1_000_000).contains(&burst))
            || self.burst.is_some() && self.per_second.is_none()
        {
            return Err("`burst` has to be from 1 to 1000000, beside `perSecond`");
        }
        if self.max_waiting.is_some() && self.tenant.is_none() {
            return Err("`maxWaiting` counts a tenant's jobs, so it needs `tenant`");
        }
        digest_of(&self.sha256).map(drop).ok_or("`sha256` has to be 64 hexadecimal digits")
    }
}

/// A new key and the digest of it that the file gets.
///
/// # Errors
/// [`ClientError::Machine`] when the system has no random numbers.
pub(crate) fn new_key() -> Result<(String, String), ClientError> {
    let mut bytes = [0; KEY_BYTES];
    rand::TryRngCore::try_fill_bytes(&mut rand::rngs::OsRng, &mut bytes)
        .map_err(|error| ClientError::machine("random numbers", error))?;
    let key = format!("{PREFIX}{}", hex(bytes));
    let digest = sha256_hex(&key);
    Ok((key, digest))
}

fn digest_of(text: &str) -> Option<[u8; 32]> {
    let mut digest = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (place, byte) in digest.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * place..2 * place + 2], 16).ok()?;
    }
    Some(digest)
}

/// A key, with what its bearer has used of its rate.
pub(super) struct Key {
    line: KeyLine,
    digest: [u8; 32],
    bucket: Option<Mutex<Bucket>>,
}

impl Key {
    fn new(line: KeyLine) -> Option<Self> {
        let digest = digest_of(&line.sha256)?;
        let bucket = line.per_second.map(|rate| {
            let burst = line.burst.map_or_else(|| rate.max(1.0), f64::from);
            Mutex::new(Bucket::new(rate, burst, Instant::now()))
        });
        Some(Self { line, digest, bucket })
    }

    pub(super) fn name(&self) -> &str {
        &self.line.name
    }

    pub(super) fn tenant(&self) -> Option<&str> {
        self.line.tenant.as_deref()
    }

    pub(super) fn max_waiting(&self) -> Option<u64> {
        self.line.max_waiting
    }

    /// Takes `count` from the key's rate, or says how long until there is something to take.
    pub(super) fn take(&self, count: usize) -> Result<(), Duration> {
        let Some(bucket) = &self.bucket else { return Ok(()) };
        // Every critical section leaves the bucket whole.
        bucket.lock().unwrap_or_else(PoisonError::into_inner).take(count, Instant::now())
    }
}

/// A token bucket. What takes more than there is gets it, and what comes after waits the longer: a batch is let through
/// whole, and the rate still holds in the long run.
#[derive(Debug)]
struct Bucket {
    per_second: f64,
    burst: f64,
    tokens: f64,
    filled: Instant,
}

impl Bucket {
    fn new(per_second: f64, burst: f64, now: Instant) -> Self {
        Self { per_second, burst, tokens: burst, filled: now }
    }

    fn take(&mut self, count: usize, now: Instant) -> Result<(), Duration> {
        let passed = now.saturating_duration_since(self.filled).as_secs_f64();
        self.tokens = (self.tokens + passed * self.per_second).min(self.burst);
        self.filled = now;
        if self.tokens < 1.0 && count > 0 {
            // At 0.001 a second and a thousand jobs at once this is about eleven days.
            return Err(Duration::from_secs_f64((1.0 - self.tokens) / self.per_second));
        }
        self.tokens -= count as f64;
        Ok(())
    }
}

/// All keys.
pub(super) struct Keys(Vec<Arc<Key>>);

impl Keys {
    /// Reads a file of keys.
    ///
    /// # Errors
    /// [`ClientError::Usage`] that names the file and what is wrong in it.
    pub(super) fn load(path: &str) -> Result<Self, ClientError> {
        let what = format!("gateway.keysFile {path}");
        let size =
            std::fs::metadata(Path::new(path)).map_err(|error| ClientError::usage(&what, error))?.len();
        if size > MAX_FILE {
            return Err(ClientError::usage(what, format!("{size} bytes; expected at most {MAX_FILE}")));
        }
        let text = std::fs::read_to_string(path).map_err(|error| ClientError::usage(&what, error))?;
        Self::parse(&text).map_err(|detail| ClientError::usage(what, detail))
    }

    /// Reads keys, as one JSON array or one JSON object a line.
    fn parse(text: &str) -> Result<Self, String> {
        let lines = if text.trim_start().starts_with('[') {
            serde_json::from_str(text).map_err(|error| error.to_string())?
        } else {
            let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
            let read = |(number, line)| {
                serde_json::from_str(line).map_err(|error| format!("line {}: {error}", number + 1))
            };
            lines.map(read).collect::<Result<Vec<KeyLine>, String>>()?
        };
        if lines.is_empty() || lines.len() > MAX_KEYS {
            return Err(format!("{} keys; expected 1 to {MAX_KEYS}", lines.len()));
        }
        let (mut names, mut digests) = (HashSet::new(), HashSet::new());
        let mut keys = Vec::with_capacity(lines.len());
        for line in lines {
            line.check().map_err(|detail| format!("key {}: {detail}", line.name))?;
            let key = Key::new(line).ok_or("a digest cannot be read")?;
            if !names.insert(key.name().to_owned()) || !digests.insert(key.digest) {
                return Err(format!("key {}: its name or digest is there twice", key.name()));
            }
            keys.push(Arc::new(key));
        }
        Ok(Self(keys))
    }

    /// The key that was presented. All are compared, each in constant time, so that how long it takes says nothing.
    pub(super) fn find(&self, presented: &str) -> Option<Arc<Key>> {
        let digest: [u8; 32] = Sha256::digest(presented).into();
        let mut found = None;
        for key in &self.0 {
            if bool::from(key.digest.ct_eq(&digest)) {
                found = Some(Arc::clone(key));
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(name: &str, sha256: &str) -> String {
        format!(r#"{{"name":"{name}","sha256":"{sha256}"}}"#)
    }

    #[test]
    fn a_new_key_is_found_by_its_digest_and_no_other_is() {
        let (key, digest) = new_key().unwrap();
        let (other, other_digest) = new_key().unwrap();
        assert!(key.starts_with(PREFIX) && key.len() == PREFIX.len() + 64 && key != other);
        let array = format!("[{},{}]", line("a", &digest), line("b", &other_digest));
        let lines = format!("{}\n\n{}\n", line("a", &digest), line("b", &other_digest));
        for text in [array, lines] {
            let keys = Keys::parse(&text).unwrap();
            assert_eq!(keys.find(&key).unwrap().name(), "a");
            assert_eq!(keys.find(&other).unwrap().name(), "b");
            for wrong in ["", &key[1..], &digest, &format!("{key} ")] {
                assert!(keys.find(wrong).is_none(), "{wrong}");
            }
        }
    }

    #[test]
    fn a_wrong_file_says_what_is_wrong() {
        let digest = "0".repeat(64);
        let with = |more: &str| format!(r#"{{"name":"a","sha256":"{digest}",{more}}}"#);
        for (text, word) in [
            (String::new(), "1 to 1000"),
            ("[]".to_owned(), "1 to 1000"),
            ("nonsense".to_owned(), "line 1"),
            (line("a", "00"), "64 hexadecimal"),
            (line("a", &"é".repeat(32)), "64 hexadecimal"),
            (line("a b", &digest), "`name`"),
            (format!("{}\n{}", line("a", &digest), line("b", &digest)), "twice"),
            (with(r#""tennant":"x""#), "tennant"),
            (with(r#""tenant":"""#), "`tenant`"),
            (with(r#""perSecond":0"#), "`perSecond`"),
            (with(r#""burst":5"#), "`burst`"),
            (with(r#""maxWaiting":5"#), "`tenant`"),
        ] {
            let detail = Keys::parse(&text).err().unwrap();
            assert!(detail.contains(word), "{text}: {detail}");
        }
    }

    #[test]
    fn a_bucket_holds_its_rate_and_lets_a_batch_through_whole() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut bucket = Bucket::new(2.0, 2.0, start);
        assert!(bucket.take(1, at(0)).is_ok() && bucket.take(1, at(0)).is_ok());
        assert_eq!(bucket.take(1, at(0)), Err(Duration::from_millis(500)));
        assert!(bucket.take(1, at(500)).is_ok());
        assert!(bucket.take(10, at(1500)).is_ok(), "there are two by then");
        assert_eq!(bucket.take(1, at(1500)), Err(Duration::from_millis(4500)));
        assert!(bucket.take(0, at(1500)).is_ok());
        assert!(bucket.take(2, at(99_000)).is_ok());
        assert!(bucket.take(1, at(99_000)).is_err(), "no more than the burst was saved up");
    }
}
