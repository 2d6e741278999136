//! Turns a core module into a booster.
//!
//! - `componentize CORE.wasm -o OUT.wasm`: the module carries its world (`wit/booster.wit`) in a custom section that
//!   wit-bindgen writes; one without such a section gets it.
//! - `componentize --agent-booster MODULE.wasm ADAPTER.wasm -o OUT.wasm`: npm's module with its adapter.
//!
//! A booster imports nothing and exports `apply`; whatever does not is refused here and not first by a worker.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::{self, ExitCode};

use anyhow::{Context, Result, bail};
use wasmparser::{Parser, Payload};
use wit_component::{ComponentEncoder, DecodedWasm, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// The contract.
const WIT: &str = include_str!("../../../wit/booster.wit");

const USAGE: &str = "usage: componentize CORE.wasm -o OUT.wasm
       componentize --agent-booster MODULE.wasm ADAPTER.wasm -o OUT.wasm";

fn main() -> ExitCode {
    let arguments: Vec<OsString> = env::args_os().skip(1).collect();
    let (module, out, made) = match &arguments[..] {
        [core, flag, out] if flag == "-o" => (core, out, booster(Path::new(core))),
        [task, module, adapter, flag, out] if task == "--agent-booster" && flag == "-o" => {
            (module, out, agent_booster(Path::new(module), Path::new(adapter)))
        }
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    let out = Path::new(out);
    let written = made.and_then(|component| {
        check_world(&component)?;
        write_atomically(out, &component).with_context(|| format!("{} cannot be written", out.display()))
    });
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("componentize: {}: {error:#}", Path::new(module).display());
            ExitCode::FAILURE
        }
    }
}

/// A component of a module that was made with wit-bindgen.
fn booster(core: &Path) -> Result<Vec<u8>> {
    let mut module = fs::read(core).context("cannot be read")?;
    let imports = core_imports(&module)?;
    if !imports.is_empty() {
        bail!("a booster must not import anything, but this module imports {}", imports.join(", "));
    }
    if !has_world(&module)? {
        let mut resolve = Resolve::default();
        let package = resolve.push_str("booster.wit", WIT)?;
        let world = resolve.select_world(&[package], Some("booster"))?;
        embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)?;
    }
    ComponentEncoder::default()
        .validate(true)
        .module(&module)
        .and_then(|mut encoder| encoder.encode())
        .context("cannot be made a component (does it export what wit/booster.wit wants?)")
}

/// Whether a module says for itself which world it is made for.
fn has_world(module: &[u8]) -> Result<bool> {
    for payload in Parser::new(0).parse_all(module) {
        if let Payload::CustomSection(section) = payload.context("is no WebAssembly module")?
            && section.name().starts_with("component-type")
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A component of npm's module and its adapter.
fn agent_booster(module: &Path, adapter: &Path) -> Result<Vec<u8>> {
    let module = fs::read(module).context("cannot be read")?;
    let adapter = fs::read(adapter).with_context(|| format!("{} cannot be read", adapter.display()))?;
    Ok(booster_adapt::agent_booster::component_of(&module, &adapter)?)
}

/// What the core module imports, as `module.name`.
fn core_imports(module: &[u8]) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for payload in Parser::new(0).parse_all(module) {
        match payload.context("is no WebAssembly module")? {
            Payload::Version { encoding: wasmparser::Encoding::Component, .. } => {
                bail!("is a component already")
            }
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    let import = import.context("is no WebAssembly module")?;
                    found.push(format!("{}.{}", import.module, import.name));
                }
            }
            _ => {}
        }
    }
    Ok(found)
}

/// Checks that the component imports nothing and exports the function `apply`.
fn check_world(component: &[u8]) -> Result<()> {
    let DecodedWasm::Component(resolve, world) = wit_component::decode(component)? else {
        bail!("has become no component");
    };
    let world = &resolve.worlds[world];
    if !world.imports.is_empty() {
        let names: Vec<_> = world.imports.keys().map(|key| resolve.name_world_key(key)).collect();
        bail!("a booster must not import anything, but this component imports {}", names.join(", "));
    }
    if !world.exports.keys().any(|key| resolve.name_world_key(key) == "apply") {
        bail!("does not export the function `apply` of wit/booster.wit");
    }
    Ok(())
}

/// Readers see the old file or the new one, never a part.
fn write_atomically(out: &Path, bytes: &[u8]) -> Result<()> {
    let mut name = out.file_name().context("names no file")?.to_owned();
    name.push(format!(".{}.tmp", process::id()));
    let temporary = out.with_file_name(name);
    let written = fs::write(&temporary, bytes).and_then(|()| fs::rename(&temporary, out));
    if written.is_err() {
        // The error that matters is the first one.
        let _ = fs::remove_file(&temporary);
    }
    Ok(written?)
}
