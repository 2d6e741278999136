//! The built-in agent: takes offered edits and has a model do them.

use std::time::Duration;

use booster_queue::TakenOffer;
use futures_util::future::join_all;
use tokio::sync::watch;

use crate::client::Client;
use crate::error::ClientError;
use crate::fallback::{Answer, Answered, EditInput, Wanted};
use crate::model::{Model, ModelError};

/// How long it waits for an offer before it looks whether it shall end.
const WAIT: Duration = Duration::from_secs(2);
/// Pause after Redis could not be asked.
const AWAY_PAUSE: Duration = Duration::from_secs(1);
/// Claims are renewed so many times as often as they lapse.
const RENEWALS: u32 = 3;

/// How the work on one offer ended.
enum Ended {
    /// There is an answer, which may be one that nobody accepts, or the job is given up.
    Told,
    /// The claim was lost, or given back because the agent ends.
    Left,
}

/// Has the model do offered edits, as many at a time as configured, until `stop` resolves. What it works on then is given
/// back.
///
/// # Errors
/// [`ClientError::Machine`] when the endpoint does not let itself be asked: every other job would fare as badly.
pub(crate) async fn run(
    client: &Client,
    model: &Model,
    queue: Option<String>,
    stop: impl Future<Output = ()> + Send,
) -> Result<(), ClientError> {
    let (stopping, stopped) = watch::channel(false);
    let wanted = Wanted { queue, booster: Some("apply".to_owned()) };
    let each = || work(client, model, &wanted, &stopping, stopped.clone());
    let all = join_all((0..client.config().booster.fallback_concurrency).map(|_| each()));
    tokio::pin!(all, stop);
    let results = tokio::select! {
        results = &mut all => results,
        () = &mut stop => {
            stopping.send_replace(true);
            all.await
        }
    };
    results.into_iter().collect()
}

/// Does one offer after the other.
async fn work(
    client: &Client,
    model: &Model,
    wanted: &Wanted,
    stopping: &watch::Sender<bool>,
    mut stopped: watch::Receiver<bool>,
) -> Result<(), ClientError> {
    while !*stopped.borrow() {
        let taken = match client.next_fallback(wanted, WAIT).await {
            Ok(Some(taken)) => taken,
            Ok(None) => continue,
            Err(error) if error.is_retryable() => {
                tracing::warn!(%error, "no offer could be taken");
                tokio::time::sleep(AWAY_PAUSE).await;
                continue;
            }
            Err(error) => {
                stopping.send_replace(true);
                return Err(error);
            }
        };
        match handle(client, model, &taken, &mut stopped).await {
            Ok(Ended::Told) => {}
            Ok(Ended::Left) => tracing::warn!(job = taken.id(), "left an offer"),
            Err(Trouble::Denied(error)) => {
                stopping.send_replace(true);
                // Without an answer the claim lapses.
                let _ = client.return_fallback(&taken).await;
                return Err(ClientError::machine("the model", error));
            }
            // The claim lapses, and somebody takes the offer again.
            Err(Trouble::Client(error)) => {
                tracing::warn!(job = taken.id(), %error, "an offer could not be answered")
            }
        }
    }
    Ok(())
}

enum Trouble {
    Denied(ModelError),
    Client(ClientError),
}

impl From<ClientError> for Trouble {
    fn from(error: ClientError) -> Self {
        Self::Client(error)
    }
}

async fn handle(
    client: &Client,
    model: &Model,
    taken: &TakenOffer,
    stopped: &mut watch::Receiver<bool>,
) -> Result<Ended, Trouble> {
    let (id, token) = (taken.id(), &taken.token);
    let Some(input) = EditInput::of(&taken.job) else {
        client.fail_fallback(id, token, "the job's input is no edit").await?;
        return Ok(Ended::Told);
    };
    let made = tokio::select! {
        made = model.edit(&input, &taken.outcome) => made,
        () = until_lost(client, taken) => return Ok(Ended::Left),
        _ = stopped.wait_for(|stop| *stop) => {
            client.return_fallback(taken).await?;
            return Ok(Ended::Left);
        }
    };
    match made {
        Ok(output) => {
            match client.finish_fallback(id, token, &Answer::Json(output)).await? {
                Answered::Stored | Answered::Again => tracing::info!(job = id, "done by the model"),
                Answered::Lost => return Ok(Ended::Left),
                Answered::Rejected { reason } => {
                    tracing::warn!(job = id, reason, "the model's answer was rejected")
                }
            }
            Ok(Ended::Told)
        }
        Err(error @ ModelError::Denied { .. }) => Err(Trouble::Denied(error)),
        Err(error) => {
            tracing::warn!(job = id, %error, "given up by the model");
            client.fail_fallback(id, token, &error.to_string()).await?;
            Ok(Ended::Told)
        }
    }
}

/// Renews a claim until it is lost.
async fn until_lost(client: &Client, taken: &TakenOffer) {
    let every = Duration::from_millis(client.config().booster.fallback_claim_ttl_ms) / RENEWALS;
    loop {
        tokio::time::sleep(every).await;
        // Redis being away loses no claim by itself.
        if let Ok(None) = client.renew_fallback(taken.id(), &taken.token).await {
            return;
        }
    }
}
