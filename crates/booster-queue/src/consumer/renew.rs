//! Renewing claims: what this worker holds for longer than a moment stays its own.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use super::{EntryKey, Shared, lock};
use crate::scripts::{MAX_ITEMS, RENEW};

/// Renews every third of the claim time until the consumer is closed.
pub(super) async fn run(shared: Arc<Shared>) {
    let period = shared.claim_ttl() / 3;
    while !shared.is_closed() {
        shared.pause(period).await;
        for (index, keys) in due(&shared, period / 2) {
            for chunk in keys.chunks(MAX_ITEMS) {
                renew(&shared, index, chunk).await;
            }
        }
    }
}

/// What has been held for longer than `age` since it was fetched or renewed, by queue.
fn due(shared: &Shared, age: std::time::Duration) -> HashMap<usize, Vec<EntryKey>> {
    let mut due: HashMap<usize, Vec<EntryKey>> = HashMap::new();
    for (key, hold) in lock(&shared.held).iter() {
        if hold.renewed.elapsed() >= age && !hold.lost.load(Ordering::Relaxed) {
            due.entry(key.0).or_default().push(key.clone());
        }
    }
    due
}

async fn renew(shared: &Shared, index: usize, entries: &[EntryKey]) {
    let asked = Instant::now();
    let mut call = shared.begin(index, &RENEW);
    call.arg(&shared.worker);
    for (_, lane, entry) in entries {
        call.arg(lane.as_str()).arg(entry);
    }
    let answers = match shared.link.script::<Vec<u8>>("renew", &call).await {
        Ok(answers) => answers,
        // The next round asks again.
        Err(error) => return shared.mend(index, &error).await,
    };
    shared.answered();
    let mut held = lock(&shared.held);
    for (key, answer) in entries.iter().zip(answers) {
        let Some(hold) = held.get_mut(key) else { continue };
        match answer {
            1 => hold.renewed = asked,
            _ => hold.lost.store(true, Ordering::Relaxed),
        }
    }
}
