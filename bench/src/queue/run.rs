//! What is measured, and in which order.
//!
//! Throughput and the time of single jobs are measured one contender after the other, in rounds. What the processor
//! has no part in (the commands of idle workers, and the seconds until a dead worker's job runs elsewhere) is
//! measured for all contenders at the same time, each on a server of its own, because it is mostly waiting.

use std::time::{Duration, Instant};

use booster_producer::local::LocalRedis;
use booster_producer::{Client, ClientError};
use futures_util::future::{select_all, try_join_all};
use tokio::time::sleep;

use super::PAYLOAD_BYTES;
use super::contender::{Contender, Kind, Worker};
use super::ours::{QUEUE, config};
use super::probe::{Monitor, Probe};
use super::process::Process;
use super::report::{Figure, Results};
use crate::measure::{cpu_ms, percentile};

/// How long one measurement of throughput may take.
const THROUGHPUT_LIMIT: Duration = Duration::from_secs(60);
/// How often finished jobs are counted.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// Jobs of the run that is watched by MONITOR.
const WATCHED_JOBS: usize = 20_000;
/// A setting is tried with this part of the jobs.
const TRIED_SHARE: usize = 6;
/// Single jobs before those that are timed.
const WARM_UP: usize = 20;
/// How long commands of idle workers are counted.
const IDLE_WINDOW: Duration = Duration::from_secs(30);
/// How long a worker has been idle then.
const IDLE_BEFORE: Duration = Duration::from_secs(5);
/// How long a job that is asked to hold may take until it runs.
const HOLD_LIMIT: Duration = Duration::from_secs(60);
/// Most times that one contender recovers.
const RECOVERIES: usize = 5;
/// Jobs settled before, and jobs settled while, the backlog's effect is timed.
const BACKLOG_WINDOW: usize = 20_000;
/// How often that is timed.
const BACKLOG_WINDOWS: usize = 3;
/// The small backlog.
pub const SMALL_BACKLOG: usize = 1000;

/// What to measure.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The contenders.
    pub kinds: Vec<Kind>,
    /// How often throughput and single jobs are measured.
    pub rounds: usize,
    /// Jobs of one measurement of throughput, in place of the contenders' own numbers.
    pub jobs: Option<usize>,
    /// Single jobs of a round.
    pub singles: usize,
    /// Slots of this fleet's worker.
    pub slots: usize,
    /// Whether Redis writes an append-only file.
    pub append_only: bool,
    /// How long a recovery is waited for; none is measured with zero.
    pub recovery_limit: Duration,
    /// The large backlog; it is not measured with zero.
    pub backlog: usize,
}

/// Measures everything. `progress` is told what is done next.
///
/// # Errors
/// The first process or Redis that fails.
pub async fn run(plan: &Plan, progress: impl Fn(&str)) -> Result<Results, ClientError> {
    let mut results = Results::new(plan);
    let mut contenders = Vec::new();
    for kind in &plan.kinds {
        progress(&format!("{}: settings", kind.name()));
        contenders.push(best_setting(*kind, plan, &mut results).await?);
    }
    for round in 1..=plan.rounds {
        for contender in &contenders {
            progress(&format!("{}: throughput and single jobs, round {round}", contender.kind.name()));
            round_of(contender, plan, &mut results).await?;
        }
    }
    for contender in &contenders {
        progress(&format!("{}: memory, and commands of clients", contender.kind.name()));
        waiting_memory(contender, plan, &mut results).await?;
        watched(contender, plan, &mut results).await?;
    }
    progress("idle workers and recovery, all contenders at the same time");
    let beside = contenders.iter().map(|contender| beside(contender, plan));
    for mut found in try_join_all(beside).await? {
        results.take(&mut found);
    }
    if plan.backlog > 0 && plan.kinds.contains(&Kind::Ours) {
        progress("ours: backlogs");
        backlogs(plan, &mut results).await?;
    }
    Ok(results)
}

struct Server {
    redis: LocalRedis,
    probe: Probe,
    url: String,
    dir: tempfile::TempDir,
}

