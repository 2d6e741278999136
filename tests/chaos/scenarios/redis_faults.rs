//! Redis killed, stalled, emptied of scripts, and cut off from its clients.

use std::time::Duration;

use booster_core::Config;
use booster_tests::proxy::Proxy;
use booster_tests::servers::{Cluster, Server, Watched, command};
use rand::Rng;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::Trouble;
use crate::load::{Submitter, by_id, mixed_with_long};
use crate::site::{Site, Stage};

/// How often Redis is killed, or stalled, in one part.
const RESTARTS: usize = 5;
const STALLS: usize = 3;
const UPSETS: usize = 8;

/// Scenario 2: Redis killed and restarted, with a file that is safe before each answer; and on a machine that
/// crashes, with a file that is safe every second.
pub(crate) async fn killed(mut stage: Stage) -> Result<(), Trouble> {
    killed_with(&mut stage, "always").await?;
    killed_with(&mut stage, "everysec").await
}

async fn killed_with(stage: &mut Stage, policy: &str) -> Result<(), Trouble> {
    let count = stage.jobs(6_000);
    let mut server = Server::start(&["--appendfsync", policy]).await?;
    let mut site = Site::on(&server.redis, |_| {})?;
    site.staff(3).await?;
    let prefix = stage.prefix(policy);
    let jobs = mixed_with_long(&mut stage.random, &prefix, count)?;
    let known = by_id(&jobs);
    let feeding = site.feed(jobs, Duration::from_secs(12));
    for _ in 0..RESTARTS {
        sleep(stage.between(1200, 2200)).await;
        match policy {
            "always" => server.redis.kill().await,
            _ => server.crash(stage.between(300, 1000)).await?,
        }
        sleep(stage.between(100, 1500)).await;
        server.redis.restart().await?;
    }
    let met = feeding.await??;
    stage.report().figure("submits tried again", met);
    if policy != "always" {
        // What producers were told in the last moments before a crash may be gone; they have their lists.
        site.settle().await;
        let forgotten = site.books().unknown().await?;
        site.submitter().again(&known, &forgotten).await?;
        stage.report().figure("forgotten and submitted again", forgotten.len());
    }
    for worker in &mut site.workers {
        if !worker.is_running() {
            stage.report().fault(format!("{policy}: a worker ended with Redis"));
        }
    }
    site.close(stage, policy).await
}

/// Scenario 3: Redis answers nobody for three seconds, again and again.
pub(crate) async fn stalled(mut stage: Stage) -> Result<(), Trouble> {
    let count = stage.jobs(5_000);
    let server = Server::start(&[]).await?;
    let mut site = Site::on(&server.redis, |_| {})?;
    site.staff(3).await?;
    let prefix = stage.prefix("stall");
    let jobs = mixed_with_long(&mut stage.random, &prefix, count)?;
    let feeding = site.feed(jobs, Duration::from_secs(14));
    for _ in 0..STALLS {
        sleep(stage.between(800, 2000)).await;
        let _: String = command(&server.redis.url(), &["DEBUG", "SLEEP", "3"]).await?;
    }
    let met = feeding.await??;
    stage.report().figure("stalls", STALLS);
    stage.report().figure("submits tried again", met);
    site.close(&mut stage, "jobs").await
}

/// Scenario 5: what Redis' operators do to it, and what happens to its masters.
pub(crate) async fn upset(mut stage: Stage) -> Result<(), Trouble> {
    flushed_and_cut_off(&mut stage).await?;
    Box::pin(master_lost_behind_a_proxy(&mut stage)).await?;
    Box::pin(master_lost(&mut stage)).await?;
    Box::pin(cluster_master_lost(&mut stage)).await
}

