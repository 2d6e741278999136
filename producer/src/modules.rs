//! The modules of the whole fleet: those in Redis, and those of the workers' directories.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use booster_core::event::ModuleUpdated;
use booster_core::modules::{Canary, Previous, Rollback, Trial, VersionState};
use booster_core::{Catalogue, Event, Manifest, ModuleError, ModuleRecord, Target, UnixMillis};
use booster_queue::now_ms;
use booster_state::{
    Bus, LoadState, ModuleSource, Modules, NewModule, WorkerModule, fleet_catalogue, worker_modules,
};
use serde::Serialize;
use tokio::time::{Instant, sleep};
use utoipa::ToSchema;

use crate::client::Client;
use crate::error::ClientError;

/// How often workers are asked whether they have loaded a version.
const ASK_EVERY: Duration = Duration::from_millis(50);
/// A worker that could not load a version, before it was pushed once more, says so for no longer than this.
const STALE: Duration = Duration::from_secs(2);
/// Workers that are named in an error.
const NAMED: usize = 5;

/// One version of a module, and who has it.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ModuleView {
    /// The module's name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// SHA-256 of the module, in hexadecimal.
    pub digest: String,
    /// Bytes of the module.
    pub size: usize,
    /// What it can be asked for.
    pub capabilities: Vec<String>,
    /// One sentence about it.
    pub description: String,
    /// `active`, `canary` or `stored`: which jobs get it that name no version.
    pub state: &'static str,
    /// The canary's share of the jobs, per cent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canary_percent: Option<u8>,
    /// When it was pushed; absent for a module of the workers' directories.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u64>)]
    pub pushed_at: Option<UnixMillis>,
    /// `redis` or `directory`.
    #[schema(value_type = String)]
    pub source: ModuleSource,
    /// Whether it carries a signature.
    pub signed: bool,
    /// How many living workers have loaded it.
    pub workers: usize,
    /// What each living worker has of it.
    pub worker_states: Vec<ModuleAtWorker>,
}

/// A version at one worker.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ModuleAtWorker {
    /// The worker.
    pub worker: String,
    /// How far it is; absent when it does not know the version.
    #[schema(value_type = Option<String>)]
    pub state: Option<LoadState>,
    /// Why it could not be loaded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Why its instances start cold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cold: Option<String>,
}

/// All that is known of one name.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ModuleDetail {
    /// The name.
    pub name: String,
    /// The version of those in Redis that jobs get; absent when they get what workers' directories have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active: Option<String>,
    /// What a rollback returns to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous: Option<Previous>,
    /// The version on trial.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canary: Option<Canary>,
    /// What has been counted while it is on trial.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trial: Option<Trial>,
    /// The last rollback.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rolled_back: Option<Rollback>,
    /// Its versions, the greatest first.
    pub versions: Vec<ModuleView>,
}

/// What is known of modules at one moment.
struct Fleet {
    modules: Modules,
    workers: Vec<(String, BTreeMap<String, WorkerModule>)>,
    catalogue: Catalogue,
}

impl Client {
    /// All modules, by name, the greatest version first.
    ///
    /// # Errors
    /// A Redis error.
    pub async fn modules(&self) -> Result<Vec<ModuleView>, ClientError> {
        Ok(self.read_fleet().await?.views())
    }

    /// All that is known of one module.
    ///
    /// # Errors
    /// [`ModuleError::Unknown`] when neither Redis nor a worker's directory has it, or a Redis error.
    pub async fn module(&self, name: &str) -> Result<ModuleDetail, ClientError> {
        let fleet = self.read_fleet().await?;
        let versions: Vec<ModuleView> = fleet.views().into_iter().filter(|view| view.name == name).collect();
        let record = match fleet.modules.record(name) {
            Ok(record) => record.clone(),
            Err(ModuleError::Unknown { .. }) if !versions.is_empty() => ModuleRecord::new(name),
            Err(error) => return Err(error.into()),
        };
        let trial = fleet.modules.trial(&record);
        let ModuleRecord { active, previous, canary, rolled_back, .. } = record;
        Ok(ModuleDetail { name: name.to_owned(), active, previous, canary, trial, rolled_back, versions })
    }

    /// Stores a module, for jobs that name its version; `false` when it is there already.
    ///
    /// # Errors
    /// [`ModuleError::VersionTaken`], [`ModuleError::Full`], or a Redis error.
    pub async fn push_module(&self, module: &NewModule) -> Result<bool, ClientError> {
        let Manifest { name, version, .. } = module.manifest();
        let added = self.module_store().push(module).await?;
        if added {
            self.tell(name, version, "pushed", None).await;
        }
        Ok(added)
    }

