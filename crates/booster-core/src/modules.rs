//! Modules that are kept in Redis: one record for each name, with its versions and which of them jobs get.
//!
//! Everything here is a plain value. `booster-state` stores records and changes them atomically; workers load the
//! versions and route jobs by what a record says.

use std::collections::BTreeMap;

use semver::Version;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use crate::digest::sha256_hex;

use crate::UnixMillis;
use crate::manifest::Manifest;

/// Largest module, in bytes, as it is loaded (128 MiB).
pub const MAX_MODULE_BYTES: usize = 128 * 1024 * 1024;
/// Largest manifest of a module in Redis, bytes of JSON: it stands in the name's record.
pub const MAX_MANIFEST_BYTES: usize = 32 * 1024;
/// Most names in Redis.
pub const MAX_NAMES: usize = 64;
/// Most versions of one name: every worker loads all of them.
pub const MAX_VERSIONS: usize = 8;

/// Why something cannot be done with a module.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ModuleError {
    /// The module's file is no WebAssembly, or too large.
    #[error("the module is {found}; expected {expected}")]
    Wasm {
        /// What it is.
        found: String,
        /// What would be right.
        expected: String,
    },
    /// The manifest cannot be used.
    #[error("the manifest is not valid: {detail}")]
    Manifest {
        /// What is wrong and what would be right.
        detail: String,
    },
    /// A version is there already, with other content.
    #[error(
        "{reference} is there already with other content; a version never changes: push it as another version, or \
         remove that one first"
    )]
    VersionTaken {
        /// `name@version`.
        reference: String,
    },
    /// There are as many modules as there may be.
    #[error("{what}, which is the most; remove one first (`booster module rm NAME@VERSION`)")]
    Full {
        /// What there are.
        what: String,
    },
    /// A text that names no version.
    #[error("`{found}`: expected NAME@VERSION, such as apply@1.2.0")]
    Reference {
        /// The text.
        found: String,
    },
    /// No module of this name is kept in Redis.
    #[error("no module `{name}` is kept in Redis; known: {known}")]
    Unknown {
        /// The name.
        name: String,
        /// The names that there are.
        known: String,
    },
    /// The module has no such version.
    #[error("module `{name}` has no version {version}; it has {known}")]
    UnknownVersion {
        /// The module.
        name: String,
        /// The version.
        version: String,
        /// The versions that there are.
        known: String,
    },
    /// A version that jobs get cannot be removed.
    #[error("{reference} is {state}; promote another version or roll back first")]
    InUse {
        /// `name@version`.
        reference: String,
        /// `active` or `the canary`.
        state: &'static str,
    },
    /// The share of jobs for a canary is no percentage.
    #[error("canary {percent}: expected a whole percentage from 1 to 99")]
    Percent {
        /// What was given.
        percent: u8,
    },
    /// A canary needs a version that the other jobs get.
    #[error("no version of `{name}` is active: nothing to compare a canary with; promote it instead")]
    NothingActive {
        /// The module.
        name: String,
    },
    /// Neither a canary runs, nor was a version promoted since the last rollback.
    #[error("module `{name}` has nothing to roll back: no canary, and no promotion since the last rollback")]
    NothingToRollBack {
        /// The module.
        name: String,
    },
    /// Workers have not loaded the version, so nothing was changed.
    #[error("{reference} is not loaded by every worker, so nothing was changed: {detail}")]
    NotLoaded {
        /// `name@version`.
        reference: String,
        /// Which workers, and why.
        detail: String,
    },
    /// Trusted keys are configured, and the version has no signature of any of them.
    #[error("{reference} {detail}; modules.trustedKeys admits only modules signed with one of its keys")]
    Untrusted {
        /// `name@version`.
        reference: String,
        /// What is wrong with its signature.
        detail: &'static str,
    },
    /// A key file cannot be used.
    #[error("{path}: {detail}")]
    Key {
        /// The file.
        path: String,
        /// What is wrong and what would be right.
        detail: String,
    },
    /// What Redis has under the digest is not what was pushed.
    #[error("module {digest}: {detail}; push it again")]
    Damaged {
        /// The digest, or the name whose record is damaged.
        digest: String,
        /// What is wrong.
        detail: String,
    },
    /// Others changed modules again and again in the meantime.
    #[error("modules were changed by others again and again meanwhile; try again")]
    Contended,
}

