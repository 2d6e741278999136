//! Building a worker from its parts, running it and draining it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use apalis::prelude::{Data, Monitor, ParallelizeExt, WorkerBuilder, WorkerBuilderExt};
use booster_core::config::{ConfigError, Intake};
use booster_core::event::PoolUpdated;
use booster_core::{Config, Event, Job, Keys};
use booster_engine::{Pool, PoolConfig, Registry, Runtime};
use booster_queue::{Claim, Consumer, ConsumerConfig, JobBackend, Link, OutcomeCache};
use booster_state::{Bus, Metrics, Profile, Series, StateWriter, Telemetry, TrustedKeys, follow_events};
use tokio::net::TcpListener;
use tokio::sync::{Notify, watch};
use tracing::{error, info, warn};

use crate::error::WorkerError;
use crate::handler::{ByRegistry, FleetList, Handler, KnownOutcomes, refresh_fleet};
use crate::http::{Health, router};
use crate::modules::{Deployed, Deployer, Parts};
use crate::run_log::RunLog;
use crate::sizing;
use crate::trace::Tracing;

/// What [`run`] needs.
#[derive(Debug)]
pub struct Worker {
    /// This process's unique name; see [`worker_id`].
    pub id: String,
    /// The fleet's configuration.
    pub config: Config,
    /// The queues to serve.
    pub queues: Vec<String>,
    /// Where `/metrics`, `/healthz` and `/readyz` are served.
    pub listener: TcpListener,
    /// How long running jobs may finish once the shutdown has begun.
    pub drain: Duration,
    /// Where each attempt that enters a sandbox is written down.
    pub run_log: Option<RunLog>,
}

/// How long handing back may take after the drain time.
const HAND_BACK: Duration = Duration::from_secs(2);

/// A name that no other process start has: host, process id and a random part.
pub fn worker_id() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host: String =
        host.trim().chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').take(32).collect();
    let host = if host.is_empty() { "host".to_owned() } else { host };
    format!("{host}-{}-{:08x}", std::process::id(), rand::random::<u32>())
}

