//! Tenants: who has jobs parked, and who may run how many a second.
//!
//! A tenant has at most a few jobs in the stream of turns that nobody has started; the rest is parked in a list
//! of its own. Whenever one is started, the tenant's next comes to the end of the stream, so tenants take turns
//! however much one of them has sent. Jobs of a tenant with a rate are all parked, and the queue's keeper gives
//! them their turns as fast as a token bucket, one for the whole fleet, allows.

use std::collections::HashMap;

use booster_core::{Keys, UnixMillis};

use crate::error::QueueError;
use crate::link::Link;
use crate::now_ms;
use crate::queue::Queue;
use crate::scripts::{MAX_ITEMS, SERVE, TAKE};

/// Tenants with a rate limit, at most.
pub const MAX_LIMITS: usize = 1000;
/// Parked tenants looked at in one go.
const PAGE: usize = 100;

/// How fast a tenant's jobs may start, over all queues and workers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RateLimit {
    /// Jobs per second in the long run.
    pub per_second: f64,
    /// Jobs that may start at once after a pause.
    pub burst: u32,
}

impl RateLimit {
    fn from_stored(text: &str) -> Option<Self> {
        let (rate, burst) = text.split_once(' ')?;
        let limit = Self { per_second: rate.parse().ok()?, burst: burst.parse().ok()? };
        limit.is_valid().then_some(limit)
    }

    /// Whether it can be kept: 0.001 to 1,000,000 jobs per second, a burst of 1 to 1,000,000.
    pub fn is_valid(&self) -> bool {
        (0.001..=1e6).contains(&self.per_second) && (1..=1_000_000).contains(&self.burst)
    }
}

/// Reads the rate limits of all tenants.
///
/// # Errors
/// A Redis error.
pub async fn rate_limits(link: &Link, keys: &Keys) -> Result<HashMap<String, RateLimit>, QueueError> {
    let stored: HashMap<String, String> =
        link.query("limits", redis::cmd("HGETALL").arg(keys.limits())).await?;
    let read = |(tenant, text): (String, String)| Some((tenant, RateLimit::from_stored(&text)?));
    Ok(stored.into_iter().filter_map(read).collect())
}

/// Sets a tenant's rate limit, or with `None` takes it away. Queues know of it within about a second; what had
/// its turn by then is not held back. Says whether it could be set: not when there are [`MAX_LIMITS`] already.
///
/// # Errors
/// A Redis error.
pub async fn set_rate_limit(
    link: &Link,
    keys: &Keys,
    tenant: &str,
    limit: Option<RateLimit>,
) -> Result<bool, QueueError> {
    let Some(limit) = limit else {
        link.query::<i64>("limits", redis::cmd("HDEL").arg(keys.limits()).arg(tenant)).await?;
        return Ok(true);
    };
    let count: usize = link.query("limits", redis::cmd("HLEN").arg(keys.limits())).await?;
    let known: bool = link.query("limits", redis::cmd("HEXISTS").arg(keys.limits()).arg(tenant)).await?;
    if count >= MAX_LIMITS && !known {
        return Ok(false);
    }
    let stored = format!("{} {}", limit.per_second, limit.burst);
    link.query::<i64>("limits", redis::cmd("HSET").arg(keys.limits()).arg(tenant).arg(stored)).await?;
    Ok(true)
}

impl Queue {
    /// The tenants with parked jobs and how many each has, the most first, at most `limit`. Jobs that were
    /// cancelled while they were parked are counted until their turn would have come.
    ///
    /// # Errors
    /// A Redis error.
    pub async fn parked(&self, limit: usize) -> Result<Vec<(String, u64)>, QueueError> {
        self.parked_page(0, limit).await
    }

    /// How many of a tenant's jobs wait here: those that are parked, and those that have had their turn and that no
    /// worker has started.
    ///
    /// # Errors
    /// A Redis error.
    pub async fn waiting_of(&self, tenant: &str) -> Result<u64, QueueError> {
        let mut pipeline = redis::Pipeline::with_capacity(2);
        pipeline.cmd("ZSCORE").arg(self.keys().tenants()).arg(tenant);
        pipeline.cmd("HGET").arg(self.keys().turns()).arg(tenant);
        let (parked, turns): (Option<f64>, Option<u64>) = self.link().pipeline("tenants", &pipeline).await?;
        Ok(parked.unwrap_or(0.0).max(0.0) as u64 + turns.unwrap_or(0))
    }

    async fn parked_page(&self, skip: usize, limit: usize) -> Result<Vec<(String, u64)>, QueueError> {
        let mut command = redis::cmd("ZRANGE");
        command.arg(self.keys().tenants()).arg(skip).arg((skip + limit).saturating_sub(1));
        command.arg("REV").arg("WITHSCORES");
        let found: Vec<(String, f64)> = self.link().query("tenants", &command).await?;
        Ok(found.into_iter().map(|(tenant, count)| (tenant, count.max(0.0) as u64)).collect())
    }

