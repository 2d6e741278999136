//! Modules of Redis at this worker: loaded beside the running jobs, swapped in as a whole, and tried as canaries.
//!
//! [`Deployed`] is what jobs are routed by, [`Deployer`] the task that keeps it as Redis says. A version is fetched,
//! verified and compiled in the background, one at a time; when it is there, the next [`Registry`] takes the place
//! of the last one. Running jobs keep the booster that they have. What cannot be loaded is told, and what was there
//! stays.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::{ArcSwap, Guard};
use booster_core::event::ModuleUpdated;
use booster_core::modules::Trial;
use booster_core::{Attempt, Config, Event, ModuleError, ModuleRecord, ModuleVersion, Route, Target};
use booster_engine::{Booster, EngineError, Pool, Registry, Runtime};
use booster_queue::{Link, now_ms};
use booster_state::{
    LoadState, ModuleNote, ModuleSource, ModuleStore, Modules, Standing, StateError, Telemetry, TrustedKeys,
    WorkerModule, route,
};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

/// How often what was counted of canaries is told to Redis.
const TELL_EVERY: Duration = Duration::from_millis(250);
/// How often Redis is asked whether modules have changed, should the announcement be missed.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// When to listen again after the subscription ended.
const LISTEN_AGAIN: Duration = Duration::from_secs(1);
/// When a version is loaded again after Redis did not answer.
const AGAIN_SOON: Duration = Duration::from_secs(2);
/// When a version is loaded again whose bytes were missing or damaged: somebody may have pushed it anew.
const AGAIN_LATER: Duration = Duration::from_secs(30);

/// What jobs of this worker are routed by.
pub(crate) struct Deployed {
    live: ArcSwap<Registry>,
    /// Set when what Redis says that jobs get has been loaded once: a worker that has just started shall not run
    /// them with what its directory has.
    settled: AtomicBool,
    /// What was counted of canaries and has not been told, by name and by the canary's beginning. As many as there
    /// are canaries.
    trials: Mutex<BTreeMap<(String, u64), Trial>>,
    changed: Notify,
}

impl Deployed {
    /// A worker that knows no more than its directory.
    pub(crate) fn new(registry: Registry) -> Self {
        Self {
            live: ArcSwap::from_pointee(registry),
            settled: AtomicBool::new(false),
            trials: Mutex::default(),
            changed: Notify::new(),
        }
    }

    /// What this worker can run now.
    pub(crate) fn registry(&self) -> Guard<Arc<Registry>> {
        self.live.load()
    }

    /// Whether jobs may be started.
    pub(crate) fn is_settled(&self) -> bool {
        self.settled.load(Ordering::Acquire)
    }

    /// The booster that runs a job's attempt. A canary gets neither a job's last attempt, so that no job dies of it,
    /// nor any job while its circuit breaker is open.
    pub(crate) fn choose(
        &self,
        pool: &Pool,
        target: &Target,
        id: &str,
        is_last: bool,
    ) -> Option<Arc<Booster>> {
        let registry = self.registry();
        let chosen = registry.resolve_for(target, id)?;
        // What is no canary is what every job of this target gets.
        if !is_last && pool.accepts(chosen) {
            Some(Arc::clone(chosen))
        } else {
            registry.resolve(target).map(Arc::clone)
        }
    }

    /// Counts how an attempt went, when its booster has a canary now.
    pub(crate) fn note(&self, booster: &Booster, attempt: &Attempt) {
        if matches!(attempt, Attempt::HandBack) {
            return;
        }
        let failed = attempt.harm().is_some();
        let (registry, name) = (self.registry(), &booster.manifest().name);
        let Some(canary) = registry.catalogue().route(name).and_then(|route| route.canary.as_ref()) else {
            return;
        };
        let is_canary = canary.reference == booster.reference();
        let usual = registry.resolve(&Target::Booster(name.clone()));
        if !is_canary && usual.is_none_or(|usual| usual.reference() != booster.reference()) {
            return;
        }
        let mut trials = self.trials();
        let trial = trials.entry((name.clone(), canary.begun)).or_default();
        if is_canary { trial.canary.note(failed) } else { trial.active.note(failed) }
    }

