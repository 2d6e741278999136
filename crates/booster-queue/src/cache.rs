//! Outcomes that are kept for later jobs with the same booster and the same input.
//!
//! A booster's answer is a function of its code and its input, so an answer that is known need not be worked out again.
//! The cache is the whole fleet's. It is looked into only for jobs that ask for it, and it is never needed: whatever goes
//! wrong, the job runs.

use std::time::Duration;

use booster_core::digest::sha256_hex;
use booster_core::{Attempt, Config, Keys};
use serde_json::value::RawValue;

use crate::link::Link;
use crate::now_ms;
use crate::scripts::CACHE_PUT;

/// Outcomes that are kept, at most.
const MAX_ENTRIES: usize = 100_000;
/// The share of all bytes that one outcome may take.
const LARGEST_SHARE: usize = 8;
/// How long looking may take: a job must not wait for what it does not need.
const PATIENCE: Duration = Duration::from_millis(250);
/// First bytes of what is kept.
const DONE: u8 = b'd';
const REFUSED: u8 = b'r';

/// The fleet's cache of outcomes. Cheap to clone.
#[derive(Debug, Clone)]
pub struct OutcomeCache {
    link: Link,
    keys: Keys,
    ttl_s: u64,
    max_bytes: usize,
}

impl OutcomeCache {
    /// The cache of the fleet that `config` describes; `None` when nothing is to be kept.
    pub fn new(link: Link, config: &Config) -> Option<Self> {
        let (ttl_s, max_bytes) = (config.booster.cache_ttl_s, config.booster.cache_max);
        let keys = Keys::new(config.redis.key_prefix.clone());
        (max_bytes > 0).then_some(Self { link, keys, ttl_s, max_bytes })
    }

    /// The name under which the answer of the booster with this digest to this input is kept.
    pub fn name(digest: &str, input: &str) -> String {
        format!("{digest}:{}", sha256_hex(input))
    }

    /// The answer that is kept under a name; `None` when there is none, or Redis does not say in time.
    pub async fn get(&self, name: &str) -> Option<Attempt> {
        let mut command = redis::cmd("GET");
        command.arg(self.keys.cache_entry(name));
        let found = self.link.query::<Option<Vec<u8>>>("cache_get", &command);
        // A fault is noted by the link.
        decode(&tokio::time::timeout(PATIENCE, found).await.ok()?.ok()??)
    }

    /// Keeps an answer. What is no answer, or too large, is not kept.
    pub async fn put(&self, name: &str, attempt: &Attempt) {
        let Some(value) = encode(attempt).filter(|value| value.len() <= self.max_bytes / LARGEST_SHARE)
        else {
            return;
        };
        let mut call = CACHE_PUT.prepare_invoke();
        call.key(self.keys.cache_entry(name)).key(self.keys.cache_index()).key(self.keys.cache_totals());
        call.arg(self.keys.cache_entry("")).arg(name).arg(value).arg(self.ttl_s).arg(now_ms());
        call.arg(MAX_ENTRIES).arg(self.max_bytes);
        // A fault is noted by the link; the answer is then worked out again.
        let _ = self.link.script::<u8>("cache_put", &call).await;
    }
}

fn encode(attempt: &Attempt) -> Option<Vec<u8>> {
    let (kind, text) = match attempt {
        Attempt::Done(output) => (DONE, output.get()),
        Attempt::Refused(refusal) => (REFUSED, refusal.get()),
        _ => return None,
    };
    Some([&[kind], text.as_bytes()].concat())
}

fn decode(value: &[u8]) -> Option<Attempt> {
    let (kind, text) = value.split_first()?;
    let answer = RawValue::from_string(String::from_utf8(text.to_vec()).ok()?).ok()?;
    match *kind {
        DONE => Some(Attempt::Done(answer)),
        REFUSED => Some(Attempt::Refused(answer)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use booster_core::FailureCause;

    #[test]
    fn answers_come_back_as_they_were_and_nothing_else_is_kept() {
        let raw = |text: &str| RawValue::from_string(text.to_owned()).unwrap();
        let kept = encode(&Attempt::Done(raw(r#"{"n":1e400,"e":[]}"#))).unwrap();
        assert!(
            matches!(decode(&kept), Some(Attempt::Done(found)) if found.get() == r#"{"n":1e400,"e":[]}"#)
        );
        let kept = encode(&Attempt::Refused(raw("7"))).unwrap();
        assert!(matches!(decode(&kept), Some(Attempt::Refused(found)) if found.get() == "7"));
        for other in [Attempt::failed(FailureCause::Trap, String::new()), Attempt::HandBack] {
            assert!(encode(&other).is_none(), "{other:?}");
        }
        for damaged in [&b""[..], b"d", b"d{", b"x{}", b"d\xff"] {
            assert!(decode(damaged).is_none(), "{damaged:?}");
        }
    }

    #[test]
    fn a_name_tells_boosters_and_inputs_apart() {
        let name = OutcomeCache::name("aa", "1");
        assert_eq!(name, OutcomeCache::name("aa", "1"));
        assert_ne!(name, OutcomeCache::name("ab", "1"));
        assert_ne!(name, OutcomeCache::name("aa", "2"));
        assert_eq!(name.len(), 3 + 64);
    }
}
