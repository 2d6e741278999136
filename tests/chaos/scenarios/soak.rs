//! A long run with hostile jobs among the others, and what must be the same at its end as at its beginning.

use std::collections::BTreeMap;
use std::time::Duration;

use booster_core::Job;
use booster_tests::servers::Server;
use rand::Rng;
use rand::rngs::StdRng;
use tokio::time::sleep;

use crate::Trouble;
use crate::load::work;
use crate::site::{Site, Stage};

/// Of so many jobs one is hostile.
const HOSTILE_OF: usize = 100;
/// Slots of each of the two workers.
const SLOTS: usize = 2;
/// The share of the jobs after which workers count as warm, and of those whose medians are compared.
const WARM: f64 = 0.1;
const WINDOW: f64 = 0.2;
/// By how much a worker's memory may grow from the first window to the last.
const MOST_GROWTH: f64 = 0.05;
/// How often the memory is read.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Scenario 11: half a million jobs, one in a hundred of which panics, traps, hangs or takes all memory.
pub(crate) async fn hostile_among_others(mut stage: Stage) -> Result<(), Trouble> {
    let count = stage.jobs(500_000);
    let server = Server::start(&[]).await?;
    let mut site = Site::on(&server.redis, |config| {
        config.wasm.pool_size = SLOTS;
        config.wasm.memory_limit = 64 << 20;
    })?;
    site.staff(2).await?;
    let prefix = stage.prefix("soak");
    let jobs = jobs(&mut stage.random, &prefix, count)?;
    let feeding = site.feed(jobs, Duration::ZERO);
    let working = async {
        feeding.await??;
        Ok::<_, Trouble>(site.settle().await)
    };
    let mut memory = Samples::new();
    tokio::select! {
        settled = working => drop(settled?),
        failed = watch(&site, count, &mut memory) => failed?,
    }
    for (pid, samples) in &memory {
        judge_memory(&stage, *pid, samples);
    }
    judge_slots(&stage, &site).await?;
    site.close(&mut stage, "jobs").await
}

fn jobs(random: &mut StdRng, prefix: &str, count: usize) -> Result<Vec<Job>, Trouble> {
    let hostile = ["panic", "trap", "memory", "loop"];
    (0..count)
        .map(|number| {
            let what = hostile[number / HOSTILE_OF % hostile.len()];
            let mut job = match number % HOSTILE_OF {
                0 => Job::new("faulty", &format!(r#"{{"do":"{what}"}}"#))?,
                _ if random.random_bool(0.5) => Job::new("noop", "{}")?,
                _ => work(random.random_range(10_000..500_000))?,
            };
            job.id = Some(format!("{prefix}-{number}"));
            job.max_retries = Some(0);
            // What hangs need not hang for long.
            job.timeout_ms = (number % HOSTILE_OF == 0 && what == "loop").then_some(50);
            Ok(job)
        })
        .collect()
}

/// Of each worker, by its process: the share of the jobs that had ended, and bytes.
type Samples = BTreeMap<u32, Vec<(f64, u64)>>;

/// Reads the workers' memory until it is dropped.
async fn watch(site: &Site, count: usize, memory: &mut Samples) -> Result<(), Trouble> {
    loop {
        let share = ended(site).await? / count as f64;
        for pid in site.workers.iter().filter_map(|worker| worker.pid()) {
            memory.entry(pid).or_default().push((share, resident(pid)?));
        }
        sleep(LOOK_EVERY).await;
    }
}

/// How many jobs have ended.
async fn ended(site: &Site) -> Result<f64, Trouble> {
    let counts = site.client.queue("normal").counts().await?;
    Ok((counts.done + counts.dead) as f64)
}

/// A process' resident memory, bytes.
fn resident(pid: u32) -> Result<u64, Trouble> {
    let path = format!("/proc/{pid}/status");
    let status = std::fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
    Ok(kib.ok_or_else(|| format!("{path} has no VmRSS"))? * 1024)
}

/// Compares a worker's memory just after it was warm with that at the end.
fn judge_memory(stage: &Stage, pid: u32, samples: &[(f64, u64)]) {
    let median = |from: f64, to: f64| {
        let mut bytes: Vec<u64> =
            samples.iter().filter(|(at, _)| (from..=to).contains(at)).map(|(_, bytes)| *bytes).collect();
        bytes.sort_unstable();
        bytes.get(bytes.len() / 2).copied()
    };
    let (Some(first), Some(last)) = (median(WARM, WARM + WINDOW), median(1.0 - WINDOW, 1.0)) else {
        stage
            .report()
            .fault(format!("the memory of worker {pid} was looked at {} times only", samples.len()));
        return;
    };
    let growth = last as f64 / first as f64 - 1.0;
    let mib = |bytes: u64| bytes as f64 / (1024.0 * 1024.0);
    let text = format!("{:.1} to {:.1} MiB ({:+.1} %)", mib(first), mib(last), growth * 100.0);
    stage.report().figure(format!("memory of worker {pid}"), &text);
    if growth > MOST_GROWTH {
        stage.report().fault(format!("the memory of worker {pid} grew: {text}"));
    }
}

/// Every slot that was there at the beginning is there, and free.
async fn judge_slots(stage: &Stage, site: &Site) -> Result<(), Trouble> {
    // A slot that has just recovered says so for a moment.
    sleep(Duration::from_secs(2)).await;
    let slots = site.client.pool().await?;
    let ready = slots.iter().filter(|(_, state)| state.get("status").is_some_and(|status| status == "ready"));
    let (ready, expected) = (ready.count(), site.workers.len() * SLOTS);
    stage.report().figure("slots", format!("{ready} of {expected}"));
    if ready != expected || slots.len() != expected {
        stage.report().fault(format!("{ready} of {} slots are ready, there were {expected}", slots.len()));
    }
    Ok(())
}