impl Server {
    async fn start(plan: &Plan) -> Result<Self, ClientError> {
        let dir =
            tempfile::tempdir().map_err(|error| ClientError::machine("a temporary directory", error))?;
        let arguments: &[&str] = if plan.append_only { &[] } else { &["--appendonly", "no"] };
        let redis = LocalRedis::start(dir.path(), arguments).await?;
        let url = redis.url();
        Ok(Self { probe: Probe::connect(&url).await?, redis, url, dir })
    }

    async fn worker(&self, contender: &Contender) -> Result<Worker, ClientError> {
        contender.worker(&self.url, self.dir.path()).await
    }

    async fn submitter(&self, contender: &Contender) -> Result<Process, ClientError> {
        contender.submitter(&self.url).await
    }

    async fn stop(self) {
        self.redis.stop().await;
    }
}

/// One measurement of throughput.
struct Throughput {
    jobs_per_second: f64,
    redis_us: f64,
    worker_us: f64,
    commands: f64,
    /// Counted when it was asked for.
    client_commands: Option<f64>,
    finished_bytes: f64,
}

/// The processes of a measurement, for what follows it.
struct Running {
    server: Server,
    worker: Worker,
    submitter: Process,
}

impl Running {
    async fn stop(mut self) {
        self.submitter.kill().await;
        self.worker.stop().await;
        self.server.stop().await;
    }
}

/// Submits jobs to a fresh queue until all are finished; `None` when that takes too long. Whoever is slow to notice
/// jobs gets them before its worker starts.
async fn throughput(
    contender: &Contender,
    plan: &Plan,
    jobs: usize,
    watch: bool,
) -> Result<(Option<Throughput>, Running), ClientError> {
    let mut server = Server::start(plan).await?;
    let mut submitter = server.submitter(contender).await?;
    let early = contender.kind.is_slow_to_notice();
    let mut worker = if early { None } else { Some(server.worker(contender).await?) };
    let count = contender.kind.finished();
    let finished_before = server.probe.number(&count).await?;
    let memory_before = server.probe.memory().await?;
    let monitor = if watch { Some(Monitor::start(&server.url).await?) } else { None };
    let own_before = server.probe.own();
    let commands_before = server.probe.commands().await?;
    let redis_before = cpu_ms(server.redis.pid());
    let fill = format!("fill {jobs} {PAYLOAD_BYTES}");
    let mut paced = None;
    if early {
        submitter.request(&fill).await?;
        paced = Some(submitter.answer("filled", THROUGHPUT_LIMIT).await?);
        worker = Some(server.worker(contender).await?);
    }
    let Some(worker) = worker else { return Err(ClientError::machine("worker", "not started")) };
    let worker_before = if early { 0.0 } else { cpu_ms(worker.pid()) };
    let begin = Instant::now();
    if !early {
        submitter.request(&fill).await?;
    }
    let all = finished_before + jobs as u64;
    while server.probe.number(&count).await? < all {
        if begin.elapsed() > THROUGHPUT_LIMIT {
            return Ok((None, Running { server, worker, submitter }));
        }
        sleep(LOOK_EVERY).await;
    }
    let seconds = begin.elapsed().as_secs_f64();
    let redis_ms = cpu_ms(server.redis.pid()) - redis_before;
    let worker_ms = cpu_ms(worker.pid()) - worker_before;
    let commands = server.probe.commands().await? - commands_before;
    let own = server.probe.own() - own_before;
    let paced = match paced {
        Some(paced) => paced,
        None => submitter.answer("filled", THROUGHPUT_LIMIT).await?,
    };
    let paced: u64 = paced.parse().unwrap_or(0);
    let clients = match monitor {
        Some(monitor) => Some(monitor.end().await.saturating_sub(own + paced)),
        None => None,
    };
    server.probe.rest().await?;
    let memory = server.probe.memory().await? - memory_before;
    let each = |total: f64| total / jobs as f64;
    let found = Throughput {
        jobs_per_second: jobs as f64 / seconds,
        redis_us: each(redis_ms * 1000.0),
        worker_us: each(worker_ms * 1000.0),
        commands: each(commands.saturating_sub(paced) as f64),
        client_commands: clients.map(|clients| each(clients as f64)),
        finished_bytes: each(memory),
    };
    Ok((Some(found), Running { server, worker, submitter }))
}

