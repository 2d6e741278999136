//! What every submit goes through: the caller's tenant, rate and quota, and the backlog.

use std::collections::BTreeSet;
use std::time::Duration;

use booster_core::Job;
use booster_core::outcome::JobOutcome;

use super::Gateway;
use super::auth::Caller;
use super::problem::Problem;

/// Longest time after which a refused submit is told to try again.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// When a tenant with too many waiting jobs is told to try again.
const QUOTA_PAUSE: Duration = Duration::from_secs(1);

impl Gateway {
    /// Submits jobs on behalf of the caller's tenant. Each job's id, and whether it is new, in the order of the jobs.
    pub(super) async fn submit(
        &self,
        caller: &Caller,
        mut jobs: Vec<Job>,
        watch: bool,
    ) -> Result<Vec<(String, bool)>, Problem> {
        // The request itself has been counted as one.
        caller.take(jobs.len().saturating_sub(1))?;
        if let Some(tenant) = caller.tenant() {
            for job in &mut jobs {
                job.tenant = Some(tenant.to_owned());
            }
        }
        self.check_backlog(&jobs)?;
        self.check_quota(caller, jobs.len()).await?;
        let submitted = self.client.submit_many(jobs, None, watch).await?;
        Ok(submitted.into_iter().map(|one| (one.id, one.accepted)).collect())
    }

    /// Refuses jobs for queues that have more work than they should.
    fn check_backlog(&self, jobs: &[Job]) -> Result<(), Problem> {
        let most = self.client.config().gateway.max_drain_s;
        if most == 0 {
            return Ok(());
        }
        let queues: BTreeSet<&str> = jobs.iter().map(|job| job.priority.as_str()).collect();
        for queue in queues {
            let Some(drain) = self.history.drain_s(queue).filter(|drain| *drain > most as f64) else {
                continue;
            };
            let detail = format!(
                "queue `{queue}` has work for about {drain:.0} s, and takes no more beyond {most} s (gateway.maxDrain)"
            );
            let pause = Duration::from_secs_f64((drain - most as f64).min(LONGEST_PAUSE.as_secs_f64()));
            return Err(Problem::too_many("backlog_too_long", detail, pause));
        }
        Ok(())
    }

    /// Refuses jobs of a tenant that has too many waiting.
    async fn check_quota(&self, caller: &Caller, jobs: usize) -> Result<(), Problem> {
        let (Some(tenant), Some(most)) = (caller.tenant(), caller.max_waiting()) else { return Ok(()) };
        let mut waiting = 0;
        for queue in self.client.queues().await? {
            waiting += queue.waiting_of(tenant).await?;
        }
        if waiting + jobs as u64 <= most {
            return Ok(());
        }
        let detail =
            format!("{waiting} jobs of the tenant wait, and with {jobs} more they would be above {most}");
        Err(Problem::too_many("quota_exceeded", detail, QUOTA_PAUSE))
    }

    /// Waits for a job's end; `None` when it has not come in time, or the gateway is about to stop.
    pub(super) async fn wait(
        &self,
        queue: Option<&str>,
        id: &str,
        limit: Duration,
    ) -> Result<Option<JobOutcome>, Problem> {
        let wait = async {
            match queue {
                Some(queue) => self.client.wait_in(queue, id, limit).await,
                None => self.client.wait(id, limit).await,
            }
        };
        tokio::select! {
            outcome = wait => Ok(outcome?),
            () = self.stopping() => Ok(None),
        }
    }
}
