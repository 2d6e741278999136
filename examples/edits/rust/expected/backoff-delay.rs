use std::time::Duration;

/// How long to wait between attempts.
#[derive(Debug, Clone, Copy)]
pub struct Backoff {
    pub first: Duration,
    pub factor: u32,
    pub limit: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Backoff {
            first: Duration::from_millis(100),
            factor: 2,
            limit: Duration::from_secs(30),
        }
    }
}

/// Pause before attempt number `attempt`, counted from 1.
///
/// Never longer than the limit of the policy, whatever the factor is.
pub fn delay(policy: &Backoff, attempt: u32) -> Duration {
    let factor = policy.factor.saturating_pow(attempt.saturating_sub(1));
    let grown = policy.first.saturating_mul(factor);
    grown.min(policy.limit)
}

/// Runs `work` until it succeeds or `tries` attempts are used up.
pub fn retry<T, E>(tries: u32, mut work: impl FnMut(u32) -> Result<T, E>) -> Result<T, E> {
    let mut attempt = 1;
    loop {
        match work(attempt) {
            Ok(value) => return Ok(value),
            Err(error) if attempt >= tries => return Err(error),
            Err(_) => attempt += 1,
        }
    }
}
