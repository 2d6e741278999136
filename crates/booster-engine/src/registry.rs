//! The boosters that this process can run.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use booster_core::modules::MAX_MODULE_BYTES;
use booster_core::{Catalogue, Config, Manifest, Route, Target};

use crate::error::EngineError;
use crate::module::Booster;
use crate::runtime::{Runtime, RuntimeConfig};

/// Most modules of one directory.
const MAX_MODULES: usize = 64;

/// Boosters by `name@version`: those of a directory, which stay, and those that were deployed, which come and go.
/// A registry is never changed while jobs are routed by it; [`Registry::deploy`] makes the next one.
#[derive(Debug, Default)]
pub struct Registry {
    local: BTreeMap<String, Arc<Booster>>,
    deployed: BTreeMap<String, Arc<Booster>>,
    catalogue: Catalogue,
    rejected: Vec<EngineError>,
}

impl Registry {
    /// The boosters of the configured directory, and a runtime for `slots` slots that runs them. Compiling takes a
    /// while and blocks the thread.
    ///
    /// # Errors
    /// As [`Runtime::new`] and [`Registry::load_dir`].
    pub fn configured(config: &Config, slots: usize) -> Result<(Arc<Runtime>, Self), EngineError> {
        let dir = match config.wasm.modules.as_str() {
            "" => default_modules_dir(),
            dir => PathBuf::from(dir),
        };
        let runtime = Runtime::new(RuntimeConfig::configured(config, slots))?;
        let mut registry = Self::load_dir(&runtime, &dir)?;
        registry.prefer(config.modules.prefer.clone());
        Ok((runtime, registry))
    }

    /// Loads every `NAME.wasm` of a directory, each with its manifest `NAME.json` beside it. A module that is no
    /// booster does not keep the others from loading; see [`Registry::rejected`].
    ///
    /// # Errors
    /// An [`EngineError`] that names the file, when no booster at all could be loaded: such a worker could do
    /// nothing.
    pub fn load_dir(runtime: &Runtime, dir: &Path) -> Result<Self, EngineError> {
        let mut registry = Self::default();
        for path in module_files(dir)? {
            match load_file(runtime, &path) {
                Ok(booster) => registry.add(booster),
                Err(error) => registry.rejected.push(error),
            }
        }
        if registry.local.is_empty() {
            let none = || file_error(dir, "no *.wasm modules here; `make guests` builds the shipped ones");
            return Err(registry.rejected.pop().unwrap_or_else(none));
        }
        Ok(registry)
    }

    /// Why modules of the directory were not loaded.
    pub fn rejected(&self) -> &[EngineError] {
        &self.rejected
    }

    /// Sets which booster, by name, is preferred for a capability.
    pub fn prefer(&mut self, prefer: BTreeMap<String, String>) {
        self.catalogue.prefer(prefer);
    }

    /// Adds or replaces a booster of the directory.
    pub fn add(&mut self, booster: Booster) {
        self.catalogue.insert(booster.manifest().clone());
        self.local.insert(booster.reference().to_owned(), Arc::new(booster));
    }

    /// The registry with the same directory, but with these deployed boosters and routes.
    pub fn deploy(
        &self,
        deployed: impl IntoIterator<Item = Arc<Booster>>,
        routes: BTreeMap<String, Route>,
    ) -> Self {
        let by_reference = |booster: Arc<Booster>| (booster.reference().to_owned(), booster);
        let deployed: BTreeMap<_, _> = deployed.into_iter().map(by_reference).collect();
        let mut catalogue = self.catalogue.clone();
        catalogue.deploy(deployed.values().map(|booster| booster.manifest().clone()), routes);
        Self { local: self.local.clone(), deployed, catalogue, rejected: Vec::new() }
    }

    /// What the registry knows, without the code.
    pub fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// The booster that a job's target means, canaries aside.
    pub fn resolve(&self, target: &Target) -> Option<&Arc<Booster>> {
        self.get(self.catalogue.resolve(target)?)
    }

    /// The booster that the job with this id gets.
    pub fn resolve_for(&self, target: &Target, job_id: &str) -> Option<&Arc<Booster>> {
        self.get(self.catalogue.resolve_for(target, job_id)?)
    }

    fn get(&self, manifest: &Manifest) -> Option<&Arc<Booster>> {
        let reference = manifest.reference();
        self.deployed.get(&reference).or_else(|| self.local.get(&reference))
    }

    /// All boosters, by name and version as texts; of two with the same, the deployed one.
    pub fn boosters(&self) -> impl Iterator<Item = &Arc<Booster>> {
        let all: BTreeMap<&String, &Arc<Booster>> = self.local.iter().chain(&self.deployed).collect();
        all.into_values()
    }
}

/// Where the boosters are that ship with the program: `modules` beside the executable, `guests/out` of the
/// source tree that it was built in, or `/usr/lib/booster-fleet/modules`; the first that exists.
pub fn default_modules_dir() -> PathBuf {
    let installed = PathBuf::from("/usr/lib/booster-fleet/modules");
    let Some(beside) = std::env::current_exe().ok().and_then(|exe| exe.parent().map(Path::to_path_buf))
    else {
        return installed;
    };
    let in_tree = beside.ancestors().map(|dir| dir.join("guests/out")).find(|dir| dir.is_dir());
    let modules = beside.join("modules");
    if modules.is_dir() { modules } else { in_tree.unwrap_or(installed) }
}

fn load_file(runtime: &Runtime, path: &Path) -> Result<Booster, EngineError> {
    let manifest = read_manifest(&path.with_extension("json"))?;
    Booster::load(runtime, manifest, &read_limited(path)?)
}

fn module_files(dir: &Path) -> Result<Vec<PathBuf>, EngineError> {
    let entries = std::fs::read_dir(dir).map_err(|error| file_error(dir, &error.to_string()))?;
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|ext| ext == "wasm"))
        .collect();
    if files.len() > MAX_MODULES {
        return Err(file_error(dir, &format!("{} modules; at most {MAX_MODULES} are loaded", files.len())));
    }
    files.sort();
    Ok(files)
}

fn read_manifest(path: &Path) -> Result<Manifest, EngineError> {
    let text = std::fs::read_to_string(path).map_err(|error| file_error(path, &error.to_string()))?;
    let manifest: Manifest =
        serde_json::from_str(&text).map_err(|error| file_error(path, &format!("not a manifest: {error}")))?;
    manifest.validate().map_err(|error| file_error(path, &error))?;
    Ok(manifest)
}

fn read_limited(path: &Path) -> Result<Vec<u8>, EngineError> {
    let size = std::fs::metadata(path).map_err(|error| file_error(path, &error.to_string()))?.len();
    if size > MAX_MODULE_BYTES as u64 {
        return Err(file_error(path, &format!("{size} bytes; at most {MAX_MODULE_BYTES} are read")));
    }
    std::fs::read(path).map_err(|error| file_error(path, &error.to_string()))
}

fn file_error(path: &Path, detail: &str) -> EngineError {
    EngineError::File { path: path.to_path_buf(), detail: detail.to_owned() }
}