    fn trials(&self) -> MutexGuard<'_, BTreeMap<(String, u64), Trial>> {
        self.trials.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is known of one version.
struct State {
    /// Statement and signature: what a version is, whatever its name.
    content: (String, Option<String>),
    digest: String,
    size: usize,
    /// When it is to be loaded; `None` while it is being loaded, and afterwards.
    due: Option<Instant>,
    loading: bool,
    booster: Option<Arc<Booster>>,
    error: Option<String>,
}

impl State {
    fn is_pending(&self) -> bool {
        self.booster.is_none() && self.error.is_none()
    }

    fn view(&self) -> WorkerModule {
        let state = match (&self.booster, &self.error) {
            (Some(_), _) => LoadState::Loaded,
            (None, Some(_)) if !self.loading => LoadState::Failed,
            (None, _) => LoadState::Loading,
        };
        WorkerModule {
            state,
            source: ModuleSource::Redis,
            digest: self.digest.clone(),
            size: self.size,
            error: self.error.clone(),
            cold: self.booster.as_ref().and_then(|booster| booster.cold_reason()).map(ToOwned::to_owned),
        }
    }
}

/// Why a version was not loaded.
struct LoadError {
    code: &'static str,
    text: String,
    /// Whether the version itself is at fault, rather than the way to it.
    final_for_now: bool,
    again: Option<Duration>,
}

impl From<StateError> for LoadError {
    fn from(error: StateError) -> Self {
        let (is_module, is_damaged) = match &error {
            StateError::Module(error) => (true, matches!(error, ModuleError::Damaged { .. })),
            _ => (false, false),
        };
        let again = if is_damaged { Some(AGAIN_LATER) } else { (!is_module).then_some(AGAIN_SOON) };
        Self { code: error.code(), text: error.to_string(), final_for_now: is_module, again }
    }
}

impl From<EngineError> for LoadError {
    fn from(error: EngineError) -> Self {
        Self { code: error.code(), text: error.to_string(), final_for_now: true, again: None }
    }
}

type Loaded = (String, (String, Option<String>), Result<Booster, LoadError>);

/// Keeps a worker's [`Deployed`] as Redis says.
pub(crate) struct Deployer {
    deployed: Arc<Deployed>,
    store: ModuleStore,
    runtime: Arc<Runtime>,
    pool: Pool,
    trusted: Option<Arc<TrustedKeys>>,
    telemetry: Arc<Telemetry>,
    worker: String,
    config: Config,
    standing: watch::Sender<Standing>,
    /// What Redis said last.
    known: Modules,
    /// Of that, what can be read; a record that was damaged since stays as it was.
    records: BTreeMap<String, ModuleRecord>,
    /// By `name@version`: all versions of the records, and what jobs still get of others.
    states: BTreeMap<String, State>,
    /// What jobs get now.
    routes: BTreeMap<String, Route>,
    loads: JoinSet<Loaded>,
}

/// What a [`Deployer`] works with.
pub(crate) struct Parts {
    pub(crate) link: Link,
    pub(crate) config: Config,
    pub(crate) worker: String,
    pub(crate) runtime: Arc<Runtime>,
    pub(crate) pool: Pool,
    pub(crate) trusted: Option<TrustedKeys>,
    pub(crate) telemetry: Arc<Telemetry>,
}

impl Deployer {
    /// A deployer, and where it tells what boosters the worker has.
    pub(crate) fn new(deployed: Arc<Deployed>, parts: Parts) -> (Self, watch::Receiver<Standing>) {
        let Parts { link, config, worker, runtime, pool, trusted, telemetry } = parts;
        let (standing, receiver) = watch::channel(Standing::default());
        let deployer = Self {
            deployed,
            store: ModuleStore::new(link, &config),
            runtime,
            pool,
            trusted: trusted.map(Arc::new),
            telemetry,
            worker,
            config,
            standing,
            known: Modules::default(),
            records: BTreeMap::new(),
            states: BTreeMap::new(),
            routes: BTreeMap::new(),
            loads: JoinSet::new(),
        };
        deployer.tell();
        (deployer, receiver)
    }

    /// Loads what Redis says that jobs get, as far as Redis answers. The rest, and other versions, come in
    /// [`Deployer::run`].
    pub(crate) async fn begin(&mut self) {
        self.look().await;
        while self.is_unsettled() {
            let Some(Ok(loaded)) = self.loads.join_next().await else { return };
            self.take_loaded(loaded);
        }
    }

