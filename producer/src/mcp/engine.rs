//! Where edits run: in sandboxes of this process, or in a fleet.

use std::time::Duration;

use booster_core::{Attempt, Config, Job, OutcomeKind, Target};
use serde::Deserialize;
use tokio::sync::OnceCell;

use super::answer::{Applied, Failure};
use crate::client::Client;
use crate::error::ClientError;
use crate::sandbox::Sandbox;

/// The booster that applies edits.
const BOOSTER: &str = "apply";
/// How long a fleet may take for one edit.
const WAIT: Duration = Duration::from_secs(60);
/// The agent of jobs that this server submits, as their events name it.
const AGENT: &str = "booster-mcp";

/// Applies edits.
pub(crate) enum Engine {
    /// In this process; the sandboxes are started when they are first needed.
    Here { config: Box<Config>, sandbox: OnceCell<Sandbox> },
    /// In a fleet.
    Fleet(Client),
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.client().is_some() { "Engine::Fleet" } else { "Engine::Here" })
    }
}

/// What the booster says of an edit that it has applied.
#[derive(Debug, Deserialize)]
struct Output {
    output: String,
    success: bool,
    confidence: f64,
    strategy: String,
    language: String,
    diff: String,
}

impl Engine {
    /// One that runs edits in this process.
    pub(crate) fn here(config: Config) -> Self {
        Self::Here { config: Box::new(config), sandbox: OnceCell::new() }
    }

    /// One that runs edits in a fleet.
    pub(crate) fn fleet(client: Client) -> Self {
        Self::Fleet(client)
    }

    /// The fleet, if there is one.
    pub(crate) fn client(&self) -> Option<&Client> {
        match self {
            Self::Here { .. } => None,
            Self::Fleet(client) => Some(client),
        }
    }

    /// Starts what takes long to start.
    pub(crate) async fn prepare(&self) {
        if let Self::Here { config, sandbox } = self
            && let Err(error) = started(config, sandbox).await
        {
            tracing::warn!(%error, "the sandboxes could not be started");
        }
    }

    /// Runs the booster on an input; the new file, and what is told of it.
    pub(crate) async fn apply(&self, input: String) -> Result<(String, Applied), Failure> {
        let (output, latency) = match self {
            Self::Here { config, sandbox } => run_here(started(config, sandbox).await?, input).await?,
            Self::Fleet(client) => run_in_fleet(client, input).await?,
        };
        let unreadable =
            |detail: String| Failure::new("answer_invalid", format!("the booster's answer: {detail}"));
        let output: Output = serde_json::from_str(&output).map_err(|error| unreadable(error.to_string()))?;
        if !output.success {
            return Err(unreadable("`success` is false, but the job is done".into()));
        }
        let Output { output, confidence, strategy, language, diff, .. } = output;
        let latency = (latency * 1000.0).round() / 1000.0;
        Ok((output, Applied { confidence, strategy, language, latency, diff }))
    }
}

async fn started<'a>(config: &Config, sandbox: &'a OnceCell<Sandbox>) -> Result<&'a Sandbox, ClientError> {
    sandbox.get_or_try_init(|| Sandbox::open(config, crate::degrade::slots())).await
}

/// The booster's output and the milliseconds that it took.
async fn run_here(sandbox: &Sandbox, input: String) -> Result<(String, f64), Failure> {
    let booster = sandbox.resolve(&Target::Booster(BOOSTER.into())).map_err(|known| {
        Failure::new("booster_unknown", format!("there is no booster `{BOOSTER}` here; {known}"))
    })?;
    let run = sandbox.run(booster, input, None).await?;
    match run.attempt {
        Attempt::Done(output) => Ok((output.get().to_owned(), run.latency_ms)),
        Attempt::Refused(refusal) => Err(refused(refusal.get())),
        Attempt::Failed { cause, message, .. } => Err(Failure::new(cause.as_str(), message)),
        Attempt::Invalid { code, message } => Err(Failure::new(&code, message)),
        Attempt::HandBack => Err(Failure::new("stopped", "the edit was stopped")),
    }
}

/// The same from a fleet.
async fn run_in_fleet(client: &Client, input: String) -> Result<(String, f64), Failure> {
    let mut job = Job::new(BOOSTER, &input).map_err(ClientError::from)?;
    job.agent_id = Some(AGENT.into());
    let submitted = client.submit_many(vec![job], None, true).await?.pop();
    let id = submitted.map(|submitted| submitted.id).unwrap_or_default();
    let Some(outcome) = client.wait(&id, WAIT).await? else {
        // Nobody waits for it any more.
        client.cancel(&id).await?;
        let message = format!("no worker has done job `{id}` within {} s; is one running?", WAIT.as_secs());
        return Err(Failure::new("no_outcome", message));
    };
    match (outcome.outcome, outcome.output, outcome.refusal, outcome.error) {
        (OutcomeKind::Done, Some(output), ..) => Ok((output.get().to_owned(), outcome.latency_ms)),
        (_, _, Some(refusal), _) => Err(refused(refusal.get())),
        (_, _, _, Some(error)) => Err(error.into()),
        (kind, ..) => Err(Failure::new(kind.as_str(), format!("job `{id}` is {}", kind.as_str()))),
    }
}

/// The booster's own words, where they have the known form.
fn refused(refusal: &str) -> Failure {
    serde_json::from_str(refusal).unwrap_or_else(|_| Failure::new("refused", refusal))
}