impl ModuleError {
    /// A stable, machine-readable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Wasm { .. } => "module_not_wasm",
            Self::Manifest { .. } => "module_manifest_invalid",
            Self::VersionTaken { .. } => "module_version_taken",
            Self::Full { .. } => "modules_full",
            Self::Reference { .. } => "module_reference_invalid",
            Self::Unknown { .. } => "module_unknown",
            Self::UnknownVersion { .. } => "module_version_unknown",
            Self::InUse { .. } => "module_in_use",
            Self::Percent { .. } => "module_canary_invalid",
            Self::NothingActive { .. } => "module_nothing_active",
            Self::NothingToRollBack { .. } => "module_nothing_to_roll_back",
            Self::NotLoaded { .. } => "module_not_loaded",
            Self::Untrusted { .. } => "module_untrusted",
            Self::Key { .. } => "module_key_invalid",
            Self::Damaged { .. } => "module_damaged",
            Self::Contended => "modules_contended",
        }
    }

    /// Whether the same call may succeed later.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Contended)
    }
}

/// `name@version` in its two parts.
///
/// # Errors
/// [`ModuleError::Reference`].
pub fn split_reference(reference: &str) -> Result<(&str, &str), ModuleError> {
    let wrong = || ModuleError::Reference { found: reference.chars().take(128).collect() };
    reference
        .split_once('@')
        .filter(|(name, version)| !name.is_empty() && !version.is_empty())
        .ok_or_else(wrong)
}

/// One version of a module.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ModuleVersion {
    /// SHA-256 of the module, in hexadecimal: the name of its blob.
    pub digest: String,
    /// Bytes of the module.
    pub size: usize,
    /// Bytes of its compressed form in Redis.
    pub stored_size: usize,
    /// When it was pushed.
    pub pushed_at: UnixMillis,
    /// Ed25519 signature of [`statement`], in hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
    /// The manifest as it was pushed, without white space.
    pub manifest: Box<RawValue>,
}

impl ModuleVersion {
    /// The manifest.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read_manifest(&self) -> Result<Manifest, ModuleError> {
        read_manifest(self.manifest.get())
    }

    /// What tells this version from every other: [`statement`] of its content.
    pub fn statement(&self, reference: &str) -> String {
        statement(reference, &self.digest, self.manifest.get())
    }

    fn check(&self, name: &str, version: &str) -> Result<(), String> {
        if self.digest.len() != 64 || !self.digest.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(format!("version {version}: its digest is no SHA-256 in hexadecimal"));
        }
        if self.size > MAX_MODULE_BYTES || self.stored_size > MAX_MODULE_BYTES {
            return Err(format!("version {version}: larger than {MAX_MODULE_BYTES} bytes"));
        }
        let manifest = self.read_manifest().map_err(|error| format!("version {version}: {error}"))?;
        if (manifest.name.as_str(), manifest.version.as_str()) != (name, version) {
            return Err(format!("version {version}: its manifest is that of {}", manifest.reference()));
        }
        Ok(())
    }
}

/// A manifest from its JSON text.
///
/// # Errors
/// [`ModuleError::Manifest`].
pub fn read_manifest(text: &str) -> Result<Manifest, ModuleError> {
    if text.len() > MAX_MANIFEST_BYTES {
        let detail = format!("{} bytes; at most {MAX_MANIFEST_BYTES} are kept", text.len());
        return Err(ModuleError::Manifest { detail });
    }
    let manifest: Manifest =
        serde_json::from_str(text).map_err(|error| ModuleError::Manifest { detail: error.to_string() })?;
    manifest.validate().map_err(|detail| ModuleError::Manifest { detail })?;
    Ok(manifest)
}