/// All scripts forgotten and all connections closed, under load.
async fn flushed_and_cut_off(stage: &mut Stage) -> Result<(), Trouble> {
    let count = stage.jobs(5_000);
    let server = Server::start(&[]).await?;
    let mut site = Site::on(&server.redis, |_| {})?;
    site.staff(3).await?;
    let prefix = stage.prefix("upset");
    let jobs = mixed_with_long(&mut stage.random, &prefix, count)?;
    let feeding = site.feed(jobs, Duration::from_secs(8));
    for _ in 0..UPSETS {
        sleep(stage.between(300, 900)).await;
        let url = server.redis.url();
        let _: String = command(&url, &["SCRIPT", "FLUSH"]).await?;
        sleep(stage.between(100, 300)).await;
        let _: i64 = command(&url, &["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]).await?;
    }
    let met = feeding.await??;
    stage.report().figure("flushes and kills", UPSETS);
    stage.report().figure("submits tried again", met);
    site.close(stage, "one server").await
}

/// A master lost under Sentinel, with everybody behind a proxy that leads to whoever is master.
async fn master_lost_behind_a_proxy(stage: &mut Stage) -> Result<(), Trouble> {
    let mut servers = Watched::start().await?;
    let proxy = Proxy::open(servers.master().await?).await?;
    let site = Site::open(&proxy.url(), servers.nodes(), 1, |_| {})?;
    let mut submitter = site.submitter();
    submitter.confirm = Some(proxy.url());
    let lose = async {
        proxy.lead_to(servers.fail_over().await?);
        Ok(())
    };
    lose_a_master(stage, site, submitter, lose, "proxy before Sentinel").await
}

/// A master lost under Sentinel, with everybody asking the sentinels.
async fn master_lost(stage: &mut Stage) -> Result<(), Trouble> {
    let part = "Sentinel";
    let mut servers = Watched::start().await?;
    let Some(site) = replicated(stage, &servers.url(), servers.nodes(), 1, part)? else { return Ok(()) };
    let submitter = site.submitter();
    let lose = async { servers.fail_over().await.map(drop) };
    lose_a_master(stage, site, submitter, lose, part).await
}

/// One of three masters of a Cluster lost.
async fn cluster_master_lost(stage: &mut Stage) -> Result<(), Trouble> {
    let part = "Cluster";
    let mut servers = Cluster::start().await?;
    let Some(site) = replicated(stage, &servers.url(), servers.nodes(), Cluster::MASTERS, part)? else {
        return Ok(());
    };
    let submitter = site.submitter();
    let victim = stage.random.random_range(0..Cluster::MASTERS);
    let lose = async { servers.fail_over(victim).await };
    lose_a_master(stage, site, submitter, lose, part).await
}

/// A fleet at an address of several servers, whose submits a replica confirms; `None`, noted as not run, where the
/// fleet does not know such addresses.
fn replicated(
    stage: &Stage,
    url: &str,
    nodes: Vec<String>,
    masters: usize,
    part: &str,
) -> Result<Option<Site>, Trouble> {
    let mut config = Config::default();
    let settings = [("redis.url", Value::from(url)), ("redis.waitReplicas", Value::from(1))];
    for (key, value) in settings {
        if let Err(error) = config.set(key, &value, "chaos") {
            stage.report().skip(format!("{part}: {error}"));
            return Ok(None);
        }
    }
    Ok(Some(Site::open(url, nodes, masters, |site| site.redis = config.redis)?))
}

/// Feeds a fleet, has it lose a master meanwhile, and submits again what is forgotten.
async fn lose_a_master(
    stage: &mut Stage,
    mut site: Site,
    submitter: Submitter,
    lose: impl Future<Output = Result<(), Trouble>>,
    part: &str,
) -> Result<(), Trouble> {
    site.staff(3).await?;
    let count = stage.jobs(3_000);
    let prefix = stage.prefix(&part.replace(' ', "-"));
    let jobs = mixed_with_long(&mut stage.random, &prefix, count)?;
    let known = by_id(&jobs);
    let feeding = tokio::spawn(submitter.clone().feed(jobs, Duration::from_secs(10)));
    sleep(stage.between(3000, 5000)).await;
    let begin = Instant::now();
    lose.await?;
    stage.report().figure(format!("{part} failed over in"), format!("{} ms", begin.elapsed().as_millis()));
    let met = feeding.await??;
    stage.report().figure("submits tried again", met);
    site.settle().await;
    let forgotten = site.books().unknown().await?;
    submitter.again(&known, &forgotten).await?;
    stage.report().figure("forgotten and submitted again", forgotten.len());
    for id in &forgotten {
        eprintln!("chaos: forgotten by a failover: {id}");
    }
    site.close(stage, part).await
}
