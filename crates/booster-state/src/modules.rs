//! Modules in Redis: their compressed bytes by digest, and one record for each name.
//!
//! All records are fields of one hash and change in one script, which compares the hash's revision: whoever changes
//! something has seen everything, so limits over all modules hold. Bytes are written before the record that names
//! them and removed after it; until then, and after that, they have a time to live, so that nothing stays behind
//! when a caller dies in between.

use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::time::Duration;

use booster_core::digest::sha256_hex;
use booster_core::modules::{MAX_MODULE_BYTES, MAX_NAMES, Trial, read_manifest};
use booster_core::{CanaryRoute, Catalogue};
use booster_core::{Config, Keys, Manifest, ModuleError, ModuleRecord, ModuleVersion, Route};
use booster_queue::{Link, QueueError, new_revision, now_ms};
use futures_util::StreamExt;
use redis::{Cmd, Script};
use serde_json::value::RawValue;

use crate::error::StateError;
use crate::signature::{Signer, TrustedKeys};

static CHANGE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("../lua/modules_change.lua")));
static COUNT: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("../lua/modules_count.lua")));

/// Field of the hash that is another text after every change. A module's name has no slash.
const REVISION: &str = "/revision";
/// Pushes are rare and loads are many: worth some seconds.
const LEVEL: i32 = 9;
/// Bytes of a blob that are read at once: what else waits on the connection waits no longer for it.
const CHUNK: usize = 1 << 20;
/// How long bytes stay that no record names: longer than any push or load takes.
const GRACE: Duration = Duration::from_secs(3600);
/// How often a change is tried again that others were faster with.
const TRIES: u32 = 20;

/// The first bytes of every WebAssembly file.
const WASM_MAGIC: &[u8] = b"\0asm";

/// Fields of the hash to write, with their texts; an empty one removes its field.
type Fields = Vec<(String, String)>;

fn trial_field(name: &str) -> String {
    format!("/canary/{name}")
}

/// A module that is ready to be pushed.
#[derive(Debug, Clone)]
pub struct NewModule {
    manifest: Manifest,
    version: ModuleVersion,
    packed: Vec<u8>,
}

impl NewModule {
    /// Checks and compresses a module, and signs it when there is a `signer`. Takes its time: not for a tokio thread.
    ///
    /// # Errors
    /// [`ModuleError::Wasm`], [`ModuleError::Manifest`], or [`ModuleError::Untrusted`] when `trusted` does not hold
    /// the signer's key.
    pub fn prepare(
        wasm: &[u8],
        manifest: &str,
        signer: Option<&Signer>,
        trusted: Option<&TrustedKeys>,
    ) -> Result<Self, ModuleError> {
        let wrong = |found: String| ModuleError::Wasm {
            found,
            expected: format!("a WebAssembly component or command of at most {MAX_MODULE_BYTES} bytes"),
        };
        if wasm.len() > MAX_MODULE_BYTES {
            return Err(wrong(format!("of {} bytes", wasm.len())));
        }
        if !wasm.starts_with(WASM_MAGIC) {
            return Err(wrong("no WebAssembly".to_owned()));
        }
        let invalid = |error: serde_json::Error| ModuleError::Manifest { detail: error.to_string() };
        let json: serde_json::Value = serde_json::from_str(manifest).map_err(invalid)?;
        let text = json.to_string();
        let manifest = read_manifest(&text)?;
        let packed = zstd::bulk::compress(wasm, LEVEL).map_err(|error| wrong(error.to_string()))?;
        let mut version = ModuleVersion {
            digest: sha256_hex(wasm),
            size: wasm.len(),
            stored_size: packed.len(),
            pushed_at: now_ms(),
            signature: None,
            manifest: RawValue::from_string(text).map_err(invalid)?,
        };
        let reference = manifest.reference();
        version.signature = signer.map(|signer| signer.sign(&version.statement(&reference)));
        if let Some(trusted) = trusted {
            trusted.verify(&reference, &version)?;
        }
        Ok(Self { manifest, version, packed })
    }

    /// Its manifest.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }
}

