//! Turns a core module into a booster: `componentize CORE.wasm -o OUT.wasm`.
//!
//! The module carries its world (`wit/booster.wit`) in a custom section that wit-bindgen writes. A booster imports
//! nothing and exports `apply`; whatever does not is refused here and not first by a worker.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{self, ExitCode};

use anyhow::{Context, Result, bail};
use wasmparser::{Parser, Payload};
use wit_component::{ComponentEncoder, DecodedWasm};

const USAGE: &str = "usage: componentize CORE.wasm -o OUT.wasm";

fn main() -> ExitCode {
    let Some((core, out)) = paths(env::args_os().skip(1)) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    match run(&core, &out) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("componentize: {}: {error:#}", core.display());
            ExitCode::FAILURE
        }
    }
}

fn paths(mut arguments: impl Iterator<Item = OsString>) -> Option<(PathBuf, PathBuf)> {
    let core = arguments.next()?;
    let flag = arguments.next()?;
    let out = arguments.next()?;
    (flag == "-o" && arguments.next().is_none()).then(|| (core.into(), out.into()))
}

fn run(core: &Path, out: &Path) -> Result<()> {
    let module = fs::read(core).context("cannot be read")?;
    let imports = core_imports(&module)?;
    if !imports.is_empty() {
        bail!("a booster must not import anything, but this module imports {}", imports.join(", "));
    }
    let component = ComponentEncoder::default()
        .validate(true)
        .module(&module)
        .and_then(|mut encoder| encoder.encode())
        .context("cannot be made a component (is it built with wit-bindgen for wit/booster.wit?)")?;
    check_world(&component)?;
    write_atomically(out, &component).with_context(|| format!("{} cannot be written", out.display()))
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