/// Runs a worker until `shutdown` resolves, then drains it: fetching stops at once, what was fetched and not
/// started is handed back, what runs may finish within the drain time.
///
/// # Errors
/// A [`WorkerError`] when the worker cannot start. Redis may be away at any time, also at the start.
pub async fn run(worker: Worker, shutdown: impl Future<Output = ()> + Send) -> Result<(), WorkerError> {
    let Worker { id, config, queues, listener, drain, run_log } = worker;
    prepare_spool(&config)?;
    let trusted = TrustedKeys::configured(&config)?;
    let listen = listener.local_addr().map(|address| address.to_string()).unwrap_or_default();
    let (runtime, registry) = load_boosters(&config).await?;
    let (telemetry, outbox) = telemetry(&config, &registry, &queues)?;
    let keys = Keys::new(config.redis.key_prefix.clone());
    let link = Link::open(&config.redis, Arc::clone(&telemetry) as _)?;
    let pool = start_pool(&id, &config, Arc::clone(&runtime), &telemetry)?;
    let modules = Arc::new(Deployed::new(registry));
    let parts = Parts {
        link: link.clone(),
        config: config.clone(),
        worker: id.clone(),
        runtime,
        pool: pool.clone(),
        trusted,
        telemetry: Arc::clone(&telemetry),
    };
    let (mut deployer, standing) = Deployer::new(Arc::clone(&modules), parts);
    deployer.begin().await;

    let (fleet_sender, fleet) = watch::channel(FleetList::default());
    let stale = Arc::new(Notify::new());
    tokio::spawn(refresh_fleet(link.clone(), keys.clone(), Arc::clone(&stale), fleet_sender));
    let admission = Arc::new(ByRegistry {
        modules: Arc::clone(&modules),
        fleet,
        stale,
        pool: pool.clone(),
        breaker_action: config.booster.breaker_action,
    });
    let consumer_config = ConsumerConfig {
        worker: id.clone(),
        queues: queues.clone(),
        slots: config.wasm.slots().0,
        config: config.clone(),
    };
    let (consumer, backend) = Consumer::start(link.clone(), consumer_config, admission);

    let (stop_sender, stop) = watch::channel(false);
    let stopped = move || {
        let mut stop = stop.clone();
        async move {
            let _ = stop.wait_for(|stop| *stop).await;
        }
    };
    let bus = Bus::new(link.clone(), keys, config.redis.max_events);
    let bus_task = tokio::spawn(bus.run(outbox, Arc::clone(telemetry.metrics())));
    let writer = StateWriter::new(link.clone(), &config, pool.clone());
    let version = env!("CARGO_PKG_VERSION");
    let profile = Profile::new(link.clone(), &config, &id, standing, &queues, version, &listen);
    let interval = Duration::from_millis(config.redis.health_check_interval_ms);
    let mut background = vec![
        tokio::spawn(check_health(pool.clone(), Arc::clone(&modules), interval, stopped())),
        tokio::spawn(deployer.run(stopped())),
        tokio::spawn(writer.run(stopped())),
        tokio::spawn(profile.run(stopped())),
        tokio::spawn(follow_events(link.clone(), config.clone(), id.clone(), stopped())),
    ];
    if let Some(bounds) = sizing::bounds(&config.wasm) {
        let (telemetry, id) = (Arc::clone(&telemetry), id.clone());
        let resized = move |pool: &Pool| announce(&telemetry, &id, pool, "resized");
        background.push(tokio::spawn(sizing::run(
            pool.clone(),
            consumer.clone(),
            bounds,
            resized,
            stopped(),
        )));
    }
    for intake in config.redis.intake.clone() {
        if !queues.contains(&intake.queue) {
            warn!(%intake, "this worker does not serve the queue into which it takes tasks; another has to");
        }
        background.push(tokio::spawn(take_in(link.clone(), config.clone(), intake, id.clone(), stopped())));
    }
    let health = Health { telemetry: Arc::clone(&telemetry), consumer: consumer.clone(), pool: pool.clone() };
    let server = axum::serve(listener, router(health)).with_graceful_shutdown(stopped());
    let server = tokio::spawn(async move { server.await });

    announce(&telemetry, &id, &pool, "started");
    info!(worker = id, %listen, slots = pool.size(), queues = queues.join(","), "worker started");
    let timeout = Duration::from_millis(config.wasm.task_timeout_ms);
    let handler = Arc::new(Handler {
        modules,
        pool: pool.clone(),
        default_timeout: timeout,
        breaker_action: config.booster.breaker_action,
        consumer: consumer.clone(),
        run_log: run_log.map(Arc::new),
        known: OutcomeCache::new(link.clone(), &config)
            .map(|cache| KnownOutcomes::new(cache, Arc::clone(&telemetry))),
        tracing: Tracing::new(&id),
    });
    let result = serve(&id, handler, backend, &consumer, shutdown, drain).await;

    announce(&telemetry, &id, &pool, "stopped");
    // The last events go out before the state is removed.
    tokio::time::sleep(Duration::from_millis(20)).await;
    let _ = stop_sender.send(true);
    for task in background {
        let _ = tokio::time::timeout(Duration::from_secs(2), task).await;
    }
    let _ = tokio::time::timeout(Duration::from_secs(2), server).await;
    bus_task.abort();
    info!(worker = id, "worker stopped");
    result
}

/// Outcomes are written to disk when Redis is away: too late to find that they cannot be.
fn prepare_spool(config: &Config) -> Result<(), WorkerError> {
    let dir = &config.redis.spool_dir;
    if dir.is_empty() {
        return Ok(());
    }
    booster_queue::make_spool_dir(dir.as_ref()).map_err(|error| {
        let expected = format!("a directory that this process can write to ({error})");
        ConfigError::Invalid {
            key: "redis.spoolDir".into(),
            source_name: "the configuration".into(),
            found: dir.clone(),
            expected,
        }
        .into()
    })
}

/// Sends canaries through the idle slots until the worker stops.
async fn check_health(
    pool: Pool,
    modules: Arc<Deployed>,
    interval: Duration,
    stop: impl Future<Output = ()> + Send,
) {
    tokio::pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => return,
            () = tokio::time::sleep(interval) => {}
        }
        let boosters: Vec<_> = modules.registry().boosters().cloned().collect();
        if let Err(error) = pool.check_health(&boosters) {
            error!(code = error.code(), %error, "slots could not be checked");
        }
    }
}

/// Takes over an apalis queue's tasks until the worker stops. That one cannot be taken over harms nothing else.
async fn take_in(
    link: Link,
    config: Config,
    intake: Intake,
    worker: String,
    stop: impl Future<Output = ()> + Send,
) {
    if let Err(error) = booster_queue::intake::run(link, &config, &intake, &worker, stop).await {
        error!(code = error.code(), %error, "apalis queue not taken over");
    }
}

