//! The intake: services that push jobs with apalis-redis 1.0 keep doing so, and the fleet does the jobs.
//!
//! For each apalis queue that is configured, one elected worker is its *mover*. It moves due tasks into a queue of the
//! fleet (`take.rs`) and writes how they ended back to where apalis-redis' own `WaitForCompletion` looks
//! (`answer.rs`). A task is moved in one script: added here, listed as followed, and removed from what waits there,
//! or none of it. It is followed until its end has been told, by whichever mover. So a mover may die at any point, and
//! two may work at the same time: nothing is lost, and nothing is added or told twice.

mod answer;
mod take;

use std::time::Duration;

use booster_core::config::Intake;
use booster_core::digest::sha256_hex;
use booster_core::keys::{ApalisKeys, QueueKeys, hash_tag};
use booster_core::{Config, Keys};

use crate::error::QueueError;
use crate::link::Link;
use crate::office::Office;
use crate::scripts::Caller;
use answer::Progress;

/// How long an election holds; a dead mover is replaced after it.
const TERM: Duration = Duration::from_secs(2);
/// How often the others stand for election.
const CANDIDACY: Duration = Duration::from_millis(1500);
/// How often the mover looks.
const TICK: Duration = Duration::from_millis(200);
/// Rounds are at least so far apart, also when there is more to do.
const BREATH: Duration = Duration::from_millis(5);
/// Pause after a round that Redis did not answer.
const FAULT_PAUSE: Duration = Duration::from_secs(1);
/// Most tasks that one script moves or tells.
const MOST: usize = 100;

/// Takes over the tasks of one apalis queue until `stop` resolves. Redis may be away at any time.
///
/// # Errors
/// [`QueueError::IntakeSlot`] on a Redis Cluster where the names of the two queues make it impossible.
pub async fn run(
    link: Link,
    config: &Config,
    intake: &Intake,
    worker: &str,
    stop: impl Future<Output = ()>,
) -> Result<(), QueueError> {
    let mut mover = Mover::new(link, config, intake, worker);
    tokio::pin!(stop);
    let mut checked = false;
    loop {
        // A fault has been noted by the link.
        let pause = if checked {
            mover.round().await.unwrap_or(FAULT_PAUSE)
        } else if let Ok(is_cluster) = mover.is_cluster().await {
            check_slot(intake, is_cluster)?;
            checked = true;
            BREATH
        } else {
            FAULT_PAUSE
        };
        tokio::select! {
            () = &mut stop => break,
            () = tokio::time::sleep(pause) => {}
        }
    }
    mover.office.resign().await;
    Ok(())
}

/// Whether tasks of an apalis queue can be moved in one step: on a cluster both names must carry the same hash tag.
///
/// # Errors
/// [`QueueError::IntakeSlot`] when they cannot.
pub fn check_slot(intake: &Intake, is_cluster: bool) -> Result<(), QueueError> {
    let (namespace, queue) = (&intake.namespace, &intake.queue);
    // The tag of a fleet's key is its queue's name. An apalis key goes on after its queue's name, so a name without
    // braces has no tag.
    if !is_cluster || (namespace.contains('{') && hash_tag(namespace.as_bytes()) == queue.as_bytes()) {
        return Ok(());
    }
    Err(QueueError::IntakeSlot { namespace: namespace.clone(), queue: queue.clone() })
}

/// One apalis queue, its target, and how far this process has come as their mover.
struct Mover {
    link: Link,
    apalis: ApalisKeys,
    keys: QueueKeys,
    /// Tasks that were moved and whose end has not been told.
    followed: String,
    office: Office,
    ids: JobIds,
    caller: Caller,
    /// The fleet's stream of events.
    events: String,
    config: Config,
    progress: Progress,
}