    /// When the oldest parked job was accepted, among the tenants with the most.
    pub(crate) async fn oldest_parked(&self) -> Result<Option<UnixMillis>, QueueError> {
        let tenants = self.parked(PAGE).await?;
        let mut heads = redis::Pipeline::with_capacity(tenants.len());
        for (tenant, _) in &tenants {
            heads.cmd("LINDEX").arg(self.keys().parked(tenant)).arg(0);
        }
        let heads: Vec<Option<String>> = self.link().pipeline("tenants", &heads).await?;
        let ids: Vec<String> = heads.into_iter().flatten().collect();
        if ids.is_empty() {
            return Ok(None);
        }
        let command = redis::cmd("HMGET").arg(self.keys().live()).arg(ids).to_owned();
        let lines: Vec<Option<String>> = self.link().query("tenants", &command).await?;
        let since = |line: &Option<String>| Some(crate::line::Line::parse(line.as_deref()?)?.enqueued_at);
        Ok(lines.iter().filter_map(since).min())
    }

    /// Tells the queue's scripts which tenants have a rate limit.
    pub(crate) async fn learn_limits(&self, limits: &HashMap<String, RateLimit>) -> Result<(), QueueError> {
        let key = self.keys().limited();
        let known: Vec<String> = self.link().query("limits", redis::cmd("SMEMBERS").arg(&key)).await?;
        let gone: Vec<&String> = known.iter().filter(|tenant| !limits.contains_key(*tenant)).collect();
        let new: Vec<&String> = limits.keys().filter(|tenant| !known.contains(tenant)).collect();
        for (command, tenants) in [("SREM", gone), ("SADD", new)] {
            if !tenants.is_empty() {
                self.link().query::<i64>("limits", redis::cmd(command).arg(&key).arg(tenants)).await?;
            }
        }
        Ok(())
    }

    /// Gives parked jobs their turns: of tenants with a rate as many as it allows now, and of others what a
    /// worker's end may have kept back. One page of tenants; returns where the next begins.
    pub(crate) async fn serve_parked(
        &self,
        keys: &Keys,
        limits: &HashMap<String, RateLimit>,
        skip: usize,
    ) -> Result<usize, QueueError> {
        let page = self.parked_page(skip, PAGE).await?;
        for (tenant, count) in &page {
            let (allowed, turns) = match limits.get(tenant) {
                Some(limit) => self.allowed(keys, tenant, limit, *count).await?,
                None => (TURNS, TURNS),
            };
            if allowed > 0 {
                let mut call = self.begin(&SERVE);
                call.arg(tenant).arg(allowed).arg(turns);
                self.link().script::<u64>("serve", &call).await?;
            }
        }
        Ok(if page.len() < PAGE { 0 } else { skip + PAGE })
    }

    /// How many of a limited tenant's `parked` jobs may have their turn now, and how many turns it may have.
    async fn allowed(
        &self,
        keys: &Keys,
        tenant: &str,
        limit: &RateLimit,
        parked: u64,
    ) -> Result<(u64, u64), QueueError> {
        // What starts between two rounds of the keeper must find its turn beforehand.
        let turns = ((limit.per_second * 0.5) as u64).clamp(TURNS, MAX_ITEMS as u64);
        let command = redis::cmd("HGET").arg(self.keys().turns()).arg(tenant).to_owned();
        let taken: Option<u64> = self.link().query("tenants", &command).await?;
        // Tokens are only taken for what there is room for: they would be lost else.
        let wanted = parked.min(turns.saturating_sub(taken.unwrap_or(0)));
        let allowed = match wanted {
            0 => 0,
            wanted => self.take_tokens(&keys.rate(tenant), limit, wanted).await?,
        };
        Ok((allowed, turns))
    }

    async fn take_tokens(&self, bucket: &str, limit: &RateLimit, wanted: u64) -> Result<u64, QueueError> {
        let mut call = TAKE.prepare_invoke();
        call.key(bucket).arg(now_ms()).arg(limit.per_second).arg(limit.burst).arg(wanted);
        self.link().script("take", &call).await
    }
}

/// Turns that a tenant without a rate may have, as in `prelude.lua`.
const TURNS: u64 = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_read_and_damaged_ones_are_not() {
        let limit = RateLimit { per_second: 2.5, burst: 10 };
        assert_eq!(RateLimit::from_stored("2.5 10"), Some(limit));
        for wrong in ["", "2.5", "x 1", "0 1", "1 0", "NaN 1", "inf 1"] {
            assert_eq!(RateLimit::from_stored(wrong), None, "{wrong}");
        }
    }
}