async fn load_boosters(config: &Config) -> Result<(Arc<Runtime>, Registry), WorkerError> {
    let config = config.clone();
    let load = move || Registry::configured(&config, config.wasm.slots().1);
    let (runtime, registry) = tokio::task::spawn_blocking(load)
        .await
        .map_err(|error| WorkerError::Stopped { detail: error.to_string() })??;
    for booster in registry.boosters() {
        let (booster_name, digest) = (booster.reference(), booster.digest());
        match booster.cold_reason() {
            None => info!(booster = booster_name, digest, "booster loaded"),
            Some(reason) => {
                warn!(booster = booster_name, digest, reason, "booster loaded without a warm snapshot")
            }
        }
    }
    for error in registry.rejected() {
        error!(code = error.code(), %error, "module not loaded");
    }
    if runtime.fast_reset() {
        info!("instances are reset in place (PAGEMAP_SCAN): one process serves all cores");
    } else {
        warn!("this kernel lacks PAGEMAP_SCAN (Linux 6.7): several workers scale better than several slots");
    }
    Ok((runtime, registry))
}

fn telemetry(
    config: &Config,
    registry: &Registry,
    queues: &[String],
) -> Result<(Arc<Telemetry>, tokio::sync::mpsc::Receiver<Event>), WorkerError> {
    let names = registry.catalogue().manifests().map(|manifest| manifest.name.clone());
    let metrics = Arc::new(Metrics::new(names)?);
    metrics.add_queues(queues);
    metrics.describe_modules(registry.boosters().map(|booster| {
        let manifest = booster.manifest();
        (manifest.name.as_str(), manifest.version.as_str(), booster.digest())
    }));
    let versions = [env!("CARGO_PKG_VERSION"), booster_engine::WASMTIME_VERSION];
    metrics.set(Series::BuildInfo, &versions, 1.0);
    // 0 means "not yet": the alert on a silent fetch loop needs the series from the start.
    metrics.set(Series::LastFetch, &[], 0.0);
    metrics.set(Series::SpoolOutcomes, &[], 0.0);
    metrics.set(Series::WasmMemoryLimit, &[], config.wasm.memory_limit as f64);
    Ok(Telemetry::new(metrics))
}

fn start_pool(
    id: &str,
    config: &Config,
    runtime: Arc<Runtime>,
    telemetry: &Arc<Telemetry>,
) -> Result<Pool, WorkerError> {
    let pool = PoolConfig::configured(config, id, config.wasm.slots().0);
    Ok(Pool::start(runtime, pool, Arc::clone(telemetry) as _)?)
}

/// Runs apalis' worker until the shutdown, and drains it.
async fn serve(
    id: &str,
    handler: Arc<Handler>,
    backend: JobBackend,
    consumer: &Consumer,
    shutdown: impl Future<Output = ()> + Send,
    drain: Duration,
) -> Result<(), WorkerError> {
    let name = id.to_owned();
    let backend = Mutex::new(Some(backend));
    let monitor = Monitor::new().register(move |_| {
        let handler = Arc::clone(&handler);
        // apalis asks once: the backend never fails, so the worker is never made anew.
        let backend = backend.lock().unwrap_or_else(PoisonError::into_inner).take();
        WorkerBuilder::new(name.as_str())
            .backend(backend.expect("the worker is built once"))
            .catch_panic()
            .parallelize(tokio::spawn)
            .build(move |job: Job, claim: Data<Claim>| {
                let handler = Arc::clone(&handler);
                async move { handler.run(job, claim.0).await }
            })
    });
    let (begun_sender, begun) = tokio::sync::oneshot::channel();
    let signal = async {
        shutdown.await;
        consumer.stop_fetching();
        let _ = begun_sender.send(());
        Ok(())
    };
    let monitor = monitor.run_with_signal(signal);
    tokio::pin!(monitor);
    let deadline = async {
        // A shutdown that never comes leaves the deadline waiting for ever.
        if begun.await.is_err() {
            std::future::pending::<()>().await;
        }
        tokio::time::sleep(drain).await;
    };
    tokio::select! {
        result = &mut monitor => result.map_err(|error| WorkerError::Stopped { detail: error.to_string() }),
        () = deadline => {
            warn!(running = consumer.in_flight(), "the drain time is over; what runs is handed back");
            consumer.stop_running();
            // Stopping a guest takes one tick of its clock, handing it back one round trip.
            let _ = tokio::time::timeout(HAND_BACK, &mut monitor).await;
            Ok(())
        }
    }
}

fn announce(telemetry: &Telemetry, id: &str, pool: &Pool, change: &'static str) {
    let event = PoolUpdated { worker_id: id.to_owned(), slots: pool.size(), change };
    telemetry.publish(Event::PoolUpdated(event));
}
