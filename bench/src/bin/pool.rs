//! What fresh sandboxes cost on this machine: against reused ones, with two threads, in memory, at the start of a
//! worker, and in the whole fleet against a bare loop. Exits with 1 when a ratio misses its aim; absolute figures
//! belong to the machine and are only printed.
#![allow(clippy::print_stdout, reason = "printing is what this program is for")]

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use booster_bench::edits::{edits_of, kilobyte_edits};
use booster_bench::measure::median;
use booster_core::{Attempt, Config, Isolation, Job, Manifest};
use booster_engine::{
    Booster, Pool, PoolConfig, Request, Runtime, RuntimeConfig, Sandbox, Silent, Task, default_modules_dir,
};
use booster_producer::local::{LocalRedis, LocalWorker};
use booster_producer::{Client, ClientError};
use booster_queue::Mode;
use clap::Parser;
use rustix::time::{ClockId, clock_gettime};

/// Measures the pool.
#[derive(Debug, Parser)]
struct Options {
    /// Edits of each measurement
    #[arg(long, default_value_t = 3000)]
    edits: usize,
    /// Rounds; medians are reported
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Slots whose memory is measured
    #[arg(long, default_value_t = 8)]
    idle_slots: usize,
    /// Leave out what needs Redis
    #[arg(long)]
    no_fleet: bool,
}

/// CPU time of a fresh sandbox divided by that of a reused one: 30 µs of an edit's 250 or more.
const MOST_FRESH: f64 = 1.12;
/// Edits per second of two threads divided by those of one.
const LEAST_SCALING: f64 = 1.8;
/// Edits per second of the fleet with two slots divided by those of a bare loop with two threads.
const LEAST_FLEET: f64 = 0.85;
/// Size of the files that are usually edited, bytes: the median of the corpora of `docs/accuracy.md` is 7 and 11 KB.
const USUAL_FILE: usize = 11_000;
/// Memory of a warm idle slot divided by what may be kept resident of it.
const MOST_RESIDENT: f64 = 1.0;
/// What the engine may keep resident of an instance, bytes.
const KEPT_RESIDENT: f64 = booster_engine::KEEP_RESIDENT as f64;

const MEMORY: usize = 512 << 20;
const MAX_OUTPUT: usize = 4 << 20;
const LIMIT: Duration = Duration::from_secs(30);