    /// Makes a version the one that jobs get. With `wait` only once every living worker has loaded it, so that no job
    /// waits for it and none fails.
    ///
    /// # Errors
    /// [`ModuleError::Unknown`], [`ModuleError::UnknownVersion`], [`ModuleError::NotLoaded`], or a Redis error.
    pub async fn promote_module(
        &self,
        name: &str,
        version: &str,
        wait: Option<Duration>,
    ) -> Result<(), ClientError> {
        self.wait_until_loaded(name, version, wait).await?;
        let promote = |record: &mut ModuleRecord| Ok(record.promote(version)?.then_some(()));
        if self.module_store().change(name, promote).await?.is_some() {
            self.tell(name, version, "promoted", None).await;
        }
        Ok(())
    }

    /// Gives a version a share of the jobs, in per cent, as [`Client::promote_module`] gives it all.
    ///
    /// # Errors
    /// As [`Client::promote_module`]; [`ModuleError::Percent`], [`ModuleError::NothingActive`], or
    /// [`ModuleError::InUse`] when it is active.
    pub async fn start_canary(
        &self,
        name: &str,
        version: &str,
        percent: u8,
        wait: Option<Duration>,
    ) -> Result<(), ClientError> {
        // What is wrong is said before anybody waits.
        let fleet = self.read_fleet().await?;
        fleet.modules.record(name)?.clone().start_canary(version, percent, now_ms())?;
        if !fleet.has_other(name)? {
            return Err(ModuleError::NothingActive { name: name.to_owned() }.into());
        }
        self.wait_until_loaded(name, version, wait).await?;
        let start =
            |record: &mut ModuleRecord| Ok(record.start_canary(version, percent, now_ms())?.then_some(()));
        if self.module_store().change(name, start).await?.is_some() {
            self.tell(name, version, "canary", Some(percent)).await;
        }
        Ok(())
    }

    /// Ends the canary; where there is none, returns to what was active before the last promotion. The version that
    /// was taken back.
    ///
    /// # Errors
    /// [`ModuleError::Unknown`], [`ModuleError::NothingToRollBack`], or a Redis error.
    pub async fn roll_back_module(&self, name: &str) -> Result<String, ClientError> {
        let roll_back = |record: &mut ModuleRecord| record.roll_back(now_ms(), None).map(Some);
        let version = self.module_store().change(name, roll_back).await?.unwrap_or_default();
        self.tell(name, &version, "rolled_back", None).await;
        Ok(version)
    }

    /// Removes a version that no job gets but those that name it.
    ///
    /// # Errors
    /// [`ModuleError::Unknown`], [`ModuleError::UnknownVersion`], [`ModuleError::InUse`], or a Redis error.
    pub async fn remove_module(&self, name: &str, version: &str) -> Result<(), ClientError> {
        self.module_store().remove(name, version).await?;
        self.tell(name, version, "removed", None).await;
        Ok(())
    }

    /// Publishes what was done. It is done; that somebody does not hear of it is no error.
    async fn tell(&self, name: &str, version: &str, change: &'static str, percent: Option<u8>) {
        let event = Event::ModuleUpdated(ModuleUpdated {
            name: name.to_owned(),
            version: version.to_owned(),
            change,
            percent,
            reason: None,
            worker_id: None,
        });
        let bus = Bus::new(self.link().clone(), self.keys().clone(), self.config().redis.max_events);
        if let Err(error) = bus.publish(&event).await {
            tracing::warn!(%error, name, version, change, "the event could not be published");
        }
    }

    async fn read_fleet(&self) -> Result<Fleet, ClientError> {
        let modules = self.module_store().read().await?;
        let workers = worker_modules(self.link(), self.keys()).await?;
        let workers = workers.into_iter().map(|(worker, modules)| (worker, modules.unwrap_or_default()));
        let registered = fleet_catalogue(self.link(), self.keys()).await?;
        let mut fleet = Fleet { modules, workers: workers.collect(), catalogue: Catalogue::default() };
        let of_directories: BTreeSet<&String> = fleet.of_directories().keys().copied().collect();
        let mut catalogue = Catalogue::default();
        for manifest in registered.manifests().filter(|one| of_directories.contains(&one.reference())) {
            catalogue.insert(manifest.clone());
        }
        fleet.modules.extend(&mut catalogue);
        fleet.catalogue = catalogue;
        Ok(fleet)
    }

    async fn wait_until_loaded(
        &self,
        name: &str,
        version: &str,
        wait: Option<Duration>,
    ) -> Result<(), ClientError> {
        let modules = self.module_store().read().await?;
        let record = modules.record(name)?;
        let (reference, digest) = (record.reference(version), &record.version(version)?.digest);
        let Some(wait) = wait else { return Ok(()) };
        let begun = Instant::now();
        loop {
            let workers = worker_modules(self.link(), self.keys()).await?;
            let (failed, missing) = without(&workers, &reference, digest);
            let not_loaded = |detail| ModuleError::NotLoaded { reference: reference.clone(), detail };
            if let Some(detail) = failed.filter(|_| begun.elapsed() >= STALE.min(wait)) {
                return Err(not_loaded(detail).into());
            }
            if missing.is_empty() {
                return Ok(());
            }
            if begun.elapsed() >= wait {
                let more = missing.len().saturating_sub(NAMED);
                let names = missing[..missing.len() - more].join(", ");
                let others = if more == 0 { String::new() } else { format!(" and {more} more") };
                let detail = format!("after {} s not yet by {names}{others}", wait.as_secs());
                return Err(not_loaded(detail).into());
            }
            sleep(ASK_EVERY).await;
        }
    }
}