/// What a signature of a module signs: its name and version, its content and its manifest. A signed module can
/// therefore be passed off neither as another version nor with another manifest.
pub fn statement(reference: &str, digest: &str, manifest: &str) -> String {
    format!(
        "booster-module 1\n{reference}\nmodule sha256 {digest}\nmanifest sha256 {}\n",
        sha256_hex(manifest)
    )
}

/// A version that gets a share of the jobs until it is promoted or rolled back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Canary {
    /// The version.
    pub version: String,
    /// Its share of the jobs, per cent.
    pub percent: u8,
    /// Since when.
    pub since: UnixMillis,
    /// The record's revision with which it began: what is counted of an earlier canary does not count for it.
    pub begun: u64,
}

/// What was active before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Previous {
    /// The version; `None` for what the workers' directories have.
    pub version: Option<String>,
}

/// What is remembered of the last rollback.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rollback {
    /// The version that was taken back.
    pub version: String,
    /// When.
    pub at: UnixMillis,
    /// Why, when a worker did it; absent when an operator did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// All that is known of one name.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ModuleRecord {
    /// The module's name.
    #[serde(default)]
    pub name: String,
    /// Grows with every change.
    #[serde(default)]
    pub revision: u64,
    /// Its versions.
    #[serde(default)]
    pub versions: BTreeMap<String, ModuleVersion>,
    /// The version that jobs get; `None` for what the workers' directories have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active: Option<String>,
    /// What a rollback returns to; `None` when nothing was promoted since the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Previous>,
    /// The version on trial.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canary: Option<Canary>,
    /// The last rollback.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rolled_back: Option<Rollback>,
}

/// Which jobs get a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VersionState {
    /// All that name no version, but for the canary's.
    Active,
    /// A share of them, per cent.
    Canary(u8),
    /// Those that name it.
    Stored,
}

impl VersionState {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Canary(_) => "canary",
            Self::Stored => "stored",
        }
    }
}

impl ModuleRecord {
    /// A record without versions.
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    /// Reads a record of `name` as it is stored, and checks all that loaders rely on.
    ///
    /// # Errors
    /// [`ModuleError::Damaged`] with what is wrong: somebody changed it by hand.
    pub fn from_stored(name: &str, text: &str) -> Result<Self, ModuleError> {
        let damaged = |detail: String| ModuleError::Damaged { digest: format!("record `{name}`"), detail };
        let mut record: Self = serde_json::from_str(text).map_err(|error| damaged(error.to_string()))?;
        record.name = name.to_owned();
        if record.versions.len() > MAX_VERSIONS {
            return Err(damaged(format!("{} versions; at most {MAX_VERSIONS}", record.versions.len())));
        }
        for (version, stored) in &record.versions {
            stored.check(name, version).map_err(damaged)?;
        }
        let named = record.active.iter().chain(record.canary.iter().map(|canary| &canary.version));
        if let Some(missing) = named.into_iter().find(|version| !record.versions.contains_key(*version)) {
            return Err(damaged(format!("version {missing} is to run and is not there")));
        }
        Ok(record)
    }

