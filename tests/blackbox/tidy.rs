//! Checks that keep the tree as ARCHITECTURE.md says it is.

use std::path::Path;

use booster_tests::source_root;

/// The names of a crate's dependencies.
fn dependencies(manifest: &str) -> Vec<String> {
    let text = std::fs::read_to_string(source_root().join(manifest)).unwrap();
    let manifest: toml::Table = text.parse().unwrap();
    manifest["dependencies"].as_table().unwrap().keys().cloned().collect()
}

#[test]
fn crates_know_only_what_they_may() {
    for (manifest, forbidden) in [
        ("crates/booster-core/Cargo.toml", &["tokio", "redis", "wasmtime", "axum"][..]),
        ("crates/booster-engine/Cargo.toml", &["redis", "booster-queue", "booster-state"]),
        ("crates/booster-queue/Cargo.toml", &["wasmtime", "booster-engine", "booster-apply"]),
        ("crates/booster-apply/Cargo.toml", &["tokio", "redis", "wasmtime", "booster-core"]),
        ("crates/booster-code/Cargo.toml", &["tokio", "redis", "wasmtime", "booster-core"]),
        ("crates/booster-adapt/Cargo.toml", &["tokio", "redis", "wasmtime", "booster-core"]),
    ] {
        let found = dependencies(manifest);
        for name in forbidden {
            assert!(
                !found.iter().any(|dependency| dependency == name),
                "{manifest} must not depend on {name}"
            );
        }
    }
}

/// All files below a directory with one of these endings.
fn files(dir: &Path, endings: &[&str], found: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap().map(Result::unwrap) {
        let path = entry.path();
        let name = entry.file_name();
        if entry.file_type().unwrap().is_dir() {
            if !["target", ".git", "out", "node_modules"].iter().any(|skip| name == *skip) {
                files(&path, endings, found);
            }
        } else if path.extension().is_some_and(|ext| endings.iter().any(|end| ext == *end)) {
            found.push(path);
        }
    }
}

#[test]
fn redis_keys_are_spelled_in_one_place() {
    let mut sources = Vec::new();
    for dir in ["crates", "producer", "worker"] {
        files(&source_root().join(dir), &["rs"], &mut sources);
    }
    for path in sources {
        if path.ends_with("booster-core/src/keys.rs") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap();
        for (number, line) in code.lines().enumerate() {
            let spelled =
                line.contains("{normal}") || line.contains(":jobs\"") || line.contains("phase-5:tasks");
            assert!(
                !spelled || line.trim_start().starts_with("//"),
                "{}:{}: {line}",
                path.display(),
                number + 1
            );
        }
    }
}

#[test]
fn unsafe_code_stays_where_the_design_allows_it() {
    let mut sources = Vec::new();
    for dir in ["crates", "producer", "worker", "examples", "bench", "tests"] {
        files(&source_root().join(dir), &["rs"], &mut sources);
    }
    assert!(sources.len() > 50);
    for path in sources {
        if path.components().any(|part| part.as_os_str() == "booster-engine") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let word = ["unsafe", " {"].concat();
        assert!(!text.contains(&word), "{}", path.display());
    }
}

#[test]
fn the_version_of_wasmtime_that_is_told_is_the_one_that_is_built_in() {
    let lock: toml::Table =
        std::fs::read_to_string(source_root().join("Cargo.lock")).unwrap().parse().unwrap();
    let packages = lock["package"].as_array().unwrap();
    let wasmtime = packages.iter().find(|package| package["name"].as_str() == Some("wasmtime")).unwrap();
    assert_eq!(wasmtime["version"].as_str(), Some(booster_engine::WASMTIME_VERSION));
}

#[test]
fn every_script_says_that_redis_shall_check_its_keys() {
    let mut scripts = Vec::new();
    for dir in ["crates/booster-queue/lua", "crates/booster-state/lua"] {
        files(&source_root().join(dir), &["lua"], &mut scripts);
    }
    assert!(scripts.len() >= 9);
    for path in scripts {
        let text = std::fs::read_to_string(&path).unwrap();
        // What scripts share is put behind their first line.
        assert!(
            text.starts_with("#!lua")
                || ["prelude.lua", "door.lua", "ending.lua", "offers.lua"]
                    .iter()
                    .any(|name| path.ends_with(name)),
            "{}",
            path.display()
        );
        for forbidden in ["cjson", "'KEYS'", "HGETALL", "LREM"] {
            assert!(!text.contains(forbidden), "{} uses {forbidden}", path.display());
        }
    }
}