    /// Follows Redis until `stop` resolves.
    pub(crate) async fn run(mut self, stop: impl Future<Output = ()>) {
        let (store, deployed) = (self.store.clone(), Arc::clone(&self.deployed));
        let listen = async move {
            loop {
                // A fault is noted by the link; looking makes up for what is missed meanwhile.
                let _ = store.listen(|| deployed.changed.notify_one()).await;
                tokio::time::sleep(LISTEN_AGAIN).await;
            }
        };
        tokio::select! {
            () = stop => {}
            () = listen => {}
            () = self.follow() => {}
        }
    }

    async fn follow(&mut self) {
        let deployed = Arc::clone(&self.deployed);
        let mut tell = tokio::time::interval(TELL_EVERY);
        let mut look = tokio::time::interval(LOOK_EVERY);
        for timer in [&mut tell, &mut look] {
            timer.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        }
        loop {
            tokio::select! {
                () = deployed.changed.notified() => {
                    self.hurry();
                    self.look().await;
                }
                _ = look.tick() => self.look().await,
                _ = tell.tick() => {
                    self.judge_canaries().await;
                    self.load_next();
                }
                Some(loaded) = self.loads.join_next() => match loaded {
                    Ok(loaded) => self.take_loaded(loaded),
                    Err(error) => tracing::error!(%error, "loading a module ended early"),
                },
            }
        }
    }

    /// Whatever was announced may have mended what could not be loaded.
    fn hurry(&mut self) {
        for due in self.states.values_mut().filter_map(|state| state.due.as_mut()) {
            *due = Instant::now();
        }
    }

    /// Reads what Redis says, when that has changed, and does what follows.
    async fn look(&mut self) {
        match self.store.read_changed(&self.known).await {
            Ok(Some(modules)) => self.take(modules),
            Ok(None) => {}
            // Noted by the link. Redis that is away has the last word when it is back; one that refuses for good
            // does not keep the worker from running what it has.
            Err(error) if error.is_retryable() => return,
            Err(_) => {}
        }
        self.load_next();
        self.settle();
    }

    fn take(&mut self, modules: Modules) {
        for (name, error) in modules.damaged() {
            self.telemetry.module(&ModuleNote::Damaged { name, error: &error.to_string() });
        }
        let mut records = modules.records().clone();
        for name in modules.damaged().keys() {
            if let Some(record) = self.records.remove(name) {
                records.insert(name.clone(), record);
            }
        }
        self.records = records;
        self.known = modules;
        self.update_states();
        self.deploy();
    }

    /// Every version has a state; what is no longer there has none, unless jobs still get it.
    fn update_states(&mut self) {
        let mut wanted: BTreeSet<String> = BTreeSet::new();
        for record in self.records.values() {
            for (version, stored) in &record.versions {
                let reference = record.reference(version);
                let content = (stored.statement(&reference), stored.signature.clone());
                if self.states.get(&reference).is_none_or(|state| state.content != content) {
                    self.states.insert(
                        reference.clone(),
                        State {
                            content,
                            digest: stored.digest.clone(),
                            size: stored.size,
                            due: Some(Instant::now()),
                            loading: false,
                            booster: None,
                            error: None,
                        },
                    );
                }
                wanted.insert(reference);
            }
        }
        let routes = route_all(&self.records, &self.routes, |one| is_loaded(&self.states, one));
        wanted.extend(routes.values().filter_map(|route| route.active.clone()));
        let telemetry = &self.telemetry;
        self.states.retain(|reference, _| {
            let stays = wanted.contains(reference);
            if !stays {
                telemetry.module(&ModuleNote::Removed { booster: reference });
            }
            stays
        });
    }

    /// Begins to load the next version that is due, if none is being loaded: what jobs get first.
    fn load_next(&mut self) {
        if !self.loads.is_empty() {
            return;
        }
        let now = Instant::now();
        let is_due = |reference: &String| {
            self.states.get(reference).is_some_and(|state| state.due.is_some_and(|due| due <= now))
        };
        let rest = self.records.values().flat_map(|record| {
            record.newest_first().into_iter().map(|version| record.reference(version)).collect::<Vec<_>>()
        });
        let Some(reference) = self.urgent().chain(rest).find(is_due) else { return };
        let found = reference.split_once('@').and_then(|(name, version)| {
            Some((self.records.get(name)?.versions.get(version)?.clone(), self.states.get_mut(&reference)?))
        });
        let Some((version, state)) = found else { return };
        (state.due, state.loading) = (None, true);
        let content = state.content.clone();
        let (store, runtime) = (self.store.clone(), Arc::clone(&self.runtime));
        let trusted = self.trusted.clone();
        self.loads.spawn(async move {
            let booster = load(&store, runtime, trusted, &reference, version).await;
            (reference, content, booster)
        });
        self.tell();
    }