    /// The text to store.
    pub fn to_stored(&self) -> String {
        // Texts, numbers and JSON that was read: serialising them cannot fail.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// `name@version` of one of its versions.
    pub fn reference(&self, version: &str) -> String {
        format!("{}@{version}", self.name)
    }

    /// One of its versions.
    ///
    /// # Errors
    /// [`ModuleError::UnknownVersion`].
    pub fn version(&self, version: &str) -> Result<&ModuleVersion, ModuleError> {
        self.versions.get(version).ok_or_else(|| ModuleError::UnknownVersion {
            name: self.name.clone(),
            version: version.chars().take(64).collect(),
            known: self.versions.keys().map(String::as_str).collect::<Vec<_>>().join(", "),
        })
    }

    /// Which jobs get a version.
    pub fn state(&self, version: &str) -> VersionState {
        match &self.canary {
            _ if self.active.as_deref() == Some(version) => VersionState::Active,
            Some(canary) if canary.version == version => VersionState::Canary(canary.percent),
            _ => VersionState::Stored,
        }
    }

    /// Its versions, the greatest first.
    pub fn newest_first(&self) -> Vec<&String> {
        let mut versions: Vec<&String> = self.versions.keys().collect();
        versions.sort_by_cached_key(|version| std::cmp::Reverse(Version::parse(version).ok()));
        versions
    }

    /// Adds a version; `false` when it is there already.
    ///
    /// # Errors
    /// [`ModuleError::VersionTaken`] when it is there with other content, [`ModuleError::Full`].
    pub fn push(&mut self, version: &str, new: ModuleVersion) -> Result<bool, ModuleError> {
        let reference = self.reference(version);
        if let Some(known) = self.versions.get_mut(version) {
            if known.statement(&reference) != new.statement(&reference) {
                return Err(ModuleError::VersionTaken { reference });
            }
            // The same again may bring the signature that was missing.
            let signs = new.signature.is_some() && new.signature != known.signature;
            if signs {
                known.signature = new.signature;
                self.revision += 1;
            }
            return Ok(signs);
        }
        if self.versions.len() >= MAX_VERSIONS {
            return Err(ModuleError::Full { what: format!("`{}` has {MAX_VERSIONS} versions", self.name) });
        }
        self.versions.insert(version.to_owned(), new);
        self.revision += 1;
        Ok(true)
    }

    /// Makes a version the one that jobs get, and ends any canary; `false` when nothing changes by it.
    ///
    /// # Errors
    /// [`ModuleError::UnknownVersion`].
    pub fn promote(&mut self, version: &str) -> Result<bool, ModuleError> {
        self.version(version)?;
        let is_active = self.active.as_deref() == Some(version);
        if is_active && self.canary.is_none() {
            return Ok(false);
        }
        if !is_active {
            self.previous = Some(Previous { version: self.active.replace(version.to_owned()) });
        }
        self.canary = None;
        self.revision += 1;
        Ok(true)
    }

    /// Gives a version a share of the jobs, in place of any other canary; `false` when it has that share.
    ///
    /// # Errors
    /// [`ModuleError::UnknownVersion`], [`ModuleError::Percent`], or [`ModuleError::InUse`] when it is active.
    pub fn start_canary(&mut self, version: &str, percent: u8, now: UnixMillis) -> Result<bool, ModuleError> {
        self.version(version)?;
        if !(1..=99).contains(&percent) {
            return Err(ModuleError::Percent { percent });
        }
        if self.active.as_deref() == Some(version) {
            return Err(ModuleError::InUse { reference: self.reference(version), state: "active" });
        }
        let same = |canary: &Canary| canary.version == version && canary.percent == percent;
        if self.canary.as_ref().is_some_and(same) {
            return Ok(false);
        }
        self.revision += 1;
        let (version, begun) = (version.to_owned(), self.revision);
        self.canary = Some(Canary { version, percent, since: now, begun });
        Ok(true)
    }

    /// Ends the canary; where there is none, returns to what was active before the last promotion. The version that
    /// was taken back.
    ///
    /// # Errors
    /// [`ModuleError::NothingToRollBack`].
    pub fn roll_back(&mut self, now: UnixMillis, reason: Option<String>) -> Result<String, ModuleError> {
        let nothing = || ModuleError::NothingToRollBack { name: self.name.clone() };
        let version = match self.canary.take() {
            Some(canary) => canary.version,
            None => {
                let previous = self.previous.take().ok_or_else(nothing)?;
                // What has been removed meanwhile cannot come back.
                let back = previous.version.filter(|version| self.versions.contains_key(version));
                std::mem::replace(&mut self.active, back).unwrap_or_default()
            }
        };
        self.rolled_back = Some(Rollback { version: version.clone(), at: now, reason });
        self.revision += 1;
        Ok(version)
    }

    /// Removes a version that no job gets but those that name it.
    ///
    /// # Errors
    /// [`ModuleError::UnknownVersion`] or [`ModuleError::InUse`].
    pub fn remove(&mut self, version: &str) -> Result<ModuleVersion, ModuleError> {
        self.version(version)?;
        let in_use = match self.state(version) {
            VersionState::Active => Some("active"),
            VersionState::Canary(_) => Some("the canary"),
            VersionState::Stored => None,
        };
        if let Some(state) = in_use {
            return Err(ModuleError::InUse { reference: self.reference(version), state });
        }
        if self.previous.as_ref().is_some_and(|previous| previous.version.as_deref() == Some(version)) {
            self.previous = None;
        }
        let removed = self.versions.remove(version);
        self.revision += 1;
        removed.ok_or_else(|| ModuleError::Unknown { name: self.name.clone(), known: String::new() })
    }
}

/// Whether a canary with this share gets a job. The same job always gets the same answer, and a greater share keeps
/// the jobs of a smaller one: the first eight bytes of the SHA-256 of the id, as a big-endian number, modulo 100,
/// are less than the percentage.
pub fn takes_canary(job_id: &str, percent: u8) -> bool {
    let mut first = [0; 8];
    first.copy_from_slice(&Sha256::digest(job_id)[..8]);
    u64::from_be_bytes(first) % 100 < u64::from(percent)
}

/// Attempts of one version, and how many failed (trap, timeout, memory, panic).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Tally {
    /// Attempts that ended.
    pub attempts: u64,
    /// Those that failed.
    pub failed: u64,
}