impl Mover {
    fn new(link: Link, config: &Config, intake: &Intake, worker: &str) -> Self {
        let fleet = Keys::new(config.redis.key_prefix.clone());
        let keys = fleet.queue(&intake.queue);
        let office = Office::new(link.clone(), keys.intake_office(&intake.namespace), worker, TERM);
        Self {
            link,
            apalis: ApalisKeys::new(&intake.namespace),
            followed: keys.intake(&intake.namespace),
            office,
            keys,
            ids: JobIds::new(&intake.namespace),
            caller: Caller::new(config, &fleet.queue(&intake.queue)),
            events: fleet.events(),
            config: config.clone(),
            progress: Progress::default(),
        }
    }

    /// One round; returns how long to pause.
    async fn round(&mut self) -> Result<Duration, QueueError> {
        if !self.office.hold().await? {
            self.progress = Progress::default();
            return Ok(CANDIDACY);
        }
        // Keys of apalis that cannot be read must not keep the ends of what was moved before from being told.
        let mut known = Vec::new();
        let taken = self.take(&mut known).await;
        let answered = self.answer(known).await;
        if answered.is_err() {
            // What was to be told may have been read and not written: look at everything again.
            self.progress = Progress::default();
        }
        let more = answered?;
        Ok(if taken? || more { BREATH } else { TICK })
    }

    async fn is_cluster(&self) -> Result<bool, QueueError> {
        let mut command = redis::cmd("INFO");
        command.arg("cluster");
        let info: String = self.link.query_at("info", &self.followed, &command).await?;
        Ok(info.lines().any(|line| line.trim() == "cluster_enabled:1"))
    }
}

/// The names of jobs that come from one apalis queue. The same task always has the same name, so that it is added
/// once, and tasks of two queues never meet.
struct JobIds {
    /// Before a task id that may stand in a job's id as it is.
    plain: String,
    /// Before the digest of any other task id.
    digest: String,
}

impl JobIds {
    fn new(namespace: &str) -> Self {
        let base = format!("apalis-{}", hex(namespace.as_bytes(), 4));
        Self { plain: format!("{base}-"), digest: format!("{base}:") }
    }

    fn of(&self, task: &[u8]) -> String {
        let plain = std::str::from_utf8(task).ok().map(|task| format!("{}{task}", self.plain));
        match plain {
            Some(id) if !task.is_empty() && booster_core::job::is_valid_id(&id) => id,
            _ => format!("{}{}", self.digest, hex(task, 16)),
        }
    }

    /// The task of a job, as far as its name says it.
    fn task<'a>(&self, id: &'a str) -> Option<&'a str> {
        id.strip_prefix(&self.plain)
    }
}

/// The first `count` bytes of a digest, in hexadecimal.
fn hex(bytes: &[u8], count: usize) -> String {
    sha256_hex(bytes)[..2 * count].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn on_a_cluster_only_a_queue_with_the_targets_tag_is_taken_over() {
        let intake = |namespace: &str| Intake { namespace: namespace.into(), queue: "normal".into() };
        for (namespace, fits) in [
            ("{normal}", true),
            ("svc{normal}x", true),
            ("normal", false),
            ("{low}", false),
            ("{}{normal}", false),
        ] {
            assert_eq!(check_slot(&intake(namespace), true).is_ok(), fits, "{namespace}");
            assert!(check_slot(&intake(namespace), false).is_ok(), "{namespace}");
        }
        let error = check_slot(&intake("edits"), true).unwrap_err();
        assert!(error.to_string().contains("`{normal}`") && !error.is_retryable(), "{error}");
    }

    #[test]
    fn a_task_has_one_valid_name_and_queues_do_not_meet() {
        let (edits, other) = (JobIds::new("svc::Edit"), JobIds::new("other"));
        let ulid = b"01JTASK0000000000000000000";
        assert_eq!(edits.task(&edits.of(ulid)), Some("01JTASK0000000000000000000"));
        assert_ne!(edits.of(ulid), other.of(ulid));
        assert_eq!(edits.task(&other.of(ulid)), None);
        let long = vec![b'x'; 500];
        for task in [&b""[..], b"two words", b"\xff\xfe", &long] {
            let id = edits.of(task);
            assert!(booster_core::job::is_valid_id(&id), "{id}");
            assert_eq!(edits.task(&id), None);
            assert_eq!(id, edits.of(task));
        }
    }
}
