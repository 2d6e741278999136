//! `booster apply`: one edit in this process.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use booster_core::{Attempt, Config, Target};
use clap::Args;
use serde_json::Value;

use super::{EXIT_DEAD, EXIT_REFUSED, print};
use crate::error::ClientError;
use crate::sandbox::Sandbox;

/// Arguments of `booster apply`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The file to edit
    file: PathBuf,
    /// The edit: a file, or - for standard input
    #[arg(long, value_name = "EDIT")]
    edit: String,
    /// The language, where the file's name does not say it
    #[arg(long)]
    language: Option<String>,
    /// Run this booster in a sandbox instead of the built-in engine
    #[arg(long, value_name = "NAME[@VERSION]")]
    booster: Option<String>,
    /// Write the result into the file instead of printing it
    #[arg(long)]
    write: bool,
    /// Print the whole answer as JSON
    #[arg(long)]
    json: bool,
}

/// Applies the edit; exit 0 done, 3 refused, 4 when the booster failed.
pub(crate) async fn run(arguments: Arguments, config: &Config) -> Result<u8, ClientError> {
    let code = read_text(&arguments.file)?;
    let edit = if arguments.edit == "-" { read_stdin()? } else { read_text(Path::new(&arguments.edit))? };
    let mut input =
        serde_json::json!({ "code": code, "edit": edit, "path": arguments.file.to_string_lossy() });
    if let Some(language) = &arguments.language {
        input["language"] = Value::from(language.as_str());
    }
    let input = input.to_string();
    let start = Instant::now();
    let (answer, latency_ms) = match &arguments.booster {
        None => {
            let answer = booster_apply::apply_json(&input).map_err(Failure::Refused);
            (answer, start.elapsed().as_secs_f64() * 1000.0)
        }
        Some(name) => in_sandbox(name, input, config).await?,
    };
    match answer {
        Ok(output) => done(&arguments, &output, latency_ms),
        Err(Failure::Refused(refusal)) => {
            refused(&arguments, &refusal)?;
            Ok(EXIT_REFUSED)
        }
        Err(Failure::Failed(message)) => {
            if arguments.json {
                print::line(&serde_json::json!({ "success": false, "error": message }).to_string())?;
            }
            eprintln!("booster: {message}");
            Ok(EXIT_DEAD)
        }
    }
}

enum Failure {
    Refused(String),
    Failed(String),
}

/// The booster's answer, and the time it took in the sandbox in milliseconds.
async fn in_sandbox(
    name: &str,
    input: String,
    config: &Config,
) -> Result<(Result<String, Failure>, f64), ClientError> {
    let sandbox = Sandbox::open(config, 1).await?;
    let booster = sandbox
        .resolve(&Target::Booster(name.to_owned()))
        .map_err(|known| ClientError::usage(format!("--booster {name}"), known))?;
    let run = sandbox.run(booster, input, None).await?;
    let answer = match run.attempt {
        Attempt::Done(output) => Ok(output.get().to_owned()),
        Attempt::Refused(refusal) => Err(Failure::Refused(refusal.get().to_owned())),
        Attempt::Failed { cause, message, .. } => {
            Err(Failure::Failed(format!("{}: {message}", cause.as_str())))
        }
        Attempt::Invalid { message, .. } => Err(Failure::Failed(message)),
        Attempt::HandBack => Err(Failure::Failed("stopped".into())),
    };
    Ok((answer, run.latency_ms))
}

fn done(arguments: &Arguments, output: &str, latency_ms: f64) -> Result<u8, ClientError> {
    let mut answer: Value =
        serde_json::from_str(output).map_err(|error| ClientError::machine("the booster's answer", error))?;
    if arguments.write {
        let Some(text) = answer["output"].as_str() else {
            return Err(ClientError::machine("the booster's answer", "has no `output` to write"));
        };
        write_atomically(&arguments.file, text)?;
    }
    if arguments.json {
        if let Some(answer) = answer.as_object_mut() {
            answer.insert("latency".into(), Value::from((latency_ms * 1000.0).round() / 1000.0));
        }
        print::line(&answer.to_string())?;
    } else if !arguments.write {
        let text = answer["output"].as_str().map_or_else(|| answer.to_string(), ToOwned::to_owned);
        let mut stdout = std::io::stdout().lock();
        stdout.write_all(text.as_bytes()).map_err(|error| ClientError::machine("stdout", error))?;
    }
    Ok(0)
}

fn refused(arguments: &Arguments, refusal: &str) -> Result<(), ClientError> {
    if arguments.json {
        return print::line(&refusal.replace(['\n', '\r'], " "));
    }
    let answer: Value = serde_json::from_str(refusal).unwrap_or_default();
    let reason = answer["reason"].as_str().unwrap_or("refused");
    let message = print::one_line(answer["message"].as_str().unwrap_or(refusal));
    eprintln!("booster: refused ({reason}): {message}");
    Ok(())
}

fn read_text(path: &Path) -> Result<String, ClientError> {
    std::fs::read_to_string(path).map_err(|error| ClientError::usage(path.display().to_string(), error))
}

fn read_stdin() -> Result<String, ClientError> {
    let mut text = String::new();
    std::io::stdin()
        .read_to_string(&mut text)
        .map_err(|error| ClientError::usage("standard input", error))?;
    Ok(text)
}

/// Replaces a file whole or not at all: a new file beside it is renamed over it.
fn write_atomically(path: &Path, text: &str) -> Result<(), ClientError> {
    let failed = |error: std::io::Error| ClientError::machine(path.display().to_string(), error);
    let path = path.canonicalize().map_err(failed)?;
    let dir = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(dir).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)?;
    let permissions = std::fs::metadata(&path).map_err(failed)?.permissions();
    file.as_file().set_permissions(permissions).map_err(failed)?;
    file.as_file().sync_all().map_err(failed)?;
    file.persist(&path).map(drop).map_err(|error| failed(error.error))
}
