//! A contender's processes: workers and submitters that speak lines of text.
//!
//! A worker says `ready` when it takes jobs, and `running` when it starts a job that was asked to hold. A submitter
//! says `ready` and then answers requests on its standard input:
//!
//! | request | answer |
//! |---|---|
//! | `fill COUNT BYTES` | submits no-op jobs in bulk, then `filled N`; N commands were for pacing itself |
//! | `singles COUNT BYTES SECONDS` | one job at a time, `singles [ms, …]` for those that ended within the time |
//! | `hold` | submits a job that runs for long, `held ID` |

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use booster_producer::ClientError;
use booster_producer::local::bound_to_us;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout};
use tokio::time::timeout;

/// How long a process may take until it is ready.
const START_LIMIT: Duration = Duration::from_secs(30);

/// A running worker or submitter.
#[derive(Debug)]
pub struct Process {
    what: String,
    child: Child,
    requests: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Process {
    /// Starts a program and waits until it is ready.
    ///
    /// # Errors
    /// [`ClientError::Machine`] when it cannot be started or does not become ready within half a minute.
    pub async fn start(program: &Path, arguments: &[&str]) -> Result<Self, ClientError> {
        let what = format!("{} {}", program.display(), arguments.join(" "));
        let mut command = bound_to_us(program);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().map_err(|error| ClientError::machine(&what, error))?;
        let (Some(requests), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(ClientError::machine(what, "no standard input or output"));
        };
        let mut process = Self { what, child, requests, answers: BufReader::new(output).lines() };
        process.answer("ready", START_LIMIT).await?;
        Ok(process)
    }

    /// Its process id, while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Sends a request without waiting for its answer.
    ///
    /// # Errors
    /// [`ClientError::Machine`] when the process is gone.
    pub async fn request(&mut self, line: &str) -> Result<(), ClientError> {
        let sent = self.requests.write_all(format!("{line}\n").as_bytes()).await;
        sent.map_err(|error| ClientError::machine(&self.what, error))
    }

    /// Waits for the next line, which must begin with `word`, and returns what follows it.
    ///
    /// # Errors
    /// [`ClientError::Machine`] when the process ends, says something else, or nothing within `limit`.
    pub async fn answer(&mut self, word: &str, limit: Duration) -> Result<String, ClientError> {
        let line = match timeout(limit, self.answers.next_line()).await {
            Err(_) => return Err(self.fault(&format!("did not say `{word}` within {limit:?}"))),
            Ok(Err(error)) => return Err(ClientError::machine(&self.what, error)),
            Ok(Ok(None)) => return Err(self.fault(&format!("ended before it said `{word}`"))),
            Ok(Ok(Some(line))) => line,
        };
        match line.strip_prefix(word) {
            Some(rest) => Ok(rest.trim().to_owned()),
            None => Err(self.fault(&format!("said `{line}` where `{word}` was expected"))),
        }
    }

    /// Waits for the next line; `None` when the process has ended.
    ///
    /// # Errors
    /// [`ClientError::Machine`] when its output cannot be read.
    pub async fn line(&mut self) -> Result<Option<String>, ClientError> {
        self.answers.next_line().await.map_err(|error| ClientError::machine(&self.what, error))
    }

    /// Kills it without warning and waits until it is gone.
    pub async fn kill(&mut self) {
        let _ = self.child.kill().await;
    }

    fn fault(&self, detail: &str) -> ClientError {
        ClientError::machine(&self.what, detail)
    }
}

/// A submitter that is part of this program.
pub trait Submitter {
    /// Submits `count` no-op jobs with `bytes` of text each; returns how many commands it used to pace itself.
    ///
    /// # Errors
    /// A Redis error.
    fn fill(&mut self, count: usize, bytes: usize) -> impl Future<Output = Result<u64, ClientError>>;

    /// Submits one job and waits for its outcome; `None` when there is none within `limit`.
    ///
    /// # Errors
    /// A Redis error.
    fn single(
        &mut self,
        bytes: usize,
        limit: Duration,
    ) -> impl Future<Output = Result<Option<Duration>, ClientError>>;

    /// Submits a job that runs for long; returns its id.
    ///
    /// # Errors
    /// A Redis error.
    fn hold(&mut self) -> impl Future<Output = Result<String, ClientError>>;
}

/// How long a submitter rests between two single jobs, so that the queue is idle again.
const BETWEEN_SINGLES: Duration = Duration::from_millis(5);

/// Serves a submitter on standard input and output until the input ends. `say` prints a line.
///
/// # Errors
/// What the submitter says, or a wrong request.
pub async fn serve(mut submitter: impl Submitter, say: impl Fn(&str)) -> Result<(), ClientError> {
    let stopped = |error| ClientError::machine("standard input", error);
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    say("ready");
    while let Some(line) = lines.next_line().await.map_err(stopped)? {
        let words: Vec<&str> = line.split(' ').collect();
        let number = |place: usize| -> Result<usize, ClientError> {
            let word = words.get(place).copied().unwrap_or_default();
            word.parse().map_err(|error| ClientError::usage(format!("request `{line}`"), error))
        };
        let answer = match words[0] {
            "fill" => format!("filled {}", submitter.fill(number(1)?, number(2)?).await?),
            "singles" => {
                let end = tokio::time::Instant::now() + Duration::from_secs(number(3)? as u64);
                let times = singles(&mut submitter, number(1)?, number(2)?, end).await?;
                format!("singles {times:?}")
            }
            "hold" => format!("held {}", submitter.hold().await?),
            _ => {
                return Err(ClientError::usage(
                    format!("request `{line}`"),
                    "expected fill, singles or hold",
                ));
            }
        };
        say(&answer);
    }
    Ok(())
}

async fn singles(
    submitter: &mut impl Submitter,
    count: usize,
    bytes: usize,
    end: tokio::time::Instant,
) -> Result<Vec<f64>, ClientError> {
    let mut times = Vec::with_capacity(count);
    while times.len() < count {
        tokio::time::sleep(BETWEEN_SINGLES).await;
        let left = end.saturating_duration_since(tokio::time::Instant::now());
        match submitter.single(bytes, left).await? {
            Some(time) => times.push(time.as_secs_f64() * 1000.0),
            None => break,
        }
    }
    Ok(times)
}
