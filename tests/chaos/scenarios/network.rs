//! Networks that fail between the workers and Redis.

use std::net::SocketAddr;
use std::time::Duration;

use booster_tests::proxy::{Proxy, Side, Weather};
use booster_tests::servers::Server;
use rand::Rng;
use tokio::time::sleep;

use super::workers::BEYOND_CLAIM;
use crate::Trouble;
use crate::load::mixed_with_long;
use crate::site::{Site, Stage};
use crate::space::{Space, obstacle};

/// Workers behind links of their own.
const SPACES: u8 = 3;

/// Scenario 10.
pub(crate) async fn all(mut stage: Stage) -> Result<(), Trouble> {
    match obstacle().await {
        None => partitioned(&mut stage).await?,
        Some(reason) => stage.report().skip(format!("partitions: {reason}")),
    }
    behind_a_proxy(&mut stage).await
}

/// Links of workers taken down for longer than their claims hold, then up again.
async fn partitioned(stage: &mut Stage) -> Result<(), Trouble> {
    let count = stage.jobs(5_000);
    let mut spaces = Vec::new();
    for number in 0..SPACES {
        spaces.push(Space::open(number).await?);
    }
    let addresses: Vec<String> = spaces.iter().map(Space::address).collect();
    let mut arguments = vec!["--protected-mode", "no", "--bind", "127.0.0.1"];
    arguments.extend(addresses.iter().map(String::as_str));
    let server = Server::start(&arguments).await?;
    let mut site = Site::on(&server.redis, |_| {})?;
    let url = server.redis.url();
    let port = url.rsplit(':').next().unwrap_or_default();
    for space in &spaces {
        let mut config = site.config.clone();
        config.redis.url = format!("redis://{}:{port}", space.address());
        let launcher = space.launcher();
        let launcher: Vec<&str> = launcher.iter().map(String::as_str).collect();
        site.start_elsewhere(&launcher, &config, &[])?;
    }
    site.ready().await?;
    let prefix = stage.prefix("link");
    let jobs = mixed_with_long(&mut stage.random, &prefix, count)?;
    let feeding = site.feed(jobs, Duration::from_secs(20));
    for _ in 0..2 {
        sleep(stage.between(500, 1500)).await;
        let space = &spaces[stage.random.random_range(0..spaces.len())];
        let here = stage.random.random_bool(0.5);
        space.set_link(false, here).await?;
        sleep(BEYOND_CLAIM).await;
        space.set_link(true, here).await?;
    }
    feeding.await??;
    stage.report().figure("partitions", 2);
    site.close(stage, "links").await
}

/// Delays, stalls and half-open connections between Redis and everybody else, the submitting side included.
async fn behind_a_proxy(stage: &mut Stage) -> Result<(), Trouble> {
    let count = stage.jobs(4_000);
    let server = Server::start(&[]).await?;
    let target: SocketAddr = server.redis.url().trim_start_matches("redis://").parse()?;
    let proxy = Proxy::open(target).await?;
    let mut site = Site::open(&proxy.url(), vec![server.redis.url()], 1, |_| {})?;
    site.staff(3).await?;
    let prefix = stage.prefix("proxy");
    let jobs = mixed_with_long(&mut stage.random, &prefix, count)?;
    let feeding = site.feed(jobs, Duration::from_secs(16));
    proxy.set(Weather::Slow(stage.between(20, 60)));
    sleep(Duration::from_secs(3)).await;
    proxy.set(Weather::Clear);
    sleep(stage.between(300, 1000)).await;
    for side in [Side::Server, Side::Client, Side::Server] {
        proxy.cut(side);
        sleep(stage.between(1000, 3000)).await;
    }
    // Longer than the response timeout of 5 s and the claim time.
    proxy.set(Weather::Still);
    sleep(BEYOND_CLAIM).await;
    proxy.set(Weather::Clear);
    let met = feeding.await??;
    stage.report().figure("delays, stalls and cuts", 5);
    stage.report().figure("submits tried again", met);
    site.close(stage, "proxy").await
}
