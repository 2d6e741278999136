//! Booster manifests and the catalogue of the boosters that a fleet knows.

use std::collections::{BTreeMap, BTreeSet};

use semver::Version;
use serde::{Deserialize, Serialize};

use crate::job::{Job, JobError, Target};
use crate::modules::takes_canary;

/// The capability that every booster has.
pub const EVERY_BOOSTER: &str = "wasm-acceleration";

/// What a booster says of itself, kept beside its module and in Redis.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// The booster's name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// One sentence for people.
    #[serde(default)]
    pub description: String,
    /// What it can be asked for by capability.
    #[serde(default)]
    pub capabilities: Vec<String>,
    /// The languages it accepts in its input's `language` field, aliases included; empty means it does not say.
    #[serde(default)]
    pub languages: Vec<String>,
    /// Inputs that are run before the module's start image is taken, so that every instance starts warm.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warm_up: Vec<serde_json::Value>,
    /// The input with which health checks try it; the first warm-up input when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canary: Option<serde_json::Value>,
    /// Whether each job gets an instance of its own.
    #[serde(default)]
    pub isolation: Isolation,
    /// Whether its outcomes are kept for later jobs with the same input, where a job does not say.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cache: bool,
}

/// How long an instance of a booster lives.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Isolation {
    /// One job: nothing of another can be seen.
    #[default]
    Fresh,
    /// Many jobs, until one fails: faster for a module whose start is slow and cannot be snapshotted, and only for
    /// one that may be trusted with all of them.
    Reuse,
}

impl Manifest {
    /// Whether name and version can be written into keys, labels and jobs.
    ///
    /// # Errors
    /// What is wrong and what would be right.
    pub fn validate(&self) -> Result<(), String> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
        if self.name.is_empty() || self.name.len() > 64 || !self.name.bytes().all(plain) {
            return Err(format!("name `{}`: expected 1 to 64 characters of A-Z a-z 0-9 . _ -", self.name));
        }
        if self.cache && self.isolation == Isolation::Reuse {
            return Err(
                "`cache`: an instance that sees many jobs may answer the same input differently; expected \
                        `isolation` to be fresh, or no `cache`"
                    .to_owned(),
            );
        }
        match Version::parse(&self.version) {
            Ok(_) if self.version.len() <= 48 => Ok(()),
            _ => Err(format!("version `{}`: expected a semantic version such as 1.0.0", self.version)),
        }
    }

    /// `name@version`, which names the booster exactly.
    pub fn reference(&self) -> String {
        format!("{}@{}", self.name, self.version)
    }

    /// Whether it can be asked for by this capability.
    pub fn declares(&self, capability: &str) -> bool {
        capability == EVERY_BOOSTER || self.capabilities.iter().any(|declared| declared == capability)
    }
}

/// Which version of a booster jobs get that name none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Route {
    /// The active version, as `name@version`; `None` for the greatest of those that are not deployed.
    pub active: Option<String>,
    /// The version that gets a share of the jobs.
    pub canary: Option<CanaryRoute>,
}

/// A version that gets a share of a booster's jobs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CanaryRoute {
    /// The version, as `name@version`.
    pub reference: String,
    /// Its share, per cent.
    pub percent: u8,
    /// What tells this trial from every other of the name.
    pub begun: u64,
}

/// The boosters that are known here. Some lie in a directory, others were deployed from Redis: of those, a job that
/// names no version gets what [`Route`] says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Catalogue {
    /// By `name@version`.
    local: BTreeMap<String, Manifest>,
    /// By `name@version`; they win over local ones.
    deployed: BTreeMap<String, Manifest>,
    /// By name.
    routes: BTreeMap<String, Route>,
    /// Which booster is preferred for a capability.
    prefer: BTreeMap<String, String>,
}

impl Catalogue {
    /// Sets which booster, by name, is preferred for a capability.
    pub fn prefer(&mut self, prefer: BTreeMap<String, String>) {
        self.prefer = prefer;
    }

