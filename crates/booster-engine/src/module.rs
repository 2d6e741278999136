//! One booster, ready to run.

use booster_core::Manifest;
use booster_core::digest::{hex, sha256_hex};
use sha2::{Digest, Sha256};
use wasmtime::component::types::{ComponentFunc, ComponentItem};
use wasmtime::component::{Component, ComponentExportIndex, InstancePre, Linker, Type};

use crate::breaker::Breaker;
use crate::error::EngineError;
use crate::limits::Limits;
use crate::runtime::Runtime;

/// The function that every booster exports.
pub(crate) const EXPORT: &str = "apply";

/// A booster: its manifest, its compiled code and its start image.
pub struct Booster {
    manifest: Manifest,
    reference: String,
    digest: String,
    size: usize,
    image_digest: String,
    cold: Option<String>,
    canary: Option<String>,
    pub(crate) breaker: Breaker,
    pub(crate) pre: InstancePre<Limits>,
    pub(crate) apply: ComponentExportIndex,
}

impl std::fmt::Debug for Booster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Booster").field("reference", &self.reference).field("digest", &self.digest).finish()
    }
}

impl Booster {
    /// Takes `wasm` from the runtime's cache, or compiles it, after taking its warm snapshot when the manifest has
    /// warm-up inputs. A WASI command becomes a component first.
    ///
    /// # Errors
    /// [`EngineError::Module`] when the bytes are no component of the contract.
    pub fn load(runtime: &Runtime, manifest: Manifest, wasm: &[u8]) -> Result<Self, EngineError> {
        let reference = manifest.reference();
        let invalid = |detail: String| EngineError::Module { name: reference.clone(), detail };
        let adapted = booster_adapt::component_of(wasm).map_err(|error| invalid(error.to_string()))?;
        let (component, cold) = runtime.component(&manifest, &adapted).map_err(invalid)?;
        check_contract(&component).map_err(invalid)?;
        let apply = component.get_export_index(None, EXPORT).ok_or_else(|| invalid(missing_export()))?;
        // An empty linker: a component with imports does not link, so a guest reaches nothing outside.
        let pre = Linker::new(runtime.engine())
            .instantiate_pre(&component)
            .map_err(|error| invalid(format!("{error:#}")))?;
        let digest = sha256_hex(wasm);
        let image_digest = image_digest(&manifest, &adapted, runtime.memory_limit());
        let canary = manifest.canary.as_ref().or(manifest.warm_up.first()).map(ToString::to_string);
        let breaker = Breaker::default();
        let size = wasm.len();
        Ok(Self { manifest, reference, digest, image_digest, size, cold, canary, breaker, pre, apply })
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

    /// Bytes of the module as it was delivered.
    pub fn size(&self) -> usize {
        self.size
    }

    /// SHA-256 of all that decides what it answers to an input, in hexadecimal: its code with its adapter's, the inputs
    /// that warm it up, and the memory that it may have.
    pub fn image_digest(&self) -> &str {
        &self.image_digest
    }

    /// The input with which health checks try it, JSON text.
    pub fn canary(&self) -> Option<&str> {
        self.canary.as_deref()
    }

    /// Why instances start cold, when no warm snapshot could be taken.
    pub fn cold_reason(&self) -> Option<&str> {
        self.cold.as_deref()
    }
}

fn image_digest(manifest: &Manifest, adapted: &[u8], memory_limit: usize) -> String {
    let mut digest = Sha256::new();
    digest.update(Sha256::digest(adapted));
    digest.update((memory_limit as u64).to_le_bytes());
    for input in &manifest.warm_up {
        let input = input.to_string();
        // Lengths first, so that no two lists are the same bytes.
        digest.update((input.len() as u64).to_le_bytes());
        digest.update(input);
    }
    hex(digest.finalize())
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
