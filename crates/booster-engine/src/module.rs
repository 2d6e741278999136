//! One booster, ready to run.

use booster_core::Manifest;
use sha2::{Digest, Sha256};
use wasmtime::component::types::{ComponentFunc, ComponentItem};
use wasmtime::component::{Component, ComponentExportIndex, InstancePre, Linker, Type};

use crate::error::EngineError;
use crate::limits::Limits;
use crate::runtime::Runtime;
use crate::snapshot::{self, Watchdog};

/// The function that every booster exports.
pub(crate) const EXPORT: &str = "apply";

/// A booster: its manifest, its compiled code and its start image.
pub struct Booster {
    manifest: Manifest,
    reference: String,
    digest: String,
    cold: Option<String>,
    pub(crate) pre: InstancePre<Limits>,
    pub(crate) apply: ComponentExportIndex,
}

impl std::fmt::Debug for Booster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Booster").field("reference", &self.reference).field("digest", &self.digest).finish()
    }
}

impl Booster {
    /// Compiles `wasm` for `runtime`, after taking its warm snapshot when the manifest has warm-up inputs. A WASI
    /// command becomes a component first.
    ///
    /// # Errors
    /// [`EngineError::Module`] when the bytes are no component of the contract.
    pub fn load(runtime: &Runtime, manifest: Manifest, wasm: &[u8]) -> Result<Self, EngineError> {
        let reference = manifest.reference();
        let invalid = |detail: String| EngineError::Module { name: reference.clone(), detail };
        let adapted = booster_adapt::component_of(wasm).map_err(|error| invalid(error.to_string()))?;
        let (image, cold) = match warm_image(&manifest, &adapted, runtime.memory_limit()) {
            Ok(image) => (image, None),
            Err(reason) => (None, Some(reason)),
        };
        let component = Component::new(runtime.engine(), image.as_deref().unwrap_or(&adapted))
            .map_err(|error| invalid(format!("{error:#}")))?;
        check_contract(&component).map_err(invalid)?;
        let apply = component.get_export_index(None, EXPORT).ok_or_else(|| invalid(missing_export()))?;
        // An empty linker: a component with imports does not link, so a guest reaches nothing outside.
        let pre = Linker::new(runtime.engine())
            .instantiate_pre(&component)
            .map_err(|error| invalid(format!("{error:#}")))?;
        let digest = Sha256::digest(wasm).iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Self { manifest, reference, digest, cold, pre, apply })
    }

    /// What the booster says of itself.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// `name@version`.
    pub fn reference(&self) -> &str {
        &self.reference
    }

    /// SHA-256 of the module as it was delivered, in hexadecimal.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Why instances start cold, when no warm snapshot could be taken.
    pub fn cold_reason(&self) -> Option<&str> {
        self.cold.as_deref()
    }
}

/// The snapshotted component, or `None` when the manifest asks for no warm-up, or why there is none.
fn warm_image(manifest: &Manifest, wasm: &[u8], memory_limit: usize) -> Result<Option<Vec<u8>>, String> {
    if manifest.warm_up.is_empty() {
        return Ok(None);
    }
    let inputs: Vec<String> = manifest.warm_up.iter().map(ToString::to_string).collect();
    let engine = Runtime::for_snapshots().map_err(|error| error.to_string())?;
    let _watchdog = Watchdog::start(&engine);
    snapshot::warm(&engine, wasm, &inputs, memory_limit).map(Some).map_err(|error| format!("{error:#}"))
}

/// Checks the component's outer face: no imports, and the one export with its exact type.
fn check_contract(component: &Component) -> Result<(), String> {
    let (engine, outside) = (component.engine(), component.component_type());
    let imports: Vec<String> = outside.imports(engine).map(|(name, _)| name.to_owned()).take(5).collect();
    if !imports.is_empty() {
        return Err(format!("it imports {}; a booster has no imports", imports.join(", ")));
    }
    match outside.get_export(engine, EXPORT).map(|export| export.ty) {
        Some(ComponentItem::ComponentFunc(function)) if is_apply(&function) => Ok(()),
        _ => Err(missing_export()),
    }
}

fn is_apply(function: &ComponentFunc) -> bool {
    let text = |ty: Option<Type>| matches!(ty, Some(Type::String));
    let params: Vec<Type> = function.params().map(|(_, ty)| ty).collect();
    let results: Vec<Type> = function.results().collect();
    match (&params[..], &results[..]) {
        ([Type::String], [Type::Result(result)]) => text(result.ok()) && text(result.err()),
        _ => false,
    }
}

fn missing_export() -> String {
    format!("it does not export `{EXPORT}: func(input: string) -> result<string, string>`")
}
