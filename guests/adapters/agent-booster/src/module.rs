//! Calls of the published module, in its memory, as its JavaScript makes them.
#![allow(unsafe_code, reason = "the module and the bridge to its memory are foreign functions")]

use std::cell::Cell;

use crate::values;

/// The published module.
#[link(wasm_import_module = "main")]
unsafe extern "C" {
    fn __wbindgen_start();
    fn __wbindgen_add_to_stack_pointer(by: i32) -> i32;
    #[link_name = "__wbindgen_export_0"]
    fn malloc(size: i32, align: i32) -> i32;
    #[link_name = "__wbindgen_export_2"]
    fn module_free(at: i32, size: i32, align: i32);
    fn agentboosterwasm_new(result: i32);
    fn agentboosterwasm_apply_edit(
        result: i32,
        booster: i32,
        code: i32,
        code_len: i32,
        edit: i32,
        edit_len: i32,
        language: i32,
    );
    fn wasmeditresult_merged_code(result: i32, edit: i32);
    fn wasmeditresult_confidence(edit: i32) -> f32;
    fn wasmeditresult_strategy(edit: i32) -> i32;
    fn __wbg_wasmeditresult_free(edit: i32, unused: i32);
}

/// Copies between the module's memory and this one.
#[link(wasm_import_module = "bridge")]
unsafe extern "C" {
    fn read(theirs: i32, ours: *mut u8, len: i32);
    fn write(ours: *const u8, theirs: i32, len: i32);
}

/// What the module made of an edit.
pub(crate) struct EditResult {
    pub(crate) merged_code: String,
    pub(crate) confidence: f32,
    pub(crate) strategy: i32,
}

thread_local! {
    /// The module's `AgentBoosterWasm`, once it is made.
    static BOOSTER: Cell<Option<i32>> = const { Cell::new(None) };
}

/// Applies an edit; an error is what the module threw.
pub(crate) fn apply_edit(code: &str, edit: &str, language: i32) -> Result<EditResult, String> {
    let booster = booster()?;
    let (code, edit) = (give(code.as_bytes()), give(edit.as_bytes()));
    let edit = with_result(|result| {
        // SAFETY: the arguments are what the module's JavaScript passes: a place for three words on the module's
        // stack, its own object, and two buffers of its allocator that it now owns.
        unsafe { agentboosterwasm_apply_edit(result, booster, code.0, code.1, edit.0, edit.1, language) }
    })?;
    let [at, len, _] = words_of(|result| {
        // SAFETY: `edit` is the object that the module has just made.
        unsafe { wasmeditresult_merged_code(result, edit) }
    });
    let merged_code = String::from_utf8_lossy(&take_bytes(at, len)).into_owned();
    free(at, len);
    // SAFETY: as above; the object is not used after it was freed.
    let result = unsafe {
        EditResult {
            merged_code,
            confidence: wasmeditresult_confidence(edit),
            strategy: wasmeditresult_strategy(edit),
        }
    };
    // SAFETY: as above.
    unsafe { __wbg_wasmeditresult_free(edit, 0) };
    Ok(result)
}

/// The module's object, which is made once: that takes far longer than an edit.
fn booster() -> Result<i32, String> {
    if let Some(booster) = BOOSTER.get() {
        return Ok(booster);
    }
    // SAFETY: the module's start comes before everything else, once.
    unsafe { __wbindgen_start() };
    let booster = with_result(|result| {
        // SAFETY: `result` is a place for three words.
        unsafe { agentboosterwasm_new(result) }
    })?;
    BOOSTER.set(Some(booster));
    Ok(booster)
}

/// Calls a function that leaves a value, an error and whether it is the error in three words.
fn with_result(call: impl FnOnce(i32)) -> Result<i32, String> {
    let [value, error, is_error] = words_of(call);
    if is_error == 0 { Ok(value) } else { Err(values::take(error).to_text()) }
}

/// Calls a function that leaves its result at a place on the module's stack, and reads three words there.
fn words_of(call: impl FnOnce(i32)) -> [i32; 3] {
    // SAFETY: moves the module's stack pointer down for the result and, below, up again.
    let result = unsafe { __wbindgen_add_to_stack_pointer(-16) };
    call(result);
    let bytes = take_bytes(result, 12);
    // SAFETY: as above.
    unsafe { __wbindgen_add_to_stack_pointer(16) };
    let word = |at: usize| {
        let mut word = [0; 4];
        word.copy_from_slice(&bytes[at..at + 4]);
        i32::from_le_bytes(word)
    };
    [word(0), word(4), word(8)]
}

/// Copies bytes into a new buffer of the module's allocator.
fn give(bytes: &[u8]) -> (i32, i32) {
    let len = i32::try_from(bytes.len()).expect("a text has less than 2 GiB");
    // SAFETY: the buffer has `len` bytes, and `bytes` too.
    unsafe {
        let at = malloc(len, 1);
        write(bytes.as_ptr(), at, len);
        (at, len)
    }
}

/// Gives the module a text: its buffer and length go where the module wants them.
pub(crate) fn give_text(result: i32, text: &str) {
    let (at, len) = give(text.as_bytes());
    let words = [at.to_le_bytes(), len.to_le_bytes()].concat();
    // SAFETY: the module has reserved two words there.
    unsafe { write(words.as_ptr(), result, 8) };
}

/// A copy of bytes in the module's memory.
pub(crate) fn take_bytes(at: i32, len: i32) -> Vec<u8> {
    let mut bytes = vec![0; usize::try_from(len).unwrap_or(0)];
    // SAFETY: `bytes` has as many; a range outside of the module's memory is a trap.
    unsafe { read(at, bytes.as_mut_ptr(), bytes.len() as i32) };
    bytes
}

/// Frees a text that the module has given away.
pub(crate) fn free(at: i32, len: i32) {
    // SAFETY: the module's JavaScript frees its texts so, with alignment 1.
    unsafe { module_free(at, len, 1) };
}