/// All that Redis knew of modules at one moment.
#[derive(Debug, Clone, Default)]
pub struct Modules {
    revision: String,
    records: BTreeMap<String, ModuleRecord>,
    damaged: BTreeMap<String, ModuleError>,
    trials: BTreeMap<String, String>,
}

impl Modules {
    fn from_fields(fields: BTreeMap<Vec<u8>, Vec<u8>>) -> Self {
        let mut modules = Self::default();
        for (field, value) in fields {
            let lossy = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
            let (field, value) = (lossy(field), lossy(value));
            if field == REVISION {
                modules.revision = value;
            } else if field.starts_with('/') {
                modules.trials.insert(field, value);
            } else if modules.records.len() < MAX_NAMES {
                match ModuleRecord::from_stored(&field, &value) {
                    Ok(record) => drop(modules.records.insert(field, record)),
                    Err(error) => drop(modules.damaged.insert(field, error)),
                }
            }
        }
        modules
    }

    /// The records, by name.
    pub fn records(&self) -> &BTreeMap<String, ModuleRecord> {
        &self.records
    }

    /// Records that cannot be read, by name: somebody changed them by hand.
    pub fn damaged(&self) -> &BTreeMap<String, ModuleError> {
        &self.damaged
    }

    /// The record of a name.
    ///
    /// # Errors
    /// [`ModuleError::Unknown`], or what is wrong with the record.
    pub fn record(&self, name: &str) -> Result<&ModuleRecord, ModuleError> {
        if let Some(error) = self.damaged.get(name) {
            return Err(error.clone());
        }
        self.records.get(name).ok_or_else(|| ModuleError::Unknown {
            name: name.chars().take(64).collect(),
            known: self.records.keys().map(String::as_str).collect::<Vec<_>>().join(", "),
        })
    }

    /// What has been counted of a record's canary.
    pub fn trial(&self, record: &ModuleRecord) -> Option<Trial> {
        let canary = record.canary.as_ref()?;
        Trial::from_stored(self.trials.get(&trial_field(&record.name))?, canary.begun)
    }

    fn stored_bytes(&self) -> u64 {
        self.records.values().flat_map(|record| record.versions.values()).map(|v| v.stored_size as u64).sum()
    }

    fn names_blob(&self, digest: &str) -> bool {
        self.records.values().flat_map(|record| record.versions.values()).any(|v| v.digest == digest)
    }

    /// Adds to a catalogue what these records say that jobs get.
    pub fn extend(&self, catalogue: &mut Catalogue) {
        let versions = self.records.values().flat_map(|record| record.versions.values());
        let manifests: Vec<Manifest> = versions.filter_map(|version| version.read_manifest().ok()).collect();
        let routes =
            self.records.iter().map(|(name, record)| (name.clone(), route(record, |_| true))).collect();
        catalogue.deploy(manifests, routes);
    }
}

/// What a record says that jobs get, of the versions that are `usable` (`name@version`).
pub fn route(record: &ModuleRecord, usable: impl Fn(&str) -> bool) -> Route {
    let active = record.active.as_ref().map(|version| record.reference(version)).filter(|one| usable(one));
    let canary = record.canary.as_ref().map(|canary| CanaryRoute {
        reference: record.reference(&canary.version),
        percent: canary.percent,
        begun: canary.begun,
    });
    Route { active, canary: canary.filter(|canary| usable(&canary.reference)) }
}

/// The modules of one fleet in Redis. Cheap to clone.
#[derive(Debug, Clone)]
pub struct ModuleStore {
    link: Link,
    keys: Keys,
    max_bytes: u64,
}

impl ModuleStore {
    /// The modules of the fleet of `config`.
    pub fn new(link: Link, config: &Config) -> Self {
        let keys = Keys::new(config.redis.key_prefix.clone());
        Self { link, keys, max_bytes: config.modules.max_bytes }
    }

    /// Reads all records.
    ///
    /// # Errors
    /// A Redis error.
    pub async fn read(&self) -> Result<Modules, StateError> {
        let command = Cmd::hgetall(self.keys.modules());
        Ok(Modules::from_fields(self.link.query("modules", &command).await?))
    }

