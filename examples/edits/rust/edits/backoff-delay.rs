/// Pause before attempt number `attempt`, counted from 1.
///
/// Never longer than the limit of the policy, whatever the factor is.
pub fn delay(policy: &Backoff, attempt: u32) -> Duration {
    let factor = policy.factor.saturating_pow(attempt.saturating_sub(1));
    let grown = policy.first.saturating_mul(factor);
    grown.min(policy.limit)
}
