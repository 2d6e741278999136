//! Regular agents: whoever does a job when no booster can.

use std::process::Stdio;
use std::time::Duration;

use booster_core::{Attempt, FailureCause, Job};
use futures_util::future::BoxFuture;
use serde_json::value::RawValue;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;

/// Exit status with which a command refuses a job.
const REFUSED: i32 = 3;

/// Does a job without a fleet, such as by asking a language model.
pub trait Agent: Send + Sync + 'static {
    /// Does one job; a failure may be tried again.
    fn run<'a>(&'a self, job: &'a Job) -> BoxFuture<'a, Attempt>;
}

/// A program as agent. It gets the job's JSON on standard input and answers with one JSON value on standard output:
/// the job's output when it exits with 0, the refusal when it exits with 3. Any other status is a failure.
#[derive(Debug, Clone)]
pub struct AgentCommand {
    /// The program and its arguments.
    words: Vec<String>,
    /// For a job that names no time of its own.
    timeout: Duration,
    /// Most bytes of an answer.
    max_output: usize,
}

impl AgentCommand {
    /// The program of a command line, whose words are separated by white space.
    pub fn new(line: &str, timeout: Duration, max_output: usize) -> Self {
        let words = line.split_whitespace().map(ToOwned::to_owned).collect();
        Self { words, timeout, max_output }
    }

    async fn ask(&self, job: &Job) -> Result<Attempt, String> {
        let (program, arguments) = self.words.split_first().ok_or("booster.agentCommand is empty")?;
        let failed = |error: std::io::Error| format!("{program}: {error}");
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(failed)?;
        let (mut input, output) = (child.stdin.take(), child.stdout.take());
        let text = job.to_json();
        let write = async {
            // A program that does not want its input closes it: its answer counts.
            if let Some(input) = &mut input {
                let _ = input.write_all(text.as_bytes()).await;
            }
            drop(input.take());
        };
        let mut answer = Vec::new();
        let read = async {
            match output {
                Some(output) => output.take(self.max_output as u64 + 1).read_to_end(&mut answer).await,
                None => Ok(0),
            }
        };
        let ((), read) = tokio::join!(write, read);
        read.map_err(failed)?;
        if answer.len() > self.max_output {
            return Err(format!("{program}: its answer is larger than {} bytes", self.max_output));
        }
        let status = child.wait().await.map_err(failed)?;
        let value = || {
            let text = String::from_utf8(answer).map_err(|error| format!("{program}: {error}"))?;
            RawValue::from_string(text).map_err(|error| format!("{program}: its answer is no JSON: {error}"))
        };
        match status.code() {
            Some(0) => Ok(Attempt::Done(value()?)),
            Some(REFUSED) => Ok(Attempt::Refused(value()?)),
            _ => Err(format!("{program}: {status}")),
        }
    }
}

impl Agent for AgentCommand {
    fn run<'a>(&'a self, job: &'a Job) -> BoxFuture<'a, Attempt> {
        Box::pin(async move {
            let limit = job.timeout_ms.map_or(self.timeout, Duration::from_millis);
            match tokio::time::timeout(limit, self.ask(job)).await {
                Ok(Ok(attempt)) => attempt,
                Ok(Err(message)) => Attempt::failed(FailureCause::Trap, message),
                Err(_) => Attempt::failed(FailureCause::Timeout, format!("no answer within {limit:?}")),
            }
        })
    }
}
