//! Boosters in sandboxes of this process, without a fleet.

use std::sync::Arc;
use std::time::Duration;

use booster_core::{Config, Target};
use booster_engine::{Booster, Pool, PoolConfig, Ran, Registry, Request, Run, Runtime, Silent, Task};

use booster_state::TrustedKeys;

use crate::client::Client;
use crate::error::ClientError;

/// A pool and the boosters that it can run.
pub(crate) struct Sandbox {
    registry: Registry,
    runtime: Arc<Runtime>,
    pool: Pool,
    timeout: Duration,
}

impl Sandbox {
    /// Compiles the configured boosters and starts `slots` slots.
    pub(crate) async fn open(config: &Config, slots: usize) -> Result<Self, ClientError> {
        let failed = |error| ClientError::machine("the sandbox", error);
        let settings = config.clone();
        let load = move || Registry::configured(&settings, slots);
        let loaded = tokio::task::spawn_blocking(load).await;
        let (runtime, registry) =
            loaded.map_err(|error| ClientError::machine("the sandbox", error))?.map_err(failed)?;
        let pool = PoolConfig::configured(config, "here", slots);
        let pool = Pool::start(Arc::clone(&runtime), pool, Arc::new(Silent)).map_err(failed)?;
        Ok(Self { registry, runtime, pool, timeout: Duration::from_millis(config.wasm.task_timeout_ms) })
    }

    /// The booster that a job would get; else the names of those that there are.
    pub(crate) fn resolve(&self, target: &Target) -> Result<Arc<Booster>, String> {
        self.registry.resolve(target).cloned().ok_or_else(|| {
            let known: Vec<&str> = self.registry.boosters().map(|booster| booster.reference()).collect();
            format!("known boosters: {}", known.join(", "))
        })
    }

    /// The booster that a job of a fleet would get: as [`Sandbox::resolve`], but also among the modules in Redis.
    ///
    /// # Errors
    /// What is wrong with the module in Redis, or the names of the known boosters as a usage error.
    pub(crate) async fn resolve_deployed(
        &self,
        client: &Client,
        target: &Target,
    ) -> Result<Arc<Booster>, ClientError> {
        let store = client.module_store();
        let modules = store.read().await?;
        let mut catalogue = self.registry.catalogue().clone();
        modules.extend(&mut catalogue);
        let manifest = catalogue.resolve(target).cloned();
        let version = manifest
            .as_ref()
            .and_then(|manifest| modules.records().get(&manifest.name)?.versions.get(&manifest.version));
        let (Some(manifest), Some(version)) = (manifest, version) else {
            let unknown = |known| ClientError::usage(format!("{target} is not known here"), known);
            return self.resolve(target).map_err(unknown);
        };
        let trusted = TrustedKeys::configured(client.config())?;
        let wasm = store.load(&manifest.reference(), version, trusted.as_ref()).await?;
        let runtime = Arc::clone(&self.runtime);
        let loaded = tokio::task::spawn_blocking(move || Booster::load(&runtime, manifest, &wasm)).await;
        let failed = |error: &dyn std::fmt::Display| ClientError::machine("the sandbox", error);
        loaded.map_err(|error| failed(&error))?.map(Arc::new).map_err(|error| failed(&error))
    }

    /// One run in a fresh sandbox outside the pool, with all that is known of it.
    pub(crate) async fn run_alone(
        &self,
        booster: Arc<Booster>,
        input: String,
        timeout: Option<Duration>,
        max_output: usize,
    ) -> Result<Ran, ClientError> {
        let (runtime, timeout) = (Arc::clone(&self.runtime), timeout.unwrap_or(self.timeout));
        let run = move || {
            let task = Task { input: &input, timeout, max_output, stop: None };
            booster_engine::Sandbox::new(runtime, Arc::new(Silent)).run(&booster, &task)
        };
        let ran = tokio::task::spawn_blocking(run).await;
        ran.map_err(|error| ClientError::machine("the sandbox", error))
    }

    /// One run in a fresh sandbox, within `timeout` or the configured time.
    pub(crate) async fn run(
        &self,
        booster: Arc<Booster>,
        input: String,
        timeout: Option<Duration>,
    ) -> Result<Run, ClientError> {
        let request = Request {
            id: "here".into(),
            booster,
            input,
            timeout: timeout.unwrap_or(self.timeout),
            stop: None,
            allocated: Box::new(|_, _| {}),
        };
        self.pool.run(request).await.map_err(|error| ClientError::machine("the sandbox", error))
    }
}