fn jobs_of(kind: Kind, plan: &Plan) -> usize {
    plan.jobs.map_or(kind.jobs(), |jobs| jobs.min(kind.jobs()))
}

/// Tries the contender's settings with some of the jobs and takes the quickest.
async fn best_setting(kind: Kind, plan: &Plan, results: &mut Results) -> Result<Contender, ClientError> {
    let mut settings = kind.settings(plan.slots);
    if settings.len() == 1 {
        let setting = settings.remove(0);
        results.setting(kind, &setting, &[]);
        return Ok(Contender { kind, setting });
    }
    let mut tried = Vec::new();
    for setting in settings {
        let contender = Contender { kind, setting };
        let (found, running) = throughput(&contender, plan, jobs_of(kind, plan) / TRIED_SHARE, false).await?;
        running.stop().await;
        tried.push((found.map_or(0.0, |found| found.jobs_per_second), contender.setting));
    }
    tried.sort_by(|one, other| other.0.total_cmp(&one.0));
    let setting = tried[0].1.clone();
    results.setting(kind, &setting, &tried);
    Ok(Contender { kind, setting })
}

async fn round_of(contender: &Contender, plan: &Plan, results: &mut Results) -> Result<(), ClientError> {
    let kind = contender.kind;
    let jobs = jobs_of(kind, plan);
    let (found, mut running) = throughput(contender, plan, jobs, false).await?;
    results.add(kind, Figure::Jobs, jobs as f64);
    if let Some(found) = found {
        results.add(kind, Figure::JobsPerSecond, found.jobs_per_second);
        results.add(kind, Figure::RedisCpu, found.redis_us);
        results.add(kind, Figure::WorkerCpu, found.worker_us);
        results.add(kind, Figure::Commands, found.commands);
        results.add(kind, Figure::FinishedBytes, found.finished_bytes);
        if !kind.is_slow_to_notice() {
            singles(kind, &mut running.submitter, plan.singles, THROUGHPUT_LIMIT, results).await?;
        }
    } else {
        let note = format!(
            "in one round or more, {jobs} jobs did not finish within {} s",
            THROUGHPUT_LIMIT.as_secs()
        );
        results.note(kind, Figure::JobsPerSecond, &note);
    }
    running.stop().await;
    Ok(())
}

async fn singles(
    kind: Kind,
    submitter: &mut Process,
    count: usize,
    limit: Duration,
    results: &mut Results,
) -> Result<(), ClientError> {
    let slow = kind.is_slow_to_notice();
    for (count, counts) in [(WARM_UP, false), (count, true)] {
        // Where each takes long there is none to spare.
        if slow && !counts {
            continue;
        }
        submitter.request(&format!("singles {count} {PAYLOAD_BYTES} {}", limit.as_secs())).await?;
        let line = submitter.answer("singles", limit * 2).await?;
        let times: Vec<f64> =
            serde_json::from_str(&line).map_err(|error| ClientError::machine("single jobs", error))?;
        if !counts {
            continue;
        }
        results.add(kind, Figure::Singles, times.len() as f64);
        if let Some(middle) = percentile(&times, 0.5) {
            results.add(kind, Figure::LatencyP50, middle);
        }
        match percentile(&times, 0.99) {
            Some(slowest) if times.len() >= 100 => results.add(kind, Figure::LatencyP99, slowest),
            _ => results.note(kind, Figure::LatencyP99, "too few single jobs ended within the time"),
        }
    }
    Ok(())
}

async fn waiting_memory(
    contender: &Contender,
    plan: &Plan,
    results: &mut Results,
) -> Result<(), ClientError> {
    let mut server = Server::start(plan).await?;
    let mut submitter = server.submitter(contender).await?;
    let before = server.probe.memory().await?;
    let jobs = contender.kind.waiting();
    submitter.request(&format!("fill {jobs} {PAYLOAD_BYTES}")).await?;
    submitter.answer("filled", THROUGHPUT_LIMIT).await?;
    server.probe.rest().await?;
    let bytes = server.probe.memory().await? - before;
    results.add(contender.kind, Figure::WaitingBytes, bytes / jobs as f64);
    submitter.kill().await;
    server.stop().await;
    Ok(())
}