    /// Reads all records, unless they are as in `last`.
    ///
    /// # Errors
    /// A Redis error.
    pub async fn read_changed(&self, last: &Modules) -> Result<Option<Modules>, StateError> {
        let command = Cmd::hget(self.keys.modules(), REVISION);
        let revision: Option<Vec<u8>> = self.link.query("modules", &command).await?;
        if revision.unwrap_or_default() == last.revision.as_bytes() {
            return Ok(None);
        }
        self.read().await.map(Some)
    }

    /// Stores a module as a version that jobs get when they name it; `false` when it is there already.
    ///
    /// # Errors
    /// [`ModuleError::VersionTaken`], [`ModuleError::Full`], or a Redis error.
    pub async fn push(&self, module: &NewModule) -> Result<bool, StateError> {
        let NewModule { manifest, version, packed } = module;
        let add =
            |record: &mut ModuleRecord| Ok(record.push(&manifest.version, version.clone())?.then_some(()));
        // What is refused is found before anything is sent.
        self.plan(&self.read().await?, &manifest.name, true, &add)?;
        self.upload(version, packed).await?;
        let added = self.apply(&manifest.name, true, add).await?.is_some();
        let blob = self.keys.module(&version.digest);
        self.link.query::<u8>("module", &Cmd::persist(&blob)).await?;
        if !self.link.query::<bool>("module", &Cmd::exists(&blob)).await? {
            // They were there, and lapsed in between.
            self.link.query::<()>("module", &Cmd::set(&blob, packed)).await?;
        }
        if !added {
            // The same again mends bytes that were damaged: workers shall look at once.
            let announce = Cmd::publish(self.keys.modules_channel(), "");
            self.link.query::<redis::Value>("modules", &announce).await?;
        }
        Ok(added)
    }

    /// Writes a module's bytes, which lapse by themselves unless a record names them already.
    async fn upload(&self, version: &ModuleVersion, packed: &[u8]) -> Result<(), StateError> {
        let mut first = redis::cmd("SET");
        first.arg(self.keys.module(&version.digest)).arg(packed).arg("NX").arg("EX").arg(GRACE.as_secs());
        if self.link.query::<Option<String>>("module", &first).await?.is_none() {
            let mut again = redis::cmd("SET");
            again.arg(self.keys.module(&version.digest)).arg(packed).arg("KEEPTTL");
            self.link.query::<()>("module", &again).await?;
        }
        Ok(())
    }

    /// Removes a version that jobs get only when they name it. Its bytes stay for an hour, for who loads them now.
    ///
    /// # Errors
    /// [`ModuleError::Unknown`], [`ModuleError::UnknownVersion`], [`ModuleError::InUse`], or a Redis error.
    pub async fn remove(&self, name: &str, version: &str) -> Result<(), StateError> {
        let removed = self.change(name, |record| record.remove(version).map(Some)).await?;
        let Some(removed) = removed else { return Ok(()) };
        let blob = self.keys.module(&removed.digest);
        let expire = Cmd::expire(&blob, i64::try_from(GRACE.as_secs()).unwrap_or(i64::MAX));
        self.link.query::<u8>("module", &expire).await?;
        // Another version may have the same bytes, also one that is being pushed now: either this look sees its
        // record, or its push comes after the line above.
        if self.read().await?.names_blob(&removed.digest) {
            self.link.query::<u8>("module", &Cmd::persist(&blob)).await?;
        }
        Ok(())
    }

    /// Changes a name's record by `edit`, which is called again when somebody else was faster, and answers `None`
    /// when there is nothing to change. A record that is left without versions is removed.
    ///
    /// # Errors
    /// [`ModuleError::Unknown`], what `edit` says, [`ModuleError::Contended`], or a Redis error.
    pub async fn change<T>(
        &self,
        name: &str,
        edit: impl Fn(&mut ModuleRecord) -> Result<Option<T>, ModuleError>,
    ) -> Result<Option<T>, StateError> {
        self.apply(name, false, edit).await
    }

