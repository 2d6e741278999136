//! The published module of npm's `agent-booster`, and what its wasm-bindgen imports mean.
//!
//! The module stays as it was published. Its adapter (`guests/adapters/agent-booster`) has a memory of its own, keeps
//! the table of JavaScript values that wasm-bindgen would keep, and calls the module as its JavaScript does.

use crate::compose::{Stand, compose};
use crate::error::AdaptError;
use crate::module::{Face, Import};

/// The module that wasm-bindgen's imports come from.
const BINDGEN: &str = "__wbindgen_placeholder__";

/// Beginnings of the imports' names and the adapter's functions for them. What follows is a hash of the signature,
/// and the two casts are told apart by their parameters.
const IMPORTS: [(&str, usize, &str); 11] = [
    ("__wbg_String_", 2, "to_text"),
    ("__wbg_error_", 2, "console_error"),
    ("__wbg_new_", 0, "new_object"),
    ("__wbg_set_", 3, "set_property"),
    ("__wbg_stack_", 2, "error_stack"),
    ("__wbg_wbindgenthrow_", 2, "throw"),
    ("__wbindgen_cast_", 2, "text_value"),
    ("__wbindgen_cast_", 1, "number_value"),
    ("__wbindgen_object_clone_ref", 1, "clone_value"),
    ("__wbindgen_object_drop_ref", 1, "drop_value"),
    ("__wbindgen_throw", 2, "throw"),
];

/// Makes a component of the published module and its adapter.
///
/// # Errors
/// [`AdaptError`] when the module imports something else, or lacks a function that the adapter calls.
pub fn component_of(module: &[u8], adapter: &[u8]) -> Result<Vec<u8>, AdaptError> {
    let (face, needs) = (Face::of(module)?, Face::of(adapter)?);
    let missing = |import: &&Import| import.module == "main" && !face.exports(&import.name);
    if let Some(import) = needs.imports.iter().find(missing) {
        return Err(AdaptError::Contract(format!("it does not export `{}`", import.name)));
    }
    compose(module, adapter, stand)
}

fn stand(import: &Import) -> Result<Stand, AdaptError> {
    let means = |&&(name, parameters, _): &&(&str, usize, &str)| {
        import.name.starts_with(name) && import.ty.params().len() == parameters
    };
    match IMPORTS.iter().find(means).filter(|_| import.module == BINDGEN) {
        Some((_, _, function)) => Ok(Stand::Adapter((*function).to_owned())),
        None => Err(AdaptError::Import {
            module: import.module.clone(),
            name: import.name.clone(),
            offered: "agent-booster 0.2.2 has eleven imports of wasm-bindgen",
        }),
    }
}