    /// Adds or replaces a local manifest.
    pub fn insert(&mut self, manifest: Manifest) {
        self.local.insert(manifest.reference(), manifest);
    }

    /// Replaces all deployed manifests, and the routes.
    pub fn deploy(&mut self, deployed: impl IntoIterator<Item = Manifest>, routes: BTreeMap<String, Route>) {
        self.deployed = deployed.into_iter().map(|manifest| (manifest.reference(), manifest)).collect();
        self.routes = routes;
    }

    /// All manifests, by name and version as texts.
    pub fn manifests(&self) -> impl Iterator<Item = &Manifest> {
        let all: BTreeMap<&String, &Manifest> = self.local.iter().chain(&self.deployed).collect();
        all.into_values()
    }

    /// Whether nothing is registered.
    pub fn is_empty(&self) -> bool {
        self.local.is_empty() && self.deployed.is_empty()
    }

    /// The route of a booster, if it has one.
    pub fn route(&self, name: &str) -> Option<&Route> {
        self.routes.get(name)
    }

    /// The booster that a job's target means, canaries aside. A name without version means the active version, or
    /// without one the greatest local version (a pre-release only when there is nothing else); a capability means the
    /// preferred booster if that declares it, else the first, by name, that does.
    pub fn resolve(&self, target: &Target) -> Option<&Manifest> {
        match target {
            Target::Booster(name) if name.contains('@') => self.exact(name),
            Target::Booster(name) => self.default_of(name, |_| true),
            Target::Capability(capability) => {
                let able = |name: &str| self.default_of(name, |manifest| manifest.declares(capability));
                let preferred = self.prefer.get(capability).and_then(|name| able(name));
                preferred.or_else(|| self.names().into_iter().find_map(able))
            }
        }
    }

    /// The booster that the job with this id gets: as [`Catalogue::resolve`], or its canary.
    pub fn resolve_for(&self, target: &Target, job_id: &str) -> Option<&Manifest> {
        let manifest = self.resolve(target)?;
        let is_exact = matches!(target, Target::Booster(name) if name.contains('@'));
        let canary = self.routes.get(&manifest.name).and_then(|route| route.canary.as_ref());
        let on_trial = canary
            .filter(|canary| !is_exact && takes_canary(job_id, canary.percent))
            .and_then(|canary| self.exact(&canary.reference))
            .filter(|trial| !matches!(target, Target::Capability(name) if !trial.declares(name)));
        Some(on_trial.unwrap_or(manifest))
    }

    fn exact(&self, reference: &str) -> Option<&Manifest> {
        self.deployed.get(reference).or_else(|| self.local.get(reference))
    }

    fn default_of(&self, name: &str, able: impl Fn(&Manifest) -> bool) -> Option<&Manifest> {
        match self.routes.get(name).and_then(|route| route.active.as_ref()) {
            Some(reference) => self.exact(reference).filter(|manifest| able(manifest)),
            None => greatest(self.local.values().filter(|manifest| manifest.name == name && able(manifest))),
        }
    }

    fn names(&self) -> BTreeSet<&str> {
        self.local
            .values()
            .map(|manifest| manifest.name.as_str())
            .chain(self.routes.keys().map(String::as_str))
            .collect()
    }

    /// Checks that a known booster can do `job` and accepts its language.
    ///
    /// # Errors
    /// The [`JobError`] that says which name is unknown and which are known.
    pub fn check(&self, job: &Job) -> Result<&Manifest, JobError> {
        self.check_language(job, self.resolve(&job.target))
    }

    /// As [`Catalogue::check`], for the booster that the job with this id gets.
    ///
    /// # Errors
    /// As [`Catalogue::check`].
    pub fn check_for(&self, job: &Job, job_id: &str) -> Result<&Manifest, JobError> {
        self.check_language(job, self.resolve_for(&job.target, job_id))
    }