    /// The versions that jobs get which name none.
    fn urgent(&self) -> impl Iterator<Item = String> {
        self.records.values().flat_map(|record| {
            let canary = record.canary.as_ref().map(|canary| &canary.version);
            record.active.iter().chain(canary).map(|version| record.reference(version))
        })
    }

    fn is_unsettled(&self) -> bool {
        self.urgent().any(|reference| self.states.get(&reference).is_some_and(State::is_pending))
    }

    fn settle(&self) {
        if !self.is_unsettled() {
            self.deployed.settled.store(true, Ordering::Release);
        }
    }

    fn take_loaded(&mut self, (reference, content, loaded): Loaded) {
        if let Some(state) = self.states.get_mut(&reference).filter(|state| state.content == content) {
            state.loading = false;
            match loaded {
                Ok(booster) => {
                    let (digest, cold) = (booster.digest(), booster.cold_reason());
                    self.telemetry.module(&ModuleNote::Loaded { booster: &reference, digest, cold });
                    (state.booster, state.error) = (Some(Arc::new(booster)), None);
                }
                Err(LoadError { code, text, final_for_now, again }) => {
                    state.due = again.map(|pause| Instant::now() + pause);
                    if state.error.as_ref() != Some(&text) {
                        self.telemetry.module(&ModuleNote::Failed {
                            booster: &reference,
                            code,
                            error: &text,
                        });
                    }
                    state.error = final_for_now.then_some(text);
                }
            }
            self.deploy();
        }
        self.load_next();
        self.settle();
    }

    /// Routes jobs by what is loaded now.
    fn deploy(&mut self) {
        self.routes = route_all(&self.records, &self.routes, |one| is_loaded(&self.states, one));
        let boosters = self.states.values().filter_map(|state| state.booster.clone());
        let next = self.deployed.registry().deploy(boosters, self.routes.clone());
        self.deployed.live.store(Arc::new(next));
        self.tell();
    }

    /// Says what this worker has, to whoever reads its profile and its metrics.
    fn tell(&self) {
        let registry = self.deployed.registry();
        let of_directory = |booster: &Arc<Booster>| {
            let module = WorkerModule {
                state: LoadState::Loaded,
                source: ModuleSource::Directory,
                digest: booster.digest().to_owned(),
                size: booster.size(),
                error: None,
                cold: booster.cold_reason().map(ToOwned::to_owned),
            };
            (booster.reference().to_owned(), module)
        };
        let mut modules: BTreeMap<String, WorkerModule> = registry.boosters().map(of_directory).collect();
        modules.extend(self.states.iter().map(|(reference, state)| (reference.clone(), state.view())));
        let boosters: Vec<(&str, &str, &str)> = (registry.boosters())
            .map(|one| (one.manifest().name.as_str(), one.manifest().version.as_str(), one.digest()))
            .collect();
        let failed = self.states.values().filter(|state| state.error.is_some()).count();
        self.telemetry.module(&ModuleNote::Serving { boosters: &boosters, failed });
        let manifests = registry.catalogue().manifests().cloned().collect();
        self.standing.send_replace(Standing { manifests, modules });
    }

    /// Tells Redis what was counted of canaries, and rolls back those that fail too often.
    async fn judge_canaries(&mut self) {
        let (least, margin) = (self.config.modules.canary_jobs, self.config.modules.canary_failures as f64);
        let counted = std::mem::take(&mut *self.deployed.trials());
        for ((name, begun), trial) in counted {
            match self.store.count(&name, begun, &trial).await {
                Ok(Some(sum)) => {
                    if let Some(reason) = sum.verdict(least, margin) {
                        self.roll_back(&name, begun, reason).await;
                    }
                }
                Ok(None) => {}
                Err(_) => self.deployed.trials().entry((name, begun)).or_default().add(&trial),
            }
        }
        for (name, begun) in self.broken_canaries() {
            let reason = "its jobs failed so often in a row that its circuit breaker opened".to_owned();
            self.roll_back(&name, begun, reason).await;
        }
    }