    /// As [`ModuleStore::change`]; with `create` also a name that has no record yet.
    async fn apply<T>(
        &self,
        name: &str,
        create: bool,
        edit: impl Fn(&mut ModuleRecord) -> Result<Option<T>, ModuleError>,
    ) -> Result<Option<T>, StateError> {
        for _ in 0..TRIES {
            let before = self.read().await?;
            let Some((done, fields)) = self.plan(&before, name, create, &edit)? else { return Ok(None) };
            let mut call = CHANGE.prepare_invoke();
            call.key(self.keys.modules()).arg(&before.revision).arg(new_revision());
            call.arg(self.keys.modules_channel()).arg(&fields);
            if self.link.script::<u8>("modules_change", &call).await? == 1 {
                return Ok(Some(done));
            }
            tokio::time::sleep(Duration::from_millis(rand::random_range(1..=20))).await;
        }
        Err(ModuleError::Contended.into())
    }

    /// What a change comes to: its result, and the fields to write.
    fn plan<T>(
        &self,
        before: &Modules,
        name: &str,
        create: bool,
        edit: &impl Fn(&mut ModuleRecord) -> Result<Option<T>, ModuleError>,
    ) -> Result<Option<(T, Fields)>, ModuleError> {
        let old = match before.record(name) {
            Ok(record) => record.clone(),
            Err(ModuleError::Unknown { .. }) if create => ModuleRecord::new(name),
            Err(error) => return Err(error),
        };
        let mut new = old.clone();
        let Some(done) = edit(&mut new)? else { return Ok(None) };
        if new.versions.len() > old.versions.len() {
            self.check_room(before, &new)?;
        }
        let text = if new.versions.is_empty() { String::new() } else { new.to_stored() };
        let mut fields = vec![(name.to_owned(), text)];
        let begun = |record: &ModuleRecord| record.canary.as_ref().map(|canary| canary.begun);
        if begun(&old) != begun(&new) {
            let fresh = begun(&new).map(|begun| Trial::default().to_stored(begun));
            fields.push((trial_field(name), fresh.unwrap_or_default()));
        }
        Ok(Some((done, fields)))
    }

    fn check_room(&self, before: &Modules, new: &ModuleRecord) -> Result<(), ModuleError> {
        let names = before.records.len() + before.damaged.len();
        if !before.records.contains_key(&new.name) && names >= MAX_NAMES {
            return Err(ModuleError::Full { what: format!("there are {names} modules") });
        }
        let own = |record: &ModuleRecord| record.versions.values().map(|v| v.stored_size as u64).sum::<u64>();
        let bytes = before.stored_bytes() - before.records.get(&new.name).map_or(0, own) + own(new);
        if bytes > self.max_bytes {
            let most = self.max_bytes;
            let what = format!("all modules would have {bytes} bytes of {most} (modules.maxBytes)");
            return Err(ModuleError::Full { what });
        }
        Ok(())
    }

    /// A version's module, once it is known to be what was pushed and, where keys are `trusted`, signed by one of them.
    ///
    /// # Errors
    /// [`ModuleError::Untrusted`], [`ModuleError::Damaged`] when its bytes are not there or others, or a Redis error.
    pub async fn load(
        &self,
        reference: &str,
        version: &ModuleVersion,
        trusted: Option<&TrustedKeys>,
    ) -> Result<Vec<u8>, StateError> {
        if let Some(trusted) = trusted {
            trusted.verify(reference, version)?;
        }
        let (packed, one) = (self.fetch(version).await?, version.clone());
        let unpacked = tokio::task::spawn_blocking(move || unpack(&one, &packed)).await;
        let failed = |error| ModuleError::Damaged {
            digest: version.digest.clone(),
            detail: format!("unpacking it failed: {error}"),
        };
        Ok(unpacked.map_err(failed)??)
    }

    /// The compressed bytes of a version, as they are there.
    async fn fetch(&self, version: &ModuleVersion) -> Result<Vec<u8>, StateError> {
        let blob = self.keys.module(&version.digest);
        let mut packed: Vec<u8> = Vec::with_capacity(version.stored_size);
        while packed.len() < version.stored_size {
            let end = (packed.len() + CHUNK).min(version.stored_size) - 1;
            let mut command = redis::cmd("GETRANGE");
            command.arg(&blob).arg(packed.len()).arg(end);
            let chunk: Vec<u8> = self.link.query("module", &command).await?;
            if chunk.is_empty() {
                let detail = format!("{} of its {} bytes are in Redis", packed.len(), version.stored_size);
                return Err(ModuleError::Damaged { digest: version.digest.clone(), detail }.into());
            }
            packed.extend(chunk);
        }
        Ok(packed)
    }