/// A run by itself, because MONITOR costs Redis much.
async fn watched(contender: &Contender, plan: &Plan, results: &mut Results) -> Result<(), ClientError> {
    let jobs = jobs_of(contender.kind, plan).min(WATCHED_JOBS);
    let (found, running) = throughput(contender, plan, jobs, true).await?;
    if let Some(commands) = found.and_then(|found| found.client_commands) {
        results.add(contender.kind, Figure::ClientCommands, commands);
    }
    running.stop().await;
    Ok(())
}

/// What is measured for all contenders at the same time.
async fn beside(contender: &Contender, plan: &Plan) -> Result<Results, ClientError> {
    let [mut idle_found, mut recovery_found, mut singles_found] = [(); 3].map(|()| Results::new(plan));
    futures_util::try_join!(
        idle(contender, plan, &mut idle_found),
        recoveries(contender, plan, &mut recovery_found),
        slow_singles(contender, plan, &mut singles_found),
    )?;
    idle_found.take(&mut recovery_found);
    idle_found.take(&mut singles_found);
    Ok(idle_found)
}

/// The single jobs of whoever is slow to notice them, for as long as the others recover.
async fn slow_singles(contender: &Contender, plan: &Plan, results: &mut Results) -> Result<(), ClientError> {
    if !contender.kind.is_slow_to_notice() || plan.recovery_limit.is_zero() {
        return Ok(());
    }
    let server = Server::start(plan).await?;
    let worker = server.worker(contender).await?;
    let mut submitter = server.submitter(contender).await?;
    sleep(IDLE_BEFORE).await;
    singles(contender.kind, &mut submitter, plan.singles, plan.recovery_limit, results).await?;
    submitter.kill().await;
    worker.stop().await;
    server.stop().await;
    Ok(())
}

/// Commands of one idle worker, and what a second one adds.
async fn idle(contender: &Contender, plan: &Plan, results: &mut Results) -> Result<(), ClientError> {
    let kind = contender.kind;
    let mut server = Server::start(plan).await?;
    let mut first = server.worker(contender).await?;
    let (one, one_clients) = idle_window(&mut server).await?;
    results.add(kind, Figure::IdleOne, one);
    results.add(kind, Figure::IdleOneClients, one_clients);
    let mut second = server.worker(contender).await?;
    let (two, two_clients) = idle_window(&mut server).await?;
    if !(first.is_running() && second.is_running()) {
        results.note(kind, Figure::IdleMore, "an idle worker ended by itself");
        server.stop().await;
        return Ok(());
    }
    results.add(kind, Figure::IdleMore, two - one);
    results.add(kind, Figure::IdleMoreClients, two_clients - one_clients);
    if kind == Kind::Ours {
        results.add(kind, Figure::IdleElected, 2.0 * one - two);
        results.add(kind, Figure::IdleElectedClients, 2.0 * one_clients - two_clients);
    }
    results.add(kind, Figure::IdleMoreQueue, (two - one) / kind.queues());
    results.add(kind, Figure::IdleMoreQueueClients, (two_clients - one_clients) / kind.queues());
    second.stop().await;
    first.stop().await;
    server.stop().await;
    Ok(())
}

async fn idle_window(server: &mut Server) -> Result<(f64, f64), ClientError> {
    sleep(IDLE_BEFORE).await;
    let monitor = Monitor::start(&server.url).await?;
    let before = server.probe.commands().await?;
    sleep(IDLE_WINDOW).await;
    let commands = server.probe.commands().await? - before;
    // The two looks at the counters are seen as well.
    let clients = monitor.end().await.saturating_sub(2);
    let each_second = |count: u64| count as f64 / IDLE_WINDOW.as_secs_f64();
    Ok((each_second(commands), each_second(clients)))
}

