//! `booster completions` and `booster man`.

use std::path::PathBuf;

use clap::{Args, Command, ValueEnum};
use clap_complete::Shell as Target;

use super::print;
use crate::error::ClientError;

/// Arguments of `booster completions`.
#[derive(Debug, Args)]
pub(crate) struct CompletionsArguments {
    /// The shell
    shell: Shell,
}

/// A shell that has completions.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Shell {
    /// Source it, or put it into /etc/bash_completion.d
    Bash,
    /// Put it as _booster into a directory of $fpath
    Zsh,
    /// Put it as booster.fish into ~/.config/fish/completions
    Fish,
}

/// Arguments of `booster man`.
#[derive(Debug, Args)]
pub(crate) struct ManArguments {
    /// The directory for the pages; made when it is not there
    dir: PathBuf,
    /// Print the pages' paths as JSON
    #[arg(long)]
    json: bool,
}

/// Prints a shell's completions.
pub(crate) fn completions(arguments: &CompletionsArguments, mut command: Command) -> Result<u8, ClientError> {
    let target = match arguments.shell {
        Shell::Bash => Target::Bash,
        Shell::Zsh => Target::Zsh,
        Shell::Fish => Target::Fish,
    };
    let mut text = Vec::new();
    clap_complete::generate(target, &mut command, "booster", &mut text);
    print::line(String::from_utf8_lossy(&text).trim_end())?;
    Ok(0)
}

/// Writes one manual page for the program and one for each of its commands.
pub(crate) fn man(arguments: &ManArguments, command: Command) -> Result<u8, ClientError> {
    let failed = |error: std::io::Error| ClientError::usage(arguments.dir.display().to_string(), error);
    std::fs::create_dir_all(&arguments.dir).map_err(failed)?;
    clap_mangen::generate_to(command, &arguments.dir).map_err(failed)?;
    let mut pages = Vec::new();
    for entry in std::fs::read_dir(&arguments.dir).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_some_and(|extension| extension == "1") {
            pages.push(path.display().to_string());
        }
    }
    pages.sort();
    if arguments.json {
        print::line(&serde_json::json!({ "pages": pages }).to_string())?;
    } else {
        eprintln!(
            "booster: {} pages; read one with `man {}/booster.1`",
            pages.len(),
            arguments.dir.display()
        );
    }
    Ok(0)
}
