//! What workers are told while they work: which of their jobs to stop.
//!
//! A wish to cancel is kept in the job's record and announced on a channel. The announcement makes it quick; a
//! look at the records every third of the claim time makes it certain.

use std::sync::Arc;

use futures_util::StreamExt;
use redis::Pipeline;
use redis::aio::PubSub;

use super::{Backoff, Shared};
use crate::error::QueueError;
use crate::scripts::MAX_ITEMS;

/// Listens until the consumer is closed.
pub(super) async fn run(shared: Arc<Shared>) {
    let mut backoff = Backoff::new();
    while !shared.is_closed() {
        match subscribe(&shared).await {
            Ok(subscriber) => {
                backoff.reset();
                listen(&shared, subscriber).await;
            }
            Err(_) => shared.pause(backoff.next()).await,
        }
    }
}

async fn subscribe(shared: &Shared) -> Result<PubSub, QueueError> {
    let mut subscriber = shared.link.subscriber().await?;
    for line in &shared.lines {
        subscriber
            .subscribe(line.keys.control_channel())
            .await
            .map_err(|error| shared.link.fault(QueueError::from_redis("subscribe", &error)))?;
    }
    Ok(subscriber)
}

/// Listens until the subscription ends or the consumer is closed.
async fn listen(shared: &Shared, mut subscriber: PubSub) {
    let mut messages = subscriber.on_message();
    let period = shared.claim_ttl() / 3;
    while !shared.is_closed() {
        tokio::select! {
            message = messages.next() => match message {
                Some(message) => {
                    if let Ok(id) = message.get_payload::<String>() {
                        shared.cancel_running(&id);
                    }
                }
                None => return,
            },
            () = shared.pause(period) => look(shared).await,
        }
    }
}

/// Looks whether someone wants one of the running jobs cancelled.
async fn look(shared: &Shared) {
    let running = shared.running_ids();
    for chunk in running.chunks(MAX_ITEMS) {
        let mut pipeline = Pipeline::with_capacity(chunk.len());
        for (index, id) in chunk {
            pipeline.cmd("HGET").arg(shared.lines[*index].keys.job(id)).arg("cancel");
        }
        // Without an answer the next look finds it.
        let wanted: Vec<Option<String>> =
            shared.link.pipeline("control", &pipeline).await.unwrap_or_default();
        for ((_, id), _) in chunk.iter().zip(wanted).filter(|(_, wanted)| wanted.is_some()) {
            shared.cancel_running(id);
        }
    }
}