/// Recovers several times where that is quick.
async fn recoveries(contender: &Contender, plan: &Plan, results: &mut Results) -> Result<(), ClientError> {
    let kind = contender.kind;
    if kind == Kind::Raw {
        results.note(kind, Figure::Recovery, "nobody takes over what a dead worker held");
        return Ok(());
    }
    if plan.recovery_limit.is_zero() {
        return Ok(());
    }
    let begin = Instant::now();
    for _ in 0..RECOVERIES {
        match recovery(contender, plan).await {
            Ok(Some(time)) => results.add(kind, Figure::Recovery, time.as_secs_f64()),
            Ok(None) => {
                results.over(kind, Figure::Recovery, plan.recovery_limit.as_secs_f64());
                break;
            }
            // A worker that ends by itself is a finding, not a fault of the benchmark.
            Err(error) => {
                results.note(kind, Figure::Recovery, &error.to_string());
                break;
            }
        }
        if begin.elapsed() > plan.recovery_limit / 2 {
            break;
        }
    }
    Ok(())
}

/// From the death of a worker that runs a job, on a queue where nothing else happens, until the job runs on another.
async fn recovery(contender: &Contender, plan: &Plan) -> Result<Option<Duration>, ClientError> {
    let server = Server::start(plan).await?;
    let mut submitter = server.submitter(contender).await?;
    let mut job = None;
    if contender.kind.is_slow_to_notice() {
        job = Some(hold(&mut submitter).await?);
    }
    let mut workers = [server.worker(contender).await?, server.worker(contender).await?];
    let job = match job {
        Some(job) => job,
        None => {
            // The workers have found their places by then.
            sleep(IDLE_BEFORE).await;
            hold(&mut submitter).await?
        }
    };
    let Some(holder) = runs_on(&mut workers, &server, &job, None, HOLD_LIMIT).await? else {
        return Err(ClientError::machine(contender.kind.name(), "did not start a job within a minute"));
    };
    // It has run for a moment, as jobs do.
    sleep(Duration::from_secs(1)).await;
    workers[holder].kill().await;
    let begin = Instant::now();
    let taken = runs_on(&mut workers, &server, &job, Some(holder), plan.recovery_limit).await?;
    let time = taken.map(|_| begin.elapsed());
    for mut worker in workers {
        worker.kill().await;
    }
    submitter.kill().await;
    server.stop().await;
    Ok(time)
}

async fn hold(submitter: &mut Process) -> Result<String, ClientError> {
    submitter.request("hold").await?;
    submitter.answer("held", HOLD_LIMIT).await
}

/// Waits until the job runs on a worker other than `but`; which, or `None` when the time is over.
async fn runs_on(
    workers: &mut [Worker; 2],
    server: &Server,
    job: &str,
    but: Option<usize>,
    limit: Duration,
) -> Result<Option<usize>, ClientError> {
    let waiting = async {
        let listens: Vec<Option<String>> = workers
            .iter()
            .map(|worker| match worker {
                Worker::Ours(worker) => Some(worker.listen().to_string()),
                Worker::Peer(_) => None,
            })
            .collect();
        if let [Some(first), Some(second)] = &listens[..] {
            return ours_runs_on(&[first.clone(), second.clone()], server, job, but).await;
        }
        let lines =
            workers.iter_mut().enumerate().filter(|(place, _)| Some(*place) != but).map(|(place, worker)| {
                Box::pin(async move {
                    match worker {
                        Worker::Peer(process) => process.line().await.map(|line| line.map(|_| place)),
                        Worker::Ours(_) => Ok(None),
                    }
                })
            });
        let (found, _, _) = select_all(lines).await;
        found?.ok_or_else(|| ClientError::machine("worker", "ended instead of running the job"))
    };
    match tokio::time::timeout(limit, waiting).await {
        Ok(found) => found.map(Some),
        Err(_) => Ok(None),
    }
}

