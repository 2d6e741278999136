//! Turns core modules of other contracts into components for `wit/booster.wit`, without changing a byte of them.
//!
//! A module and an *adapter*, which is a module too, become one component: the adapter provides what the module
//! imports and exports `apply`. So the engine runs components only, an adapter is in the sandbox like what it
//! adapts, and the host still offers a guest nothing at all.
//!
//! - [`command`] is the adapter for WASI commands that read JSON from their standard input and write JSON to their
//!   standard output;
//! - [`agent_booster`] fits the published module of npm's `agent-booster` to its adapter.

pub mod agent_booster;
pub mod command;
mod compose;
mod error;
mod module;

use std::borrow::Cow;

pub use error::AdaptError;

/// A booster as the engine wants it: a component is handed on, a WASI command becomes one.
///
/// # Errors
/// [`AdaptError`] when the bytes are a core module that is no WASI command, or no WebAssembly.
pub fn component_of(wasm: &[u8]) -> Result<Cow<'_, [u8]>, AdaptError> {
    if wasmparser::Parser::is_component(wasm) {
        return Ok(Cow::Borrowed(wasm));
    }
    command::component_of(wasm).map(Cow::Owned)
}
