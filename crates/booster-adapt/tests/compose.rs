//! What the compositions are made of, without running them; the engine's tests run them.

use booster_adapt::{agent_booster, component_of};
use wasmparser::{Validator, WasmFeatures};

/// A module like one of wasm-bindgen's, with one import of each kind.
const MODULE: &str = r#"(module
  (import "__wbindgen_placeholder__" "__wbindgen_cast_0123456789abcdef" (func (param f64) (result i32)))
  (import "__wbindgen_placeholder__" "__wbindgen_cast_fedcba9876543210" (func (param i32 i32) (result i32)))
  (import "__wbindgen_placeholder__" "__wbg_error_7534b8e9a36f1ab4" (func (param i32 i32)))
  (memory (export "memory") 1)
  (func (export "make") (param i32) (result i32) local.get 0))"#;

/// An adapter with a memory of its own.
const ADAPTER: &str = r#"(module
  (import "main" "make" (func $make (param i32) (result i32)))
  (import "bridge" "read" (func (param i32 i32 i32)))
  (memory (export "memory") 1)
  (func (export "number_value") (param f64) (result i32) (i32.const 0))
  (func (export "text_value") (param i32 i32) (result i32) (i32.const 0))
  (func (export "console_error") (param i32 i32))
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 0))
  (func (export "cabi_post_apply") (param i32))
  (func (export "apply") (param i32 i32) (result i32) (call $make (i32.const 0))))"#;

fn wasm(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap()
}

fn contains(whole: &[u8], part: &[u8]) -> bool {
    whole.windows(part.len()).any(|window| window == part)
}

#[test]
fn a_composition_is_a_valid_component_with_the_module_in_it_as_it_was() {
    let (module, adapter) = (wasm(MODULE), wasm(ADAPTER));
    let component = agent_booster::component_of(&module, &adapter).unwrap();
    Validator::new_with_features(WasmFeatures::default()).validate_all(&component).unwrap();
    assert!(contains(&component, &module), "the module is embedded byte for byte");
    assert!(matches!(component_of(&component).unwrap(), std::borrow::Cow::Borrowed(_)), "it is handed on");
}

#[test]
fn imports_that_are_not_known_and_exports_that_are_missing_are_told() {
    let adapter = wasm(ADAPTER);
    let error = |module: &str| agent_booster::component_of(&wasm(module), &adapter).unwrap_err();
    let unknown = error(&MODULE.replace("__wbg_error_", "__wbg_fetch_"));
    assert_eq!(unknown.code(), "module_import");
    assert!(unknown.to_string().contains("__wbg_fetch_7534b8e9a36f1ab4"), "{unknown}");
    let elsewhere = error(&MODULE.replace("__wbindgen_placeholder__", "env"));
    assert_eq!(elsewhere.code(), "module_import");
    let other_type = error(&MODULE.replace("(func (param f64) (result i32))", "(func (result i32))"));
    assert_eq!(other_type.code(), "module_import");
    let missing = error(&MODULE.replace("\"make\"", "\"take\""));
    assert!(missing.to_string().contains("does not export `make`"), "{missing}");
    let no_memory = error(&MODULE.replace("(export \"memory\")", ""));
    assert_eq!(no_memory.code(), "module_contract");
    assert!(!no_memory.is_retryable());
}

#[test]
fn a_command_becomes_a_component_and_other_bytes_do_not() {
    let command = wasm(
        r#"(module
          (import "wasi_snapshot_preview1" "fd_write" (func (param i32 i32 i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "path_open"
            (func (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
          (memory (export "memory") 1)
          (func (export "_start")))"#,
    );
    let component = component_of(&command).unwrap();
    Validator::new_with_features(WasmFeatures::default()).validate_all(&component).unwrap();
    assert!(contains(&component, &command));
    assert_eq!(component_of(b"\0asm").unwrap_err().code(), "module_malformed");
    assert_eq!(component_of(b"").unwrap_err().code(), "module_malformed");
    assert_eq!(component_of(&wasm("(module)")).unwrap_err().code(), "module_contract");
}
