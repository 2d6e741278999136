//! What is exposed to a guest is what `docs/security.md` lists, and nothing else.

use std::collections::BTreeSet;
use std::sync::Arc;

use booster_core::{Manifest, Target};
use booster_engine::{Booster, Registry, Runtime, RuntimeConfig};
use booster_tests::{modules_dir, source_root};

/// The functions of WASI preview 1, all that there are.
const WASI: [&str; 46] = [
    "args_get",
    "args_sizes_get",
    "environ_get",
    "environ_sizes_get",
    "clock_res_get",
    "clock_time_get",
    "fd_advise",
    "fd_allocate",
    "fd_close",
    "fd_datasync",
    "fd_fdstat_get",
    "fd_fdstat_set_flags",
    "fd_fdstat_set_rights",
    "fd_filestat_get",
    "fd_filestat_set_size",
    "fd_filestat_set_times",
    "fd_pread",
    "fd_prestat_get",
    "fd_prestat_dir_name",
    "fd_pwrite",
    "fd_read",
    "fd_readdir",
    "fd_renumber",
    "fd_seek",
    "fd_sync",
    "fd_tell",
    "fd_write",
    "path_create_directory",
    "path_filestat_get",
    "path_filestat_set_times",
    "path_link",
    "path_open",
    "path_readlink",
    "path_remove_directory",
    "path_rename",
    "path_symlink",
    "path_unlink_file",
    "poll_oneoff",
    "proc_exit",
    "proc_raise",
    "random_get",
    "sched_yield",
    "sock_accept",
    "sock_recv",
    "sock_send",
    "sock_shutdown",
];

/// Parameters of the functions that an adapter provides itself: their types have to fit. The others take anything.
const PROVIDED: [(&str, &str); 11] = [
    ("args_get", "(param i32 i32) (result i32)"),
    ("args_sizes_get", "(param i32 i32) (result i32)"),
    ("environ_get", "(param i32 i32) (result i32)"),
    ("environ_sizes_get", "(param i32 i32) (result i32)"),
    ("fd_close", "(param i32) (result i32)"),
    ("fd_fdstat_get", "(param i32 i32) (result i32)"),
    ("fd_read", "(param i32 i32 i32 i32) (result i32)"),
    ("fd_write", "(param i32 i32 i32 i32) (result i32)"),
    ("proc_exit", "(param i32)"),
    ("random_get", "(param i32 i32) (result i32)"),
    ("sched_yield", "(result i32)"),
];

/// The names in the first column of the table behind a heading of `docs/security.md`.
fn listed(heading: &str) -> BTreeSet<String> {
    let text = std::fs::read_to_string(source_root().join("docs/security.md")).unwrap();
    let section =
        text.split(&format!("\n## {heading}\n")).nth(1).unwrap_or_else(|| panic!("no section {heading}"));
    let section = section.split("\n## ").next().unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    rows.flat_map(|row| row.split('|').nth(1).unwrap().split(','))
        .map(|name| name.trim().trim_matches('`').to_owned())
        .collect()
}

fn load(runtime: &Arc<Runtime>, wasm: &[u8]) -> Result<Booster, String> {
    let manifest: Manifest = serde_json::from_str(r#"{"name":"probe","version":"1.0.0"}"#).unwrap();
    Booster::load(runtime, manifest, wasm).map_err(|error| error.to_string())
}

fn runtime() -> Arc<Runtime> {
    Runtime::new(RuntimeConfig::new(1, 64 << 20)).unwrap()
}

/// A component of the contract that imports one more thing.
fn component(import: &str) -> Vec<u8> {
    let text = format!(
        r#"(component
          {import}
          (core module $m
            (memory (export "memory") 1)
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) i32.const 4096)
            (func (export "apply") (param i32 i32) (result i32) i32.const 0))
          (core instance $i (instantiate $m))
          (func (export "apply") (param "input" string) (result (result string (error string)))
            (canon lift (core func $i "apply") (memory (core memory $i "memory"))
              (realloc (core func $i "cabi_realloc")))))"#
    );
    wat::parse_str(text).unwrap()
}

