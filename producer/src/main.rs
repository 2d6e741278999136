//! `booster`: the command line of Booster Fleet.

use std::process::ExitCode;

fn main() -> ExitCode {
    booster_engine::compile_child();
    booster_producer::cli::main()
}