impl Tally {
    /// Notes an attempt.
    pub fn note(&mut self, failed: bool) {
        self.attempts += 1;
        self.failed += u64::from(failed);
    }

    fn percent(self) -> f64 {
        if self.attempts == 0 { 0.0 } else { self.failed as f64 * 100.0 / self.attempts as f64 }
    }
}

/// What is counted while a canary runs, over the whole fleet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Trial {
    /// The canary's.
    pub canary: Tally,
    /// Those of the version that the other jobs get.
    pub active: Tally,
}

impl Trial {
    /// Why the canary is to be rolled back: over at least `least` attempts its share of failed ones is greater than
    /// that of the other version by more than `margin` percentage points.
    pub fn verdict(&self, least: u64, margin: f64) -> Option<String> {
        let (canary, active) = (self.canary.percent(), self.active.percent());
        (self.canary.attempts >= least.max(1) && canary > active + margin).then(|| {
            format!(
                "{canary:.0} % of {} attempts failed, of the active version {active:.0} % of {}",
                self.canary.attempts, self.active.attempts
            )
        })
    }

    /// The text that the counting script keeps for the canary that began with revision `begun`.
    pub fn to_stored(&self, begun: u64) -> String {
        let [a, b, c, d] = self.numbers();
        format!("{begun} {a} {b} {c} {d}")
    }

    /// Reads [`Trial::to_stored`]; `None` when it is of another canary, or damaged.
    pub fn from_stored(text: &str, begun: u64) -> Option<Self> {
        let numbers: Vec<u64> = text.split(' ').map(|word| word.parse().ok()).collect::<Option<_>>()?;
        let [of, attempts, failed, others, others_failed] = numbers[..] else { return None };
        (of == begun).then_some(Self {
            canary: Tally { attempts, failed },
            active: Tally { attempts: others, failed: others_failed },
        })
    }

    /// The canary's attempts and failures, and the other version's.
    pub fn numbers(&self) -> [u64; 4] {
        [self.canary.attempts, self.canary.failed, self.active.attempts, self.active.failed]
    }

