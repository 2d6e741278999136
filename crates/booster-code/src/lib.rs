//! What the boosters `analyze`, `rewrite` and `scaffold` know of source code, in eight languages.
//!
//! - [`analyze`] measures functions: length, nesting, cyclomatic and cognitive complexity, loops, allocations.
//! - [`rewrite`] searches and replaces by structure: shipped rules that keep behaviour, and the caller's own.
//! - [`scaffold`] writes tests, doc comments and stubs from signatures.
//!
//! Each is a pure function from a JSON text to a JSON text or a refusal: no clock, no input or output, no
//! randomness, and no panic on any input. They share the languages, the parsing and the signatures of functions,
//! which is why they are one crate; a booster is built from the one function that it calls.

pub mod analyze;
mod error;
mod functions;
mod input;
mod language;
pub mod rewrite;
pub mod scaffold;
mod signature;
mod syntax;

pub use error::CodeError;
pub use input::MAX_BYTES;
pub use language::Language;