fn main() -> ExitCode {
    // Workers and this program compile alike.
    booster_engine::compile_child();
    let options = Options::parse();
    let result = booster_bench::block_on(run(&options));
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("bench-pool: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Measures everything; whether all ratios meet their aims.
async fn run(options: &Options) -> Result<bool, ClientError> {
    let (inputs, usual) = (Inputs::of(kilobyte_edits()?), Inputs::of(edits_of(USUAL_FILE)?));
    let bench = Bench::new(options.idle_slots.max(2))?;
    let mut fine = true;
    let mut check = |what: &str, ratio: f64, met: bool, aim: String| {
        fine &= met;
        println!("{what:<44} {ratio:>8.3}  {aim}{}", if met { "" } else { "  MISSED" });
    };

    let (mut fresh, mut reused, mut one, mut two) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut two_usual = Vec::new();
    bench.edit(&bench.fresh, &inputs, options.edits / 4, 2);
    for _ in 0..options.rounds {
        let single = bench.edit(&bench.fresh, &inputs, options.edits, 1);
        fresh.push(single.cpu_us);
        one.push(single.per_second);
        reused.push(bench.edit(&bench.reused, &inputs, options.edits, 1).cpu_us);
        two.push(bench.edit(&bench.fresh, &inputs, options.edits * 2, 2).per_second);
        two_usual.push(bench.edit(&bench.fresh, &usual, options.edits / 4, 2).per_second);
    }
    let middle = |values: &[f64]| median(values).unwrap_or_default();
    let (fresh, reused, one, two) = (middle(&fresh), middle(&reused), middle(&one), middle(&two));
    let two_usual = middle(&two_usual);
    println!("edit of 0.5 to 2 KB in a fresh sandbox        {fresh:>8.1} us CPU");
    println!("the same in a reused one                      {reused:>8.1} us CPU");
    println!("a fresh one costs more                        {:>8.1} us CPU", fresh - reused);
    println!("edits/s of a bare loop, one thread            {one:>8.0}");
    println!("edits/s of a bare loop, two threads           {two:>8.0}");
    println!("the same for a file of 11 KB                  {two_usual:>8.0}");
    check("fresh divided by reused, CPU", fresh / reused, fresh <= reused * MOST_FRESH, at_most(MOST_FRESH));
    check("two threads divided by one", two / one, two >= one * LEAST_SCALING, at_least(LEAST_SCALING));

    let slot = bench.idle_slot_bytes(options.idle_slots, &inputs).await?;
    println!("memory of a warm idle slot                    {:>8.2} MiB PSS", slot / MIB);
    let share = slot / KEPT_RESIDENT;
    check("idle slot divided by what may be kept", share, share <= MOST_RESIDENT, at_most(MOST_RESIDENT));

    if !options.no_fleet {
        drop(bench);
        let fleet = fleet(options, &inputs, &usual).await?;
        println!("worker ready with an empty cache              {:>8.0} ms", fleet.ready_cold);
        println!("worker ready with a warm cache                {:>8.0} ms", fleet.ready_warm);
        println!("edits/s of the fleet, two slots               {:>8.0}", fleet.per_second);
        println!("the same for a file of 11 KB                  {:>8.0}", fleet.usual_per_second);
        let share = fleet.per_second / two;
        check("fleet divided by the bare loop", share, share >= LEAST_FLEET, at_least(LEAST_FLEET));
        let share = fleet.usual_per_second / two_usual;
        check("the same for a file of 11 KB", share, share >= LEAST_FLEET, at_least(LEAST_FLEET));
    }
    Ok(fine)
}

const MIB: f64 = 1024.0 * 1024.0;

fn at_most(aim: f64) -> String {
    format!("(at most {aim})")
}

fn at_least(aim: f64) -> String {
    format!("(at least {aim})")
}

/// The edits, as jobs and as the booster's inputs.
struct Inputs {
    jobs: Vec<Job>,
    texts: Vec<String>,
}

impl Inputs {
    fn of(jobs: Vec<Job>) -> Self {
        let texts = jobs.iter().map(|job| job.input.get().to_owned()).collect();
        Self { jobs, texts }
    }
}

struct Bench {
    runtime: Arc<Runtime>,
    fresh: Arc<Booster>,
    reused: Arc<Booster>,
}

/// What a bare loop measured.
struct Measured {
    cpu_us: f64,
    per_second: f64,
}

impl Bench {
    fn new(slots: usize) -> Result<Self, ClientError> {
        let failed = |error: booster_engine::EngineError| ClientError::machine("the sandbox", error);
        let settings = RuntimeConfig::configured(&Config::default(), slots);
        let runtime = Runtime::new(settings).map_err(failed)?;
        let load = |isolation| {
            let (manifest, wasm) = read_apply(&default_modules_dir())?;
            Booster::load(&runtime, Manifest { isolation, ..manifest }, &wasm).map(Arc::new).map_err(failed)
        };
        let (fresh, reused) = (load(Isolation::Fresh)?, load(Isolation::Reuse)?);
        Ok(Self { runtime, fresh, reused })
    }

    /// Runs `count` edits in a loop on each of some threads, with nothing around it.
    fn edit(&self, booster: &Arc<Booster>, inputs: &Inputs, count: usize, threads: usize) -> Measured {
        let next = AtomicUsize::new(0);
        let start = Instant::now();
        let cpu: Duration = std::thread::scope(|scope| {
            let work = || {
                let mut sandbox = Sandbox::new(Arc::clone(&self.runtime), Arc::new(Silent));
                let before = thread_cpu();
                loop {
                    let place = next.fetch_add(1, Ordering::Relaxed);
                    if place >= count {
                        return thread_cpu() - before;
                    }
                    let input = &inputs.texts[place % inputs.texts.len()];
                    let task = Task { input, timeout: LIMIT, max_output: MAX_OUTPUT, stop: None };
                    let ran = sandbox.run(booster, &task);
                    assert!(matches!(ran.attempt, Attempt::Done(_)), "{:?}", ran.attempt);
                    sandbox.clear();
                }
            };
            let running: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
            running.into_iter().map(|thread| thread.join().unwrap_or_default()).sum()
        });
        Measured {
            cpu_us: cpu.as_secs_f64() * 1e6 / count as f64,
            per_second: count as f64 / start.elapsed().as_secs_f64(),
        }
    }

    /// What one slot of a pool adds to this process' memory once it has done edits and waits for more.
    async fn idle_slot_bytes(&self, slots: usize, inputs: &Inputs) -> Result<f64, ClientError> {
        let failed = |error: booster_engine::EngineError| ClientError::machine("the sandbox", error);
        let before = pss()?;
        let settings = PoolConfig {
            memory_limit: MEMORY,
            max_output: MAX_OUTPUT,
            ..PoolConfig::configured(&Config::default(), "bench", slots)
        };
        let pool = Pool::start(Arc::clone(&self.runtime), settings, Arc::new(Silent)).map_err(failed)?;
        for texts in inputs.texts.chunks(slots) {
            let runs = texts.iter().cycle().take(slots).map(|input| {
                pool.run(Request {
                    id: "edit".into(),
                    booster: Arc::clone(&self.fresh),
                    input: input.clone(),
                    timeout: LIMIT,
                    stop: None,
                    allocated: Box::new(|_, _| {}),
                })
            });
            futures_util::future::try_join_all(runs).await.map_err(failed)?;
        }
        // Each slot makes its next instance after the answer.
        tokio::time::sleep(Duration::from_millis(100)).await;
        Ok((pss()? - before) / slots as f64)
    }
}

fn thread_cpu() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// This process' share of the memory that it maps, bytes.
fn pss() -> Result<f64, ClientError> {
    let text = std::fs::read_to_string("/proc/self/smaps_rollup")
        .map_err(|error| ClientError::machine("/proc/self/smaps_rollup", error))?;
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:")).unwrap_or_default();
    Ok(line.trim().trim_end_matches(" kB").parse::<f64>().unwrap_or(0.0) * 1024.0)
}

fn read_apply(dir: &Path) -> Result<(Manifest, Vec<u8>), ClientError> {
    let failed = |error: std::io::Error| ClientError::machine(dir.display().to_string(), error);
    let text = std::fs::read_to_string(dir.join("apply.json")).map_err(failed)?;
    let manifest = serde_json::from_str(&text).map_err(|error| failed(error.into()))?;
    Ok((manifest, std::fs::read(dir.join("apply.wasm")).map_err(failed)?))
}

/// What the fleet measured: milliseconds until a worker is ready with an empty cache and with a warm one, and edits per
/// second.
struct OfFleet {
    ready_cold: f64,
    ready_warm: f64,
    per_second: f64,
    usual_per_second: f64,
}

async fn fleet(options: &Options, inputs: &Inputs, usual: &Inputs) -> Result<OfFleet, ClientError> {
    let dir = tempfile::tempdir().map_err(|error| ClientError::machine("a temporary directory", error))?;
    let redis = LocalRedis::start(dir.path(), &[]).await?;
    let mut config = Config::default();
    config.redis.url = redis.url();
    config.wasm.pool_size = 2;
    config.wasm.cache_dir = dir.path().join("cache").display().to_string();
    let client = Client::connect(config.clone())?;
    let log = dir.path().join("worker.log");
    let (worker, cold) = ready(&config, &client, &log).await?;
    worker.stop(Duration::from_secs(10)).await;
    let (worker, warm) = ready(&config, &client, &log).await?;
    throughput(&client, inputs, options.edits / 4).await?;
    let (mut rates, mut usual_rates) = (Vec::new(), Vec::new());
    for _ in 0..options.rounds {
        rates.push(throughput(&client, inputs, options.edits * 2).await?);
        usual_rates.push(throughput(&client, usual, options.edits / 4).await?);
    }
    worker.stop(Duration::from_secs(10)).await;
    redis.stop().await;
    Ok(OfFleet {
        ready_cold: cold,
        ready_warm: warm,
        per_second: median(&rates).unwrap_or_default(),
        usual_per_second: median(&usual_rates).unwrap_or_default(),
    })
}

/// Starts a worker; how long it took until it took jobs, milliseconds.
async fn ready(config: &Config, client: &Client, log: &Path) -> Result<(LocalWorker, f64), ClientError> {
    let start = Instant::now();
    let mut worker = LocalWorker::start(config, log, &[])?;
    worker.ready(client).await?;
    Ok((worker, start.elapsed().as_secs_f64() * 1000.0))
}

/// Lays edits up in the paused queue, opens it, and answers how many are done in a second until all are: what submits them
/// is not part of the fleet, and would take the cores from it.
async fn throughput(client: &Client, inputs: &Inputs, count: usize) -> Result<f64, ClientError> {
    let queue = client.queue("normal");
    let before = queue.counts().await?.done;
    queue.set_mode(Mode::Paused).await?;
    let mut sent = 0;
    while sent < count {
        let batch =
            (sent..count.min(sent + 500)).map(|n| inputs.jobs[n % inputs.jobs.len()].clone()).collect();
        queue.submit(batch, false).await?;
        sent = count.min(sent + 500);
    }
    let start = Instant::now();
    queue.set_mode(Mode::Open).await?;
    while queue.counts().await?.done < before + count as u64 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Ok(count as f64 / start.elapsed().as_secs_f64())
}