/// Why a worker could not load a version, and who has not loaded it yet.
fn without<'a>(
    workers: &'a [(String, Option<BTreeMap<String, WorkerModule>>)],
    reference: &str,
    digest: &str,
) -> (Option<String>, Vec<&'a str>) {
    let (mut failed, mut missing) = (None, Vec::new());
    for (worker, modules) in workers {
        let module = modules.as_ref().and_then(|modules| modules.get(reference));
        match module.filter(|module| module.digest == digest && module.source == ModuleSource::Redis) {
            Some(WorkerModule { state: LoadState::Loaded, .. }) => {}
            Some(WorkerModule { state: LoadState::Failed, error, .. }) => {
                failed = Some(format!("worker {worker}: {}", error.as_deref().unwrap_or("it failed")));
                missing.push(worker.as_str());
            }
            _ => missing.push(worker.as_str()),
        }
    }
    (failed, missing)
}

impl Fleet {
    /// What workers have in their directories, by `name@version`.
    fn of_directories(&self) -> BTreeMap<&String, &WorkerModule> {
        let all = self.workers.iter().flat_map(|(_, modules)| modules);
        all.filter(|(_, module)| module.source == ModuleSource::Directory).collect()
    }

    /// Whether jobs of this name get a version while a canary gets a share of them.
    fn has_other(&self, name: &str) -> Result<bool, ModuleError> {
        let is_local = |reference: &&String| reference.split('@').next() == Some(name);
        Ok(self.modules.record(name)?.active.is_some()
            || self.of_directories().into_keys().any(|one| is_local(&one)))
    }

    fn views(&self) -> Vec<ModuleView> {
        let mut views: Vec<ModuleView> = Vec::new();
        for record in self.modules.records().values() {
            for version in record.newest_first() {
                views.extend(self.stored(record, version));
            }
        }
        let stored: BTreeSet<String> =
            views.iter().map(|view| format!("{}@{}", view.name, view.version)).collect();
        let local = self.of_directories().into_iter().filter(|(reference, _)| !stored.contains(*reference));
        views.extend(local.filter_map(|(reference, module)| self.local(reference, module)));
        views.sort_by(|a, b| a.name.cmp(&b.name));
        views
    }

    fn stored(&self, record: &ModuleRecord, version: &str) -> Option<ModuleView> {
        let stored = record.versions.get(version)?;
        let state = record.state(version);
        let percent = match state {
            VersionState::Canary(percent) => Some(percent),
            _ => None,
        };
        let mut view = self.view(&stored.read_manifest().ok()?);
        (view.digest, view.size) = (stored.digest.clone(), stored.size);
        (view.state, view.canary_percent) = (state.as_str(), percent);
        (view.pushed_at, view.signed) = (Some(stored.pushed_at), stored.signature.is_some());
        Some(view)
    }

    fn local(&self, reference: &str, module: &WorkerModule) -> Option<ModuleView> {
        let manifest = self.catalogue.manifests().find(|manifest| manifest.reference() == reference)?;
        let usual = self.catalogue.resolve(&Target::Booster(manifest.name.clone()));
        let mut view = self.view(manifest);
        (view.digest, view.size) = (module.digest.clone(), module.size);
        view.source = ModuleSource::Directory;
        view.state = if usual == Some(manifest) { "active" } else { "stored" };
        Some(view)
    }

    /// A version as its manifest and the workers describe it.
    fn view(&self, manifest: &Manifest) -> ModuleView {
        let reference = manifest.reference();
        let at = |(worker, modules): &(String, BTreeMap<String, WorkerModule>)| {
            let module = modules.get(&reference);
            ModuleAtWorker {
                worker: worker.clone(),
                state: module.map(|module| module.state),
                error: module.and_then(|module| module.error.clone()),
                cold: module.and_then(|module| module.cold.clone()),
            }
        };
        let worker_states: Vec<ModuleAtWorker> = self.workers.iter().map(at).collect();
        ModuleView {
            name: manifest.name.clone(),
            version: manifest.version.clone(),
            digest: String::new(),
            size: 0,
            capabilities: manifest.capabilities.clone(),
            description: manifest.description.clone(),
            state: VersionState::Stored.as_str(),
            canary_percent: None,
            pushed_at: None,
            source: ModuleSource::Redis,
            signed: false,
            workers: worker_states.iter().filter(|one| one.state == Some(LoadState::Loaded)).count(),
            worker_states,
        }
    }
}