    /// Adds to what the fleet has counted of the canary that began with `begun`; the sums, or `None` when it is over.
    ///
    /// # Errors
    /// A Redis error.
    pub async fn count(&self, name: &str, begun: u64, trial: &Trial) -> Result<Option<Trial>, StateError> {
        let mut call = COUNT.prepare_invoke();
        call.key(self.keys.modules()).arg(trial_field(name)).arg(begun).arg(&trial.numbers()[..]);
        let text: String = self.link.script("modules_count", &call).await?;
        Ok(Trial::from_stored(&text, begun))
    }

    /// Calls `changed` when modules may have changed, and once when it begins to listen. Returns when the
    /// subscription ends; what is announced until the next call is missed.
    ///
    /// # Errors
    /// A Redis error.
    pub async fn listen(&self, mut changed: impl FnMut()) -> Result<(), StateError> {
        let mut subscriber = self.link.subscriber().await?;
        let channel = self.keys.modules_channel();
        let subscribed = subscriber.subscribe(channel).await;
        subscribed.map_err(|error| QueueError::Unreachable { detail: error.to_string() })?;
        changed();
        let mut messages = subscriber.on_message();
        while messages.next().await.is_some() {
            changed();
        }
        Ok(())
    }
}

/// The module in what [`ModuleStore::fetch`] brought.
fn unpack(version: &ModuleVersion, packed: &[u8]) -> Result<Vec<u8>, ModuleError> {
    let damaged = |detail: String| ModuleError::Damaged { digest: version.digest.clone(), detail };
    let wasm = zstd::bulk::decompress(packed, version.size)
        .map_err(|error| damaged(format!("its bytes in Redis cannot be unpacked ({error})")))?;
    let found = sha256_hex(&wasm);
    if found != version.digest {
        return Err(damaged(format!("its bytes in Redis have the digest {found}")));
    }
    Ok(wasm)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = r#"{ "name": "m", "version": "1.0.0" }"#;

    fn wasm() -> Vec<u8> {
        [WASM_MAGIC, &[7; 100_000]].concat()
    }

    #[test]
    fn a_module_comes_back_as_it_was_pushed() {
        let module = NewModule::prepare(&wasm(), MANIFEST, None, None).unwrap();
        assert_eq!(module.version.manifest.get(), r#"{"name":"m","version":"1.0.0"}"#);
        assert!(module.packed.len() < 1000);
        assert_eq!(unpack(&module.version, &module.packed).unwrap(), wasm());
        let mut other = module.version.clone();
        other.digest = "0".repeat(64);
        assert!(unpack(&other, &module.packed).unwrap_err().to_string().contains(&module.version.digest));
        other.size = 1000;
        assert_eq!(
            unpack(&other, &module.packed).unwrap_err().code(),
            "module_damaged",
            "unfolds beyond its size"
        );
        assert!(unpack(&module.version, &module.packed[..20]).is_err());
    }

    #[test]
    fn what_is_no_module_is_refused_before_it_is_sent() {
        let code =
            |wasm: &[u8], manifest: &str| NewModule::prepare(wasm, manifest, None, None).unwrap_err().code();
        assert_eq!(code(b"text", MANIFEST), "module_not_wasm");
        assert_eq!(code(&wasm(), "{"), "module_manifest_invalid");
        assert_eq!(code(&wasm(), r#"{"name":"m","version":"1"}"#), "module_manifest_invalid");
        assert_eq!(code(&wasm(), r#"{"name":"m/n","version":"1.0.0"}"#), "module_manifest_invalid");
        let large = format!(r#"{{"name":"m","version":"1.0.0","description":"{}"}}"#, "x".repeat(40_000));
        assert_eq!(code(&wasm(), &large), "module_manifest_invalid");
    }
}
