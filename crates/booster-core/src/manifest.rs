//! Booster manifests and the catalogue of the boosters that a fleet knows.

use std::collections::BTreeMap;

use semver::Version;
use serde::{Deserialize, Serialize};

use crate::job::{Job, JobError, Target};

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
        match Version::parse(&self.version) {
            Ok(_) if self.version.len() <= 48 => Ok(()),
            _ => Err(format!("version `{}`: expected a semantic version such as 1.0.0", self.version)),
        }
    }

    /// `name@version`, which names the booster exactly.
    pub fn reference(&self) -> String {
        format!("{}@{}", self.name, self.version)
    }

    fn answers_to(&self, name: &str) -> bool {
        match name.split_once('@') {
            Some((name, version)) => self.name == name && self.version == version,
            None => self.name == name,
        }
    }
}

/// The boosters that are known here, by `name@version`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Catalogue(BTreeMap<String, Manifest>);

impl Catalogue {
    /// Adds or replaces a manifest.
    pub fn insert(&mut self, manifest: Manifest) {
        self.0.insert(manifest.reference(), manifest);
    }

    /// All manifests, by name and version.
    pub fn manifests(&self) -> impl Iterator<Item = &Manifest> {
        self.0.values()
    }

    /// Whether nothing is registered.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The booster that a job's target means. A name without version means the greatest version (a pre-release
    /// only when there is nothing else); a capability means the first booster, by name, that declares it.
    pub fn resolve(&self, target: &Target) -> Option<&Manifest> {
        match target {
            Target::Booster(name) => greatest(self.0.values().filter(|m| m.answers_to(name))),
            Target::Capability(name) => {
                let able = || self.0.values().filter(|m| m.capabilities.contains(name));
                let first = able().map(|m| m.name.as_str()).min()?;
                greatest(able().filter(|m| m.name == first))
            }
        }
    }

    /// Checks that a known booster can do `job` and accepts its language.
    ///
    /// # Errors
    /// The [`JobError`] that says which name is unknown and which are known.
    pub fn check(&self, job: &Job) -> Result<&Manifest, JobError> {
        let manifest = self.resolve(&job.target).ok_or_else(|| self.unknown(&job.target))?;
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
            Target::Booster(name) => JobError::UnknownBooster {
                name: name.clone(),
                known: some_of(self.0.keys().map(String::as_str)),
            },
            Target::Capability(name) => {
                let mut known: Vec<&str> =
                    self.0.values().flat_map(|m| &m.capabilities).map(String::as_str).collect();
                known.sort_unstable();
                known.dedup();
                JobError::UnknownCapability { name: name.clone(), known: some_of(known.into_iter()) }
            }
        }
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
    fn a_manifest_whose_name_or_version_cannot_be_used_is_refused() {
        assert!(manifest("apply", "1.0.0").validate().is_ok());
        for (name, version) in [("", "1.0.0"), ("a@b", "1.0.0"), ("a b", "1.0.0"), ("a", "1"), ("a", "new")] {
            assert!(manifest(name, version).validate().is_err(), "{name}@{version}");
        }
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
