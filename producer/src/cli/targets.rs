//! `booster targets`: where Prometheus finds the workers.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use booster_core::UnixMillis;
use booster_queue::now_ms;
use booster_state::{Endpoint, endpoints};
use clap::Args;

use super::print;
use crate::client::Client;
use crate::error::ClientError;
use crate::local::stop_signal;

/// How often a follower looks for workers that have come or gone.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// A worker that fell silent is a target for so long, in milliseconds: a day.
const MISSED_FOR: u64 = 24 * 3600 * 1000;

/// Arguments of `targets`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Keep this file up to date until Ctrl-C: workers that were stopped in order leave it, silent ones stay
    #[arg(long, value_name = "FILE")]
    follow: Option<PathBuf>,
}

/// Prints the living workers, or keeps a file of them.
pub(crate) async fn run(arguments: &Arguments, client: &Client) -> Result<u8, ClientError> {
    let mut targets = Targets::default();
    targets.update(endpoints(client.link(), client.keys()).await?, now_ms());
    let Some(file) = &arguments.follow else {
        print::line(&targets.to_json())?;
        return Ok(0);
    };
    let stop = stop_signal()?;
    tokio::pin!(stop);
    let mut written = String::new();
    let mut away = false;
    loop {
        let text = targets.to_json();
        if text != written {
            write(file, &text)?;
            written = text;
        }
        tokio::select! {
            () = &mut stop => return Ok(0),
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
        match endpoints(client.link(), client.keys()).await {
            Ok(living) => {
                targets.update(living, now_ms());
                away = false;
            }
            // The file stays as it is. Said once for each time that Redis is away.
            Err(error) if !away => {
                eprintln!("booster: {error}; {} is not kept up to date meanwhile", file.display());
                away = true;
            }
            Err(_) => {}
        }
    }
}

/// Puts the text into place at once, so that nobody reads half of it.
fn write(file: &Path, text: &str) -> Result<(), ClientError> {
    let mut name = file.as_os_str().to_owned();
    name.push(".new");
    let wrong = |error: std::io::Error| ClientError::usage(format!("--follow {}", file.display()), error);
    std::fs::write(&name, format!("{text}\n")).map_err(wrong)?;
    std::fs::rename(&name, file).map_err(wrong)
}

/// The workers that Prometheus should find: those that live, and those that fell silent within the last day and in
/// whose place no other has come.
#[derive(Debug, Default)]
struct Targets {
    known: BTreeMap<String, Endpoint>,
}

impl Targets {
    fn update(&mut self, living: Vec<Endpoint>, now: UnixMillis) {
        let taken: BTreeSet<&str> = living.iter().map(|endpoint| endpoint.address.as_str()).collect();
        // Whoever goes in order removes its profile while that still holds; a silent worker's lapses.
        self.known.retain(|_, endpoint| {
            let silent = endpoint.holds_until <= now && now - endpoint.holds_until < MISSED_FOR;
            silent && !taken.contains(endpoint.address.as_str())
        });
        self.known.extend(living.into_iter().map(|endpoint| (endpoint.worker.clone(), endpoint)));
    }

    /// In the form of Prometheus' `file_sd_configs`.
    fn to_json(&self) -> String {
        let addresses: BTreeSet<&str> =
            self.known.values().map(|endpoint| endpoint.address.as_str()).collect();
        serde_json::json!([{ "targets": addresses }]).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(worker: &str, port: u16, holds_until: UnixMillis) -> Endpoint {
        Endpoint { worker: worker.to_owned(), address: format!("h:{port}"), holds_until }
    }

    #[test]
    fn a_worker_that_leaves_in_order_is_no_target_and_a_silent_one_is() {
        let mut targets = Targets::default();
        targets.update(vec![endpoint("a", 1, 100), endpoint("b", 2, 100)], 80);
        assert_eq!(targets.to_json(), r#"[{"targets":["h:1","h:2"]}]"#);
        // Neither is there any more: at 90 both profiles would still hold, so both were removed in order.
        targets.update(Vec::new(), 90);
        assert_eq!(targets.to_json(), r#"[{"targets":[]}]"#);
        // At 101 they have lapsed.
        targets.update(vec![endpoint("a", 1, 100), endpoint("b", 2, 100)], 80);
        targets.update(Vec::new(), 101);
        assert_eq!(targets.to_json(), r#"[{"targets":["h:1","h:2"]}]"#);
        // Another worker listens where `a` did, and a day later nobody misses `b`.
        targets.update(vec![endpoint("c", 1, 200)], 110);
        assert_eq!(targets.known.keys().collect::<Vec<_>>(), ["b", "c"]);
        targets.update(vec![endpoint("c", 1, MISSED_FOR + 200)], MISSED_FOR + 100);
        assert_eq!(targets.to_json(), r#"[{"targets":["h:1"]}]"#);
    }
}