/// This fleet's workers say nothing: the job's record has who runs it.
async fn ours_runs_on(
    listens: &[String; 2],
    server: &Server,
    job: &str,
    but: Option<usize>,
) -> Result<usize, ClientError> {
    let client = Client::connect(config(&server.url, 1))?;
    loop {
        if let Some(record) = client.queue(QUEUE).record(job).await?
            && record.state == "running"
        {
            let mut command = redis::cmd("HGET");
            command.arg(client.keys().agent(&record.worker)).arg("listen");
            let listen: Option<String> = client.link().query("agents", &command).await?;
            let place = listens.iter().position(|known| Some(known) == listen.as_ref());
            if let Some(place) = place.filter(|place| Some(*place) != but) {
                return Ok(place);
            }
        }
        sleep(LOOK_EVERY).await;
    }
}

/// This fleet's throughput while few and while many jobs wait, in turns. Nothing is submitted meanwhile.
async fn backlogs(plan: &Plan, results: &mut Results) -> Result<(), ClientError> {
    let ours = Contender { kind: Kind::Ours, setting: plan.slots.to_string() };
    let mut many = waiting(&ours, plan, plan.backlog, BACKLOG_WINDOWS).await?;
    for _ in 0..BACKLOG_WINDOWS {
        let mut few = waiting(&ours, plan, SMALL_BACKLOG, 1).await?;
        let (rate, redis_us) = drain(&mut few, &ours).await?;
        few.stop().await;
        results.add(Kind::Ours, Figure::SmallBacklog, rate);
        results.add(Kind::Ours, Figure::SmallBacklogCpu, redis_us);
        let (rate, redis_us) = drain(&mut many, &ours).await?;
        results.add(Kind::Ours, Figure::LargeBacklog, rate);
        results.add(Kind::Ours, Figure::LargeBacklogCpu, redis_us);
    }
    many.redis.kill().await;
    Ok(())
}

/// A Redis in which so many jobs wait that `left` remain after all windows.
async fn waiting(
    contender: &Contender,
    plan: &Plan,
    left: usize,
    windows: usize,
) -> Result<Server, ClientError> {
    let mut server = Server::start(plan).await?;
    // A rewrite in only one of the two measurements would be taken for the backlog's effect.
    server.probe.never_rewrite().await?;
    let mut submitter = server.submitter(contender).await?;
    // One to warm up and one to time in each window, and what is settled until the worker has stopped.
    let jobs = left + windows * BACKLOG_WINDOW * 5 / 2;
    submitter.request(&format!("fill {jobs} {PAYLOAD_BYTES}")).await?;
    submitter.answer("filled", THROUGHPUT_LIMIT * 5).await?;
    submitter.kill().await;
    server.probe.rest().await?;
    Ok(server)
}

/// Starts a worker, lets it settle some jobs, and times the next: jobs per second, and Redis CPU of each in
/// microseconds.
async fn drain(server: &mut Server, contender: &Contender) -> Result<(f64, f64), ClientError> {
    let finished = server.probe.number(&contender.kind.finished()).await? as usize;
    let worker = server.worker(contender).await?;
    let (begin, from) = reached(server, contender, finished + BACKLOG_WINDOW).await?;
    let redis_before = cpu_ms(server.redis.pid());
    let (end, to) = reached(server, contender, from as usize + BACKLOG_WINDOW).await?;
    let redis_ms = cpu_ms(server.redis.pid()) - redis_before;
    worker.stop().await;
    let jobs = (to - from) as f64;
    Ok((jobs / (end - begin).as_secs_f64(), redis_ms * 1000.0 / jobs))
}

/// When so many jobs are finished, and how many they are then.
async fn reached(
    server: &mut Server,
    contender: &Contender,
    jobs: usize,
) -> Result<(Instant, u64), ClientError> {
    let count = contender.kind.finished();
    let begin = Instant::now();
    loop {
        let finished = server.probe.number(&count).await?;
        if finished >= jobs as u64 {
            return Ok((Instant::now(), finished));
        }
        if begin.elapsed() > THROUGHPUT_LIMIT {
            return Err(ClientError::machine("backlog", format!("only {finished} of {jobs} jobs finished")));
        }
        sleep(LOOK_EVERY).await;
    }
}
