//! Workers that are killed, stopped, or told to leave.

use std::time::Duration;

use booster_tests::servers::Server;
use rand::Rng;
use rustix::process::Signal;
use tokio::time::{Instant, sleep};

use crate::Trouble;
use crate::books::Left;
use crate::load::{mixed, mixed_with_long};
use crate::site::{Site, Stage};

/// Longer than the claim time of 5 s, so that what a silent worker held runs elsewhere meanwhile.
pub(crate) const BEYOND_CLAIM: Duration = Duration::from_secs(8);
/// Most kills of one run, so that it ends even where a machine is too slow to work between them.
const MOST_KILLS: usize = 60;

/// Scenario 1: 20,000 jobs, four workers, one killed every second until nothing is left to do.
pub(crate) async fn killed(mut stage: Stage) -> Result<(), Trouble> {
    let count = stage.jobs(20_000);
    let server = Server::start(&[]).await?;
    let mut site = Site::on(&server.redis, |_| {})?;
    site.staff(4).await?;
    let prefix = stage.prefix("kill");
    let jobs = mixed(&mut stage.random, &prefix, count)?;
    let feeding = site.feed(jobs, Duration::from_secs(3).max(Duration::from_millis(count as u64)));
    let mut kills = 0;
    let mut next = Instant::now() + Duration::from_secs(1);
    while kills < MOST_KILLS && (!feeding.is_finished() || site.books().left().await? != Left::default()) {
        tokio::time::sleep_until(next).await;
        next += Duration::from_secs(1);
        let victim = stage.random.random_range(0..site.workers.len());
        site.kill_and_replace(victim).await?;
        kills += 1;
    }
    feeding.await??;
    // Whoever was killed last may not have started yet.
    site.ready().await?;
    stage.report().figure("kills", kills);
    site.close(&mut stage, "jobs").await
}

/// Scenario 4: workers stopped by SIGSTOP for longer than their claims hold, then continued.
pub(crate) async fn suspended(mut stage: Stage) -> Result<(), Trouble> {
    let count = stage.jobs(5_000);
    let server = Server::start(&[]).await?;
    let mut site = Site::on(&server.redis, |_| {})?;
    site.staff(3).await?;
    let prefix = stage.prefix("stop");
    let jobs = mixed_with_long(&mut stage.random, &prefix, count)?;
    let feeding = site.feed(jobs, Duration::from_secs(20));
    for _ in 0..2 {
        sleep(stage.between(500, 1500)).await;
        let victim = stage.random.random_range(0..site.workers.len());
        site.signal(victim, Signal::STOP);
        sleep(BEYOND_CLAIM).await;
        site.signal(victim, Signal::CONT);
    }
    feeding.await??;
    stage.report().figure("stops", 2);
    site.close(&mut stage, "jobs").await
}

/// Scenario 7: a pool of 100 slots leaves under load with status 0; another worker does the rest.
pub(crate) async fn large_pool_leaves(mut stage: Stage) -> Result<(), Trouble> {
    let count = stage.jobs(4_000);
    let server = Server::start(&[]).await?;
    let mut site = Site::on(&server.redis, |_| {})?;
    let prefix = stage.prefix("pool");
    let jobs = mixed_with_long(&mut stage.random, &prefix, count)?;
    site.submitter().feed(jobs, Duration::ZERO).await?;
    let mut leaves = 0;
    while leaves < 3 && site.books().left().await?.total() > 200 {
        site.start_worker(&["--pool-size", "100"])?;
        site.ready().await?;
        sleep(stage.between(300, 900)).await;
        let begin = Instant::now();
        site.dismiss(0).await?;
        leaves += 1;
        stage.report().figure("left within", format!("{} ms", begin.elapsed().as_millis()));
        let left = site.books().left().await?;
        if left.pending > 0 {
            stage.report().fault(format!("a worker left and still holds {} jobs", left.pending));
        }
    }
    site.staff(1).await?;
    let audit = site.balance(&mut stage, "jobs").await?;
    if audit.crashes() > 0 {
        stage.report().fault(format!("leaving counted {} crashes", audit.crashes()));
    }
    stage.report().add("jobs", audit);
    Ok(())
}

/// Scenario 9: every worker of the fleet leaves and is replaced, one after the other, under load.
pub(crate) async fn rolling_restart(mut stage: Stage) -> Result<(), Trouble> {
    let count = stage.jobs(10_000);
    let server = Server::start(&[]).await?;
    let mut site = Site::on(&server.redis, |_| {})?;
    site.staff(4).await?;
    let prefix = stage.prefix("roll");
    let jobs = mixed_with_long(&mut stage.random, &prefix, count)?;
    let feeding = site.feed(jobs, Duration::from_secs(12).min(Duration::from_millis(10 * count as u64)));
    sleep(Duration::from_millis(500)).await;
    for _ in 0..4 {
        // The oldest is always the first.
        site.dismiss(0).await?;
        site.start_worker(&[])?;
        site.ready().await?;
    }
    feeding.await??;
    stage.report().figure("restarts", 4);
    let audit = site.balance(&mut stage, "jobs").await?;
    if audit.crashes() > 0 {
        stage.report().fault(format!("a restart in order counted {} crashes", audit.crashes()));
    }
    stage.report().add("jobs", audit);
    Ok(())
}