    fn check_language<'a>(
        &self,
        job: &Job,
        manifest: Option<&'a Manifest>,
    ) -> Result<&'a Manifest, JobError> {
        let manifest = manifest.ok_or_else(|| self.unknown(&job.target))?;
        if manifest.languages.is_empty() {
            return Ok(manifest);
        }
        match job.input_str("language") {
            Some(language) if !manifest.languages.iter().any(|l| l.eq_ignore_ascii_case(&language)) => {
                Err(JobError::UnknownLanguage {
                    booster: manifest.name.clone(),
                    name: language.chars().take(60).collect(),
                    known: manifest.languages.join(", "),
                })
            }
            _ => Ok(manifest),
        }
    }

    fn unknown(&self, target: &Target) -> JobError {
        match target {
            Target::Booster(name) => {
                JobError::UnknownBooster { name: name.clone(), known: some_of(self.references().into_iter()) }
            }
            Target::Capability(name) => {
                let known: BTreeSet<&str> =
                    self.manifests().flat_map(|m| &m.capabilities).map(String::as_str).collect();
                JobError::UnknownCapability { name: name.clone(), known: some_of(known.into_iter()) }
            }
        }
    }

    fn references(&self) -> BTreeSet<&str> {
        self.local.keys().chain(self.deployed.keys()).map(String::as_str).collect()
    }
}

/// The greatest version by semantic versioning; a release goes before every pre-release.
fn greatest<'a>(manifests: impl Iterator<Item = &'a Manifest>) -> Option<&'a Manifest> {
    manifests.max_by_key(|manifest| {
        let version = Version::parse(&manifest.version).ok();
        (version.as_ref().is_some_and(|version| version.pre.is_empty()), version)
    })
}

