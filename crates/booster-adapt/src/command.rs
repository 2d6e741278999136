//! WASI commands as boosters: JSON on standard input, JSON on standard output.
//!
//! The command is a core module for `wasi_snapshot_preview1` that exports `memory` and `_start`. It gets the input
//! on its standard input; what it has written to its standard output when `_start` returns is the output, or the
//! refusal, when it begins with `{"success":false` (with or without blanks). What it writes to standard error is
//! dropped. It has no arguments and no environment. Files, sockets, clocks and waiting are answered with the error
//! `NOSYS`, and random bytes are zeros, so that hash tables work and the output is a function of the input. A
//! command answers by returning from `main`: leaving through `proc_exit` is a trap, and so a failed attempt.

use crate::compose::{Stand, compose};
use crate::error::AdaptError;
use crate::module::{Face, Import};

/// The adapter.
const ADAPTER: &str = include_str!("command.wat");
/// The module that commands import from.
const WASI: &str = "wasi_snapshot_preview1";
/// "This function is not supported", an error number of WASI.
const NOSYS: i32 = 52;

/// Functions of WASI that are there and always fail.
const DENIED: [&str; 35] = [
    "clock_res_get",
    "clock_time_get",
    "fd_advise",
    "fd_allocate",
    "fd_datasync",
    "fd_fdstat_set_flags",
    "fd_fdstat_set_rights",
    "fd_filestat_get",
    "fd_filestat_set_size",
    "fd_filestat_set_times",
    "fd_pread",
    "fd_pwrite",
    "fd_readdir",
    "fd_renumber",
    "fd_seek",
    "fd_sync",
    "fd_tell",
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
    "proc_raise",
    "sock_accept",
    "sock_recv",
    "sock_send",
    "sock_shutdown",
    "fd_prestat_get",
    "fd_prestat_dir_name",
];

/// Makes a component of a WASI command.
///
/// # Errors
/// [`AdaptError`] when the module is no command: `_start` or the memory is missing, or it imports something else
/// than functions of `wasi_snapshot_preview1`.
pub fn component_of(wasm: &[u8]) -> Result<Vec<u8>, AdaptError> {
    let face = Face::of(wasm)?;
    if !face.exports("_start") {
        let message = "it is neither a component nor a WASI command: a command exports `_start`";
        return Err(AdaptError::Contract(message.to_owned()));
    }
    let adapter = wat::parse_str(ADAPTER).map_err(|error| AdaptError::Malformed(error.to_string()))?;
    let offered = Face::of(&adapter)?;
    compose(wasm, &adapter, |import| stand(import, &offered))
}

fn stand(import: &Import, adapter: &Face) -> Result<Stand, AdaptError> {
    let known = import.module == WASI;
    if known && adapter.exports(&import.name) {
        return Ok(Stand::Adapter(import.name.clone()));
    }
    if known && DENIED.contains(&import.name.as_str()) {
        // A program asks for folders until it is told that there is no such file descriptor.
        let is_prestat = import.name.starts_with("fd_prestat");
        return Ok(Stand::Constant(if is_prestat { 8 } else { NOSYS }));
    }
    let (module, name) = (import.module.clone(), import.name.clone());
    Err(AdaptError::Import {
        module,
        name,
        offered: "a WASI command may import `wasi_snapshot_preview1` only",
    })
}