    /// Canaries whose circuit breaker is open here, while that of the other version is not.
    fn broken_canaries(&self) -> Vec<(String, u64)> {
        let registry = self.deployed.registry();
        let accepts = |reference: &String| {
            let booster = registry.resolve(&Target::Booster(reference.clone()));
            booster.is_none_or(|booster| self.pool.accepts(booster))
        };
        let canaries = self.routes.iter().filter_map(|(name, route)| Some((name, route.canary.as_ref()?)));
        canaries
            .filter(|(name, canary)| !accepts(&canary.reference) && accepts(name))
            .map(|(name, canary)| (name.clone(), canary.begun))
            .collect()
    }

    async fn roll_back(&mut self, name: &str, begun: u64, reason: String) {
        let edit = |record: &mut ModuleRecord| {
            let is_on = record.canary.as_ref().is_some_and(|canary| canary.begun == begun);
            is_on.then(|| record.roll_back(now_ms(), Some(reason.clone()))).transpose()
        };
        // Of all workers that see it, one changes the record; the others find that the canary is over.
        if let Ok(Some(version)) = self.store.change(name, edit).await {
            self.telemetry.publish(Event::ModuleUpdated(ModuleUpdated {
                name: name.to_owned(),
                version,
                change: "rolled_back",
                percent: None,
                reason: Some(reason),
                worker_id: Some(self.worker.clone()),
            }));
        }
        self.look().await;
    }
}

fn is_loaded(states: &BTreeMap<String, State>, reference: &str) -> bool {
    states.get(reference).is_some_and(|state| state.booster.is_some())
}

/// What jobs get of every name: what its record says, or what they got before while that is not loaded.
fn route_all(
    records: &BTreeMap<String, ModuleRecord>,
    before: &BTreeMap<String, Route>,
    usable: impl Fn(&str) -> bool,
) -> BTreeMap<String, Route> {
    let of = |(name, record): (&String, &ModuleRecord)| {
        let mut route = route(record, &usable);
        if record.active.is_some() && route.active.is_none() {
            let old = before.get(name).and_then(|route| route.active.clone());
            route.active = old.filter(|reference| usable(reference));
        }
        (name.clone(), route)
    };
    records.iter().map(of).collect()
}

/// Fetches, verifies and compiles a version. Nothing of it is done on a tokio thread but waiting.
async fn load(
    store: &ModuleStore,
    runtime: Arc<Runtime>,
    trusted: Option<Arc<TrustedKeys>>,
    reference: &str,
    version: ModuleVersion,
) -> Result<Booster, LoadError> {
    let wasm = store.load(reference, &version, trusted.as_deref()).await?;
    let work = move || {
        let manifest = version.read_manifest().map_err(StateError::from)?;
        Ok(Booster::load(&runtime, manifest, &wasm)?)
    };
    match tokio::task::spawn_blocking(work).await {
        Ok(loaded) => loaded,
        Err(error) => {
            let text = format!("loading it failed: {error}");
            Err(LoadError { code: "module_invalid", text, final_for_now: true, again: None })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::value::RawValue;

    fn record(active: Option<&str>) -> BTreeMap<String, ModuleRecord> {
        let mut record = ModuleRecord::new("m");
        for version in ["1.0.0", "2.0.0"] {
            let stored = ModuleVersion {
                digest: "a".repeat(64),
                size: 1,
                stored_size: 1,
                pushed_at: 1,
                signature: None,
                manifest: RawValue::from_string("{}".into()).unwrap(),
            };
            record.push(version, stored).unwrap();
        }
        record.active = active.map(ToOwned::to_owned);
        BTreeMap::from([("m".to_owned(), record)])
    }

    #[test]
    fn a_worker_keeps_what_it_has_until_the_next_version_is_loaded() {
        let active = |routes: &BTreeMap<String, Route>| routes["m"].active.clone();
        let first = route_all(&record(Some("1.0.0")), &BTreeMap::new(), |_| true);
        assert_eq!(active(&first).as_deref(), Some("m@1.0.0"));
        let stuck = route_all(&record(Some("2.0.0")), &first, |one| one == "m@1.0.0");
        assert_eq!(active(&stuck).as_deref(), Some("m@1.0.0"));
        assert_eq!(active(&route_all(&record(Some("2.0.0")), &stuck, |_| true)).as_deref(), Some("m@2.0.0"));
        // Back to the directory, and a worker that had nothing.
        assert_eq!(active(&route_all(&record(None), &first, |_| true)), None);
        assert_eq!(active(&route_all(&record(Some("2.0.0")), &BTreeMap::new(), |_| false)), None);
    }
}