/// A WASI command that imports one more function.
fn command(module: &str, name: &str, ty: &str) -> Vec<u8> {
    let text = format!(
        r#"(module (import "{module}" "{name}" (func {ty})) (memory (export "memory") 1) (func (export "_start")))"#
    );
    wat::parse_str(text).unwrap()
}

#[test]
fn the_host_offers_components_nothing() {
    assert!(listed("What the host offers a guest").is_empty(), "the list of host functions is empty");
    let runtime = runtime();
    load(&runtime, &component("")).expect("without imports it is a booster");
    for import in [
        r#"(import "log" (func (param "text" string)))"#,
        r#"(import "wasi:cli/stdout@0.2.0" (instance))"#,
        r#"(import "wasi:clocks/wall-clock@0.2.0" (instance))"#,
        r#"(import "wasi:random/random@0.2.0" (instance))"#,
        r#"(import "wasi:filesystem/preopens@0.2.0" (instance))"#,
        r#"(import "wasi:sockets/tcp@0.2.0" (instance))"#,
        r#"(import "wasi:http/outgoing-handler@0.2.0" (instance))"#,
    ] {
        let error = load(&runtime, &component(import)).unwrap_err();
        assert!(error.contains("a booster has no imports"), "{import}: {error}");
    }
}

#[test]
fn the_wasi_functions_of_a_command_are_the_listed_ones() {
    let runtime = runtime();
    let mut accepted = BTreeSet::new();
    for name in WASI {
        let ty = PROVIDED
            .iter()
            .find(|(known, _)| *known == name)
            .map_or("(param i32) (result i32)", |(_, ty)| ty);
        if load(&runtime, &command("wasi_snapshot_preview1", name, ty)).is_ok() {
            accepted.insert(name.to_owned());
        }
    }
    assert_eq!(accepted, listed("What the adapter of WASI commands offers"));
    for (module, name) in [
        ("env", "system"),
        ("wasi_unstable", "fd_write"),
        ("wasi_snapshot_preview1", "sock_open"),
        ("wasi", "thread-spawn"),
    ] {
        let error = load(&runtime, &command(module, name, "(param i32) (result i32)")).unwrap_err();
        assert!(error.contains(name), "{module}.{name}: {error}");
    }
}

#[test]
fn the_shipped_boosters_import_nothing() {
    let registry = Registry::load_dir(
        &Runtime::new(RuntimeConfig::configured(&booster_core::Config::default(), 1)).unwrap(),
        &modules_dir(),
    )
    .unwrap();
    assert!(registry.rejected().is_empty(), "{:?}", registry.rejected());
    for name in ["apply", "analyze", "rewrite", "scaffold", "noop"] {
        assert!(registry.resolve(&Target::Booster(name.into())).is_some(), "{name}");
    }
}

#[test]
fn the_settings_that_are_told_are_those_that_are_made() {
    let told = std::fs::read_to_string(source_root().join("docs/security.md")).unwrap();
    let made = ["runtime.rs", "limits.rs", "compile.rs"].map(|file| {
        std::fs::read_to_string(source_root().join("crates/booster-engine/src").join(file)).unwrap()
    });
    let rows = told.split("\n## The settings of wasmtime\n").nth(1).unwrap().split("\n## ").next().unwrap();
    let names: Vec<&str> = rows
        .lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| line.split('`').nth(1).unwrap())
        .collect();
    assert!(names.len() >= 12, "{names:?}");
    for name in names {
        assert!(made.iter().any(|text| text.contains(&format!("{name}("))), "nothing sets `{name}`");
    }
    assert!(told.contains(booster_engine::WASMTIME_VERSION), "the version of wasmtime is another one");
}