/// The first names of a list, for an error message of bounded length.
fn some_of<'a>(names: impl Iterator<Item = &'a str>) -> String {
    const MOST: usize = 20;
    let mut names: Vec<&str> = names.collect();
    let more = names.len().saturating_sub(MOST);
    names.truncate(MOST);
    let list = names.join(", ");
    if more == 0 { list } else { format!("{list} and {more} more") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(name: &str, version: &str) -> Manifest {
        Manifest {
            name: name.into(),
            version: version.into(),
            description: String::new(),
            capabilities: vec!["code-generation".into()],
            languages: vec!["python".into(), "py".into()],
            warm_up: vec![],
            canary: None,
            isolation: Isolation::Fresh,
            cache: false,
        }
    }

    fn catalogue() -> Catalogue {
        let mut catalogue = Catalogue::default();
        for version in ["1.9.0", "1.10.0", "1.2.0"] {
            catalogue.insert(manifest("apply", version));
        }
        catalogue
    }

    #[test]
    fn a_name_means_the_greatest_version() {
        let known = catalogue();
        let resolve = |name: &str| known.resolve(&Target::Booster(name.into())).map(Manifest::reference);
        assert_eq!(resolve("apply").as_deref(), Some("apply@1.10.0"));
        assert_eq!(resolve("apply@1.2.0").as_deref(), Some("apply@1.2.0"));
        assert_eq!(resolve("apply@3.0.0"), None);
        let by_capability = known.resolve(&Target::Capability("code-generation".into()));
        assert_eq!(by_capability.map(Manifest::reference).as_deref(), Some("apply@1.10.0"));
    }

    #[test]
    fn a_pre_release_is_only_taken_when_there_is_nothing_else() {
        let mut known = Catalogue::default();
        known.insert(manifest("apply", "2.0.0-rc.1"));
        let newest =
            |known: &Catalogue| known.resolve(&Target::Booster("apply".into())).map(Manifest::reference);
        assert_eq!(newest(&known).as_deref(), Some("apply@2.0.0-rc.1"));
        known.insert(manifest("apply", "1.0.0"));
        assert_eq!(newest(&known).as_deref(), Some("apply@1.0.0"));
    }

    #[test]
    fn what_is_active_wins_over_what_is_greatest() {
        let mut known = catalogue();
        let canary = CanaryRoute { reference: "apply@3.0.0".into(), percent: 99, begun: 1 };
        let route = Route { active: Some("apply@1.2.0".into()), canary: Some(canary) };
        known.deploy([manifest("apply", "3.0.0")], BTreeMap::from([("apply".into(), route)]));
        let by_name = Target::Booster("apply".into());
        assert_eq!(known.resolve(&by_name).unwrap().version, "1.2.0");
        let versions: BTreeSet<&str> = (0..1000)
            .map(|n| known.resolve_for(&by_name, &format!("j{n}")).unwrap().version.as_str())
            .collect();
        assert_eq!(versions.into_iter().collect::<Vec<_>>(), ["1.2.0", "3.0.0"]);
        let exact = Target::Booster("apply@1.9.0".into());
        assert!((0..100).all(|n| known.resolve_for(&exact, &n.to_string()).unwrap().version == "1.9.0"));
        // Deployed and not active: for those alone that name it.
        known.deploy([manifest("apply", "3.0.0"), manifest("new", "1.0.0")], BTreeMap::new());
        assert_eq!(known.resolve(&by_name).unwrap().version, "1.10.0");
        assert_eq!(known.resolve(&Target::Booster("new".into())), None);
        assert!(known.resolve(&Target::Booster("new@1.0.0".into())).is_some());
        assert_eq!(known.manifests().count(), 5);
    }

    #[test]
    fn a_capability_goes_to_the_preferred_booster_then_by_name() {
        let prefer = BTreeMap::from([("code-generation".into(), "zeta".into()), ("x".into(), "zeta".into())]);
        let mut known = Catalogue::default();
        known.prefer(prefer);
        let resolve = |known: &Catalogue, capability: &str| {
            known.resolve(&Target::Capability(capability.into())).map(Manifest::reference)
        };
        known.insert(manifest("beta", "1.0.0"));
        assert_eq!(resolve(&known, "code-generation").as_deref(), Some("beta@1.0.0"));
        known.insert(manifest("zeta", "1.0.0"));
        assert_eq!(resolve(&known, "code-generation").as_deref(), Some("zeta@1.0.0"));
        assert_eq!(resolve(&known, "x"), None, "preferred, but it does not declare it");
        // Everybody can.
        assert_eq!(resolve(&known, EVERY_BOOSTER).as_deref(), Some("beta@1.0.0"));
        let route = Route { active: Some("alpha@2.0.0".into()), canary: None };
        known.deploy([manifest("alpha", "2.0.0")], BTreeMap::from([("alpha".into(), route)]));
        assert_eq!(resolve(&known, EVERY_BOOSTER).as_deref(), Some("alpha@2.0.0"));
    }

    #[test]
    fn a_manifest_whose_name_or_version_cannot_be_used_is_refused() {
        assert!(manifest("apply", "1.0.0").validate().is_ok());
        for (name, version) in [("", "1.0.0"), ("a@b", "1.0.0"), ("a b", "1.0.0"), ("a", "1"), ("a", "new")] {
            assert!(manifest(name, version).validate().is_err(), "{name}@{version}");
        }
        let reused = Manifest { isolation: Isolation::Reuse, cache: true, ..manifest("apply", "1.0.0") };
        assert!(reused.validate().unwrap_err().contains("`cache`"));
    }

    #[test]
    fn unknown_names_and_languages_are_refused_with_what_is_known() {
        let known = catalogue();
        let check = |text: &str| known.check(&Job::from_json(text).unwrap()).map(Manifest::reference);
        assert!(check(r#"{"booster":"apply","input":{"language":"Python"}}"#).is_ok());
        assert!(check(r#"{"booster":"apply","input":{}}"#).is_ok());
        let error = check(r#"{"booster":"apply","input":{"language":"cobol"}}"#).unwrap_err();
        assert_eq!(error.code(), "language_unknown");
        assert!(error.to_string().contains("python, py"), "{error}");
        let error = check(r#"{"booster":"aply","input":{}}"#).unwrap_err();
        assert_eq!(error.code(), "booster_unknown");
        assert!(error.to_string().contains("apply@1.10.0"), "{error}");
        let error = check(r#"{"capability":"x","input":{}}"#).unwrap_err();
        assert_eq!(error.code(), "capability_unknown");
    }
}