    /// Adds what was counted elsewhere.
    pub fn add(&mut self, other: &Self) {
        self.canary.attempts += other.canary.attempts;
        self.canary.failed += other.canary.failed;
        self.active.attempts += other.active.attempts;
        self.active.failed += other.active.failed;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(digest: char, manifest: &str) -> ModuleVersion {
        ModuleVersion {
            digest: digest.to_string().repeat(64),
            size: 10,
            stored_size: 5,
            pushed_at: 1,
            signature: None,
            manifest: RawValue::from_string(manifest.to_owned()).unwrap(),
        }
    }

    fn record(versions: &[&str]) -> ModuleRecord {
        let mut record = ModuleRecord::new("m");
        for name in versions {
            let manifest = format!(r#"{{"name":"m","version":"{name}"}}"#);
            assert!(record.push(name, version('a', &manifest)).unwrap());
        }
        record
    }

    #[test]
    fn a_version_never_changes_but_may_be_signed_later() {
        let mut record = record(&["1.0.0"]);
        let manifest = r#"{"name":"m","version":"1.0.0"}"#;
        assert!(!record.push("1.0.0", version('a', manifest)).unwrap());
        let other = record.push("1.0.0", version('b', manifest)).unwrap_err();
        assert_eq!(other.code(), "module_version_taken");
        let manifest = r#"{"name":"m","version":"1.0.0","isolation":"reuse"}"#;
        assert_eq!(record.push("1.0.0", version('a', manifest)).unwrap_err().code(), "module_version_taken");
        let mut signed = version('a', r#"{"name":"m","version":"1.0.0"}"#);
        signed.signature = Some("00".into());
        assert!(record.push("1.0.0", signed).unwrap());
        assert_eq!(record.versions["1.0.0"].signature.as_deref(), Some("00"));
    }

    #[test]
    fn a_rollback_returns_once_to_what_was_before() {
        let mut record = record(&["1.0.0", "2.0.0", "3.0.0"]);
        assert_eq!(record.roll_back(5, None).unwrap_err().code(), "module_nothing_to_roll_back");
        assert!(record.promote("1.0.0").unwrap());
        assert!(record.promote("2.0.0").unwrap());
        assert!(!record.promote("2.0.0").unwrap(), "it is active");
        assert_eq!(record.roll_back(5, None).unwrap(), "2.0.0");
        assert_eq!(record.active.as_deref(), Some("1.0.0"));
        assert_eq!(record.roll_back(5, None).unwrap_err().code(), "module_nothing_to_roll_back");
        // Before the first promotion the directories' version ran.
        let mut first = self::record(&["1.0.0"]);
        first.promote("1.0.0").unwrap();
        assert_eq!((first.roll_back(5, None).unwrap().as_str(), &first.active), ("1.0.0", &None));
    }

    #[test]
    fn a_canary_is_rolled_back_alone() {
        let mut record = record(&["1.0.0", "2.0.0"]);
        record.promote("1.0.0").unwrap();
        assert_eq!(record.start_canary("1.0.0", 10, 5).unwrap_err().code(), "module_in_use");
        assert_eq!(record.start_canary("2.0.0", 100, 5).unwrap_err().code(), "module_canary_invalid");
        assert!(record.start_canary("2.0.0", 10, 5).unwrap());
        assert!(!record.start_canary("2.0.0", 10, 6).unwrap());
        assert_eq!(record.state("2.0.0"), VersionState::Canary(10));
        assert_eq!(record.remove("2.0.0").unwrap_err().code(), "module_in_use");
        assert_eq!(record.roll_back(7, Some("bad".into())).unwrap(), "2.0.0");
        assert_eq!((record.active.as_deref(), record.canary.as_ref()), (Some("1.0.0"), None));
        record.start_canary("2.0.0", 10, 8).unwrap();
        record.promote("2.0.0").unwrap();
        assert!(record.canary.is_none());
        assert_eq!(record.roll_back(9, None).unwrap(), "2.0.0");
        assert_eq!(record.active.as_deref(), Some("1.0.0"));
        record.remove("2.0.0").unwrap();
        assert_eq!(record.remove("1.0.0").unwrap_err().code(), "module_in_use");
    }

    #[test]
    fn what_was_removed_does_not_come_back_by_a_rollback() {
        let mut record = record(&["1.0.0", "2.0.0"]);
        record.promote("1.0.0").unwrap();
        record.promote("2.0.0").unwrap();
        record.remove("1.0.0").unwrap();
        assert_eq!(record.roll_back(5, None).unwrap_err().code(), "module_nothing_to_roll_back");
    }

    #[test]
    fn a_name_has_a_bounded_number_of_versions() {
        let versions: Vec<String> = (0..MAX_VERSIONS).map(|n| format!("1.{n}.0")).collect();
        let mut record = record(&versions.iter().map(String::as_str).collect::<Vec<_>>());
        let manifest = r#"{"name":"m","version":"2.0.0"}"#;
        assert_eq!(record.push("2.0.0", version('a', manifest)).unwrap_err().code(), "modules_full");
        record.remove("1.0.0").unwrap();
        assert!(record.push("2.0.0", version('a', manifest)).unwrap());
        assert_eq!(record.newest_first()[0], "2.0.0");
    }

    #[test]
    fn a_record_is_read_back_and_one_of_another_writer_too() {
        let mut record = record(&["1.0.0"]);
        record.promote("1.0.0").unwrap();
        let text = record.to_stored();
        assert_eq!(ModuleRecord::from_stored("m", &text).unwrap().to_stored(), text);
        // The smallest form, and fields that this version does not know.
        let read = ModuleRecord::from_stored("m", r#"{"later":1}"#).unwrap();
        assert!(read.versions.is_empty() && read.active.is_none());
        for damaged in [
            "nonsense",
            r#"{"active":"1.0.0"}"#,
            &text.replace(&"a".repeat(64), "../x"),
            &text.replace(r#""size":10"#, r#""size":999999999"#),
            &text.replace(r#""name":"m","version""#, r#""name":"n","version""#),
        ] {
            let error = ModuleRecord::from_stored("m", damaged).unwrap_err();
            assert_eq!(error.code(), "module_damaged", "{damaged}");
        }
    }

    #[test]
    fn a_signature_covers_name_version_content_and_manifest() {
        let base = statement("m@1.0.0", "d", "{}");
        for other in [
            statement("m@1.0.1", "d", "{}"),
            statement("m@1.0.0", "e", "{}"),
            statement("m@1.0.0", "d", "{ }"),
        ] {
            assert_ne!(base, other);
        }
        assert!(
            base.starts_with("booster-module 1\nm@1.0.0\nmodule sha256 d\nmanifest sha256 44136fa355b3678a")
        );
    }

    #[test]
    fn a_canary_gets_its_share_and_always_the_same_jobs() {
        let ids: Vec<String> = (0..10_000).map(|n| format!("job-{n}")).collect();
        let of = |percent| ids.iter().filter(|id| takes_canary(id, percent)).count();
        assert!((900..1100).contains(&of(10)), "{}", of(10));
        assert!(ids.iter().all(|id| !takes_canary(id, 10) || takes_canary(id, 30)));
        // Fixed for ever: workers of different versions have to agree.
        let first: Vec<bool> = (0..8).map(|n| takes_canary(&format!("job-{n}"), 30)).collect();
        assert_eq!(first, [false, true, true, true, false, false, false, true]);
    }

    #[test]
    fn a_canary_is_judged_by_its_share_of_failures() {
        let trial = |attempts, failed, others, others_failed| Trial {
            canary: Tally { attempts, failed },
            active: Tally { attempts: others, failed: others_failed },
        };
        assert_eq!(trial(19, 19, 100, 0).verdict(20, 10.0), None, "too few");
        assert_eq!(trial(20, 2, 100, 0).verdict(20, 10.0), None, "within the margin");
        assert!(trial(20, 3, 100, 0).verdict(20, 10.0).unwrap().contains("15 % of 20"));
        assert_eq!(trial(20, 10, 100, 45).verdict(20, 10.0), None, "the inputs are bad");
        assert!(trial(1, 1, 0, 0).verdict(0, 10.0).is_some());
        let read = Trial::from_stored(&trial(4, 3, 2, 1).to_stored(7), 7);
        assert_eq!(read, Some(trial(4, 3, 2, 1)));
        assert_eq!(Trial::from_stored("7 4 3 2 1", 8), None);
        assert_eq!(Trial::from_stored("7 4 3 x 1", 7), None);
    }
}
