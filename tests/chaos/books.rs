//! The independent checker: what the submitting side wrote down, against what Redis holds and what the workers'
//! run logs say.
//!
//! It shares no code with the fleet. It has connections of its own, spells the keys as the protocol's page does,
//! and looks at outcomes, live jobs, streams and events, never at the fleet's own counters.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::File;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{Cmd, FromRedisValue, Pipeline};
use serde::Deserialize;
use tokio::time::{Instant, sleep};

use crate::Trouble;

/// What every key begins with.
const PREFIX: &str = "swarm:phase-5:";
/// The queues that the scenarios use.
const QUEUES: [&str; 3] = ["high", "normal", "low"];
/// The workers' group on the job streams.
const GROUP: &str = "workers";
/// How long one answer of Redis may take: a page of a large stream on a busy machine.
const ANSWER_LIMIT: Duration = Duration::from_secs(60);
/// Records or events read in one go.
const PAGE: usize = 2000;
/// How often the queues are looked at while they empty.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Most examples named of one kind of fault.
const MOST_EXAMPLES: usize = 3;

/// The submitting side's own list of what was accepted: one id a line.
#[derive(Debug)]
pub(crate) struct Ledger {
    file: Mutex<BufWriter<File>>,
}

impl Ledger {
    pub(crate) fn create(path: &Path) -> Result<Self, Trouble> {
        Ok(Self { file: Mutex::new(BufWriter::new(File::create_new(path)?)) })
    }

    /// Writes down that these jobs were accepted.
    pub(crate) fn accepted<'a>(&self, ids: impl IntoIterator<Item = &'a str>) -> Result<(), Trouble> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        for id in ids {
            writeln!(file, "{id}")?;
        }
        Ok(file.flush()?)
    }
}

/// What the queues still hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Left {
    /// Entries of the job streams: waiting or held by a worker.
    pub(crate) entries: u64,
    /// Entries that some worker holds.
    pub(crate) pending: u64,
    /// Jobs that wait for their time.
    pub(crate) delayed: u64,
}

impl Left {
    pub(crate) fn total(self) -> u64 {
        self.entries + self.delayed
    }
}

/// What the checker found.
#[derive(Debug, Default)]
pub(crate) struct Audit {
    /// Jobs that the submitting side was told were accepted.
    pub(crate) accepted: usize,
    /// Those with exactly one stored outcome.
    pub(crate) settled: usize,
    /// Those with more runs than failed attempts and one.
    pub(crate) run_twice: usize,
    /// Those that Redis does not know.
    pub(crate) lost: usize,
    /// Those with more than one outcome, or a record that disagrees with what was announced.
    pub(crate) stored_twice: usize,
    /// Everything else that is wrong.
    pub(crate) faults: Vec<String>,
    /// How many ended as what; dead ones by their reason.
    kinds: BTreeMap<String, usize>,
    runs: u64,
    crashes: u64,
}

impl Audit {
    /// What the jobs came to, in words.
    pub(crate) fn outcomes(&self) -> String {
        let mut words: Vec<String> =
            self.kinds.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
        words.push(format!("{} runs", self.runs));
        if self.crashes > 0 {
            words.push(format!("{} crashes", self.crashes));
        }
        format!("({})", words.join(", "))
    }

    /// How many jobs ended as this kind, such as `done` or `dead quarantined`.
    pub(crate) fn kind(&self, name: &str) -> usize {
        self.kinds.get(name).copied().unwrap_or(0)
    }

    /// How many attempts took their process with them.
    pub(crate) fn crashes(&self) -> u64 {
        self.crashes
    }
}

/// All that is known of one job id, from all sources.
#[derive(Debug, Default)]
struct Page {
    accepted: bool,
    /// Stored outcomes with this id, over all queues.
    records: u32,
    /// Redis knows it as a job that has not ended.
    live: bool,
    /// How the job ended, as its stored outcome says.
    state: Option<State>,
    attempts: u32,
    crashes: u32,
    /// Who settled it and how long the run took, as the outcome says: a mark of one settlement.
    stored: u64,
    /// The same as the last event said that announced an end.
    announced: u64,
    /// Events that announced an end.
    ends: u32,
    announced_state: Option<State>,
    /// Events that told of a failed attempt, the last one of a dead job included.
    failures: u32,
    runs: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Done,
    Refused,
    Dead,
    Cancelled,
}

impl State {
    fn from_word(word: &str) -> Option<Self> {
        Some(match word {
            "done" => Self::Done,
            "refused" => Self::Refused,
            "dead" => Self::Dead,
            "cancelled" => Self::Cancelled,
            _ => return None,
        })
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct StoredOutcome {
    id: String,
    outcome: String,
    attempts: u32,
    crashes: u32,
    worker: String,
    latency_ms: f64,
    error: Option<StoredError>,
}

#[derive(Debug, Deserialize)]
struct StoredError {
    code: String,
}

#[derive(Debug, Deserialize)]
struct Told {
    data: ToldData,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ToldData {
    job_id: String,
    worker_id: String,
    latency_ms: f64,
    outcome: Option<String>,
    cause: Option<String>,
    dead: Option<bool>,
}

/// A settlement's mark: two settlements of one job differ in worker or in duration.
fn mark(worker: &str, latency_ms: f64) -> u64 {
    let mut hasher = DefaultHasher::new();
    (worker, latency_ms.to_bits()).hash(&mut hasher);
    hasher.finish()
}

/// Where the books of one fleet are kept.
#[derive(Debug, Clone)]
pub(crate) struct Books {
    /// Addresses of all Redis servers that may hold keys; replicas and dead ones are passed over.
    pub(crate) nodes: Vec<String>,
    /// How many of them are masters when all is well: a look at fewer would not see all keys.
    pub(crate) masters: usize,
    /// The submitting side's list.
    pub(crate) ledger: PathBuf,
    /// The workers' run log; `.1` is added for the older file.
    pub(crate) run_log: PathBuf,
}

impl Books {
    /// What the queues hold now, by the lengths of their keys.
    pub(crate) async fn left(&self) -> Result<Left, Trouble> {
        let mut left = Left::default();
        for mut node in self.masters().await? {
            for queue in QUEUES {
                for lane in ["jobs", "front", "turn"] {
                    let key = format!("{PREFIX}{{{queue}}}:{lane}");
                    left.entries += ask(&mut node, redis::cmd("XLEN").arg(&key)).await?.unwrap_or(0);
                    let pending = redis::cmd("XPENDING").arg(&key).arg(GROUP).to_owned();
                    let pending: Option<redis::Value> = ask(&mut node, &pending).await?;
                    if let Some(redis::Value::Array(fields)) = pending
                        && let Some(redis::Value::Int(count)) = fields.first()
                    {
                        left.pending += u64::try_from(*count).unwrap_or(0);
                    }
                }
                let key = format!("{PREFIX}{{{queue}}}:delayed");
                left.delayed += ask(&mut node, redis::cmd("ZCARD").arg(&key)).await?.unwrap_or(0);
            }
        }
        Ok(left)
    }

    /// Waits until the queues hold nothing, for as long as they change at least once in `patience`. Returns what
    /// is left, which is nothing when all went well.
    pub(crate) async fn wait_until_empty(&self, patience: Duration) -> Left {
        let mut last = Left::default();
        let mut changed = Instant::now();
        loop {
            // A server that is away for a moment is part of the scenario.
            if let Ok(left) = self.left().await {
                if left == Left::default() {
                    return left;
                }
                if left != last {
                    (last, changed) = (left, Instant::now());
                }
            }
            if changed.elapsed() > patience {
                return last;
            }
            sleep(LOOK_EVERY).await;
        }
    }

    /// Accepted ids of which Redis knows nothing. Only meaningful while the queues are empty.
    pub(crate) async fn unknown(&self) -> Result<Vec<String>, Trouble> {
        let mut pages = self.accepted()?;
        self.read_records(&mut pages, &mut Audit::default()).await?;
        Ok(pages
            .into_iter()
            .filter(|(_, page)| page.accepted && page.records == 0 && !page.live)
            .map(|(id, _)| id)
            .collect())
    }

    /// The stored outcome of one job, as JSON; `None` when there is none.
    pub(crate) async fn outcome(&self, id: &str) -> Result<Option<serde_json::Value>, Trouble> {
        let text = self.find(&format!("job:{id}"), |key| redis::cmd("GET").arg(key).to_owned()).await?;
        Ok(text.map(|text| serde_json::from_str(&text)).transpose()?)
    }

    /// Who runs a job; `None` when nobody does.
    pub(crate) async fn runner(&self, id: &str) -> Result<Option<String>, Trouble> {
        let line = self.find("live", |key| redis::cmd("HGET").arg(key).arg(id).to_owned()).await?;
        let words: Vec<String> = line.iter().flat_map(|line| line.split(' ')).map(str::to_owned).collect();
        Ok(match &words[..] {
            [state, _, worker, ..] if state == "running" => Some(worker.clone()),
            _ => None,
        })
    }

    /// The answer to a command about one key, from whichever queue has it.
    async fn find(&self, key: &str, command: impl Fn(String) -> Cmd) -> Result<Option<String>, Trouble> {
        for mut node in self.masters().await? {
            for queue in QUEUES {
                let command = command(format!("{PREFIX}{{{queue}}}:{key}"));
                if let Some(Some(found)) = ask::<Option<String>>(&mut node, &command).await? {
                    return Ok(Some(found));
                }
            }
        }
        Ok(None)
    }

    /// Balances the books.
    pub(crate) async fn audit(&self) -> Result<Audit, Trouble> {
        let mut audit = Audit::default();
        let left = self.left().await?;
        if left != Left::default() {
            audit.faults.push(format!("the queues are not empty: {left:?}"));
        }
        let mut pages = self.accepted()?;
        self.read_records(&mut pages, &mut audit).await?;
        self.read_events(&mut pages).await?;
        self.read_runs(&mut pages)?;
        balance(&pages, &mut audit);
        Ok(audit)
    }

    /// The submitting side's list as the first entries of the pages.
    fn accepted(&self) -> Result<HashMap<String, Page>, Trouble> {
        let mut pages: HashMap<String, Page> = HashMap::new();
        for id in BufReader::new(File::open(&self.ledger)?).lines() {
            pages.entry(id?).or_default().accepted = true;
        }
        Ok(pages)
    }

    /// Everything that Redis knows of jobs: stored outcomes, and jobs that have not ended.
    async fn read_records(
        &self,
        pages: &mut HashMap<String, Page>,
        audit: &mut Audit,
    ) -> Result<(), Trouble> {
        for mut node in self.masters().await? {
            let mut cursor = 0_u64;
            loop {
                let mut scan = redis::cmd("SCAN");
                scan.arg(cursor).arg("MATCH").arg(format!("{PREFIX}{{*}}:job:*")).arg("COUNT").arg(PAGE);
                let (next, keys): (u64, Vec<String>) = scan.query_async(&mut node).await?;
                read_outcomes(&mut node, &keys, pages, audit).await?;
                if next == 0 {
                    break;
                }
                cursor = next;
            }
            for queue in QUEUES {
                read_live(&mut node, &format!("{PREFIX}{{{queue}}}:live"), pages).await?;
            }
        }
        Ok(())
    }

    /// The events of the queues' own streams and those that have been moved to the fleet's.
    async fn read_events(&self, pages: &mut HashMap<String, Page>) -> Result<(), Trouble> {
        let own = QUEUES.map(|queue| format!("{PREFIX}{{{queue}}}:events"));
        // What is copied in the very moment of reading has the same source in both.
        let mut seen = HashSet::new();
        for mut node in self.masters().await? {
            for key in own.iter().cloned().chain([format!("{PREFIX}events")]) {
                let mut from = "-".to_owned();
                loop {
                    let mut range = redis::cmd("XRANGE");
                    range.arg(&key).arg(&from).arg("+").arg("COUNT").arg(PAGE);
                    let found: Vec<(String, HashMap<String, String>)> =
                        ask(&mut node, &range).await?.unwrap_or_default();
                    for (_, fields) in &found {
                        for event in fields.get("events").into_iter().flat_map(|events| events.lines()) {
                            if seen.insert(fingerprint(event)) {
                                note_event(event, pages)?;
                            }
                        }
                    }
                    match found.last() {
                        Some((last, _)) if found.len() == PAGE => from = format!("({last}"),
                        _ => break,
                    }
                }
            }
        }
        Ok(())
    }

    fn read_runs(&self, pages: &mut HashMap<String, Page>) -> Result<(), Trouble> {
        let mut older = self.run_log.clone().into_os_string();
        older.push(".1");
        for path in [PathBuf::from(older), self.run_log.clone()] {
            let file = match File::open(&path) {
                Ok(file) => file,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error.into()),
            };
            for line in BufReader::new(file).lines() {
                let line = line?;
                let words: Vec<&str> = line.split(' ').collect();
                let [_, id, _, _] = words[..] else {
                    return Err(format!("{}: a broken line: {line}", path.display()).into());
                };
                page(pages, id).runs += 1;
            }
        }
        Ok(())
    }

    /// A connection to each server that answers and is a master.
    async fn masters(&self) -> Result<Vec<MultiplexedConnection>, Trouble> {
        let config = redis::AsyncConnectionConfig::new()
            .set_connection_timeout(Some(Duration::from_secs(2)))
            .set_response_timeout(Some(ANSWER_LIMIT));
        let mut masters = Vec::new();
        for url in &self.nodes {
            let client = redis::Client::open(url.as_str())?;
            // A server that was killed does not answer; its keys are at another by now, or one master is missing.
            let Ok(mut node) = client.get_multiplexed_async_connection_with_config(&config).await else {
                continue;
            };
            let role: Vec<redis::Value> = redis::cmd("ROLE").query_async(&mut node).await?;
            if matches!(role.first(), Some(redis::Value::BulkString(role)) if role == b"master") {
                masters.push(node);
            }
        }
        if masters.len() == self.masters {
            return Ok(masters);
        }
        Err(format!("{} Redis servers are masters, not {}", masters.len(), self.masters).into())
    }
}

/// Runs a command; `None` when this node of a cluster does not hold the key, or the key or its group is not there.
async fn ask<T: FromRedisValue>(
    node: &mut MultiplexedConnection,
    command: &Cmd,
) -> Result<Option<T>, Trouble> {
    match command.query_async::<T>(node).await {
        Ok(value) => Ok(Some(value)),
        Err(error) if matches!(error.code(), Some("MOVED" | "ASK" | "NOGROUP")) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn page<'a>(pages: &'a mut HashMap<String, Page>, id: &str) -> &'a mut Page {
    pages.entry(id.to_owned()).or_default()
}

/// Counts the jobs that have not ended. Each has a field of its own.
async fn read_live(
    node: &mut MultiplexedConnection,
    key: &str,
    pages: &mut HashMap<String, Page>,
) -> Result<(), Trouble> {
    let mut cursor = 0_u64;
    loop {
        let mut scan = redis::cmd("HSCAN");
        scan.arg(key).arg(cursor).arg("COUNT").arg(PAGE);
        let Some((next, fields)): Option<(u64, Vec<String>)> = ask(node, &scan).await? else { return Ok(()) };
        // A job may be seen twice while the hash grows; its page only says that there is something.
        for id in fields.iter().step_by(2) {
            page(pages, id).live = true;
        }
        if next == 0 {
            return Ok(());
        }
        cursor = next;
    }
}

async fn read_outcomes(
    node: &mut MultiplexedConnection,
    keys: &[String],
    pages: &mut HashMap<String, Page>,
    audit: &mut Audit,
) -> Result<(), Trouble> {
    if keys.is_empty() {
        return Ok(());
    }
    let mut pipeline = Pipeline::with_capacity(keys.len());
    for key in keys {
        pipeline.cmd("GET").arg(key);
    }
    let texts: Vec<Option<String>> = pipeline.query_async(node).await?;
    for (key, text) in keys.iter().zip(texts) {
        let (Some((_, id)), Some(text)) = (key.split_once("}:job:"), text) else { continue };
        let stored: StoredOutcome = serde_json::from_str(&text)
            .map_err(|error| format!("the outcome of {id} is no outcome: {error}"))?;
        if stored.id != id {
            audit.faults.push(format!("the outcome of {id} is that of another job: {text}"));
        }
        let page = page(pages, id);
        page.records += 1;
        page.state = State::from_word(&stored.outcome);
        (page.attempts, page.crashes) = (stored.attempts, stored.crashes);
        page.stored = mark(&stored.worker, stored.latency_ms);
        let kind = match stored.error {
            Some(error) => format!("{} {}", stored.outcome, error.code),
            None => stored.outcome,
        };
        *audit.kinds.entry(kind).or_default() += 1;
    }
    Ok(())
}

/// Tells two events apart: they differ in time, job, or who took part.
fn fingerprint(event: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    event.hash(&mut hasher);
    hasher.finish()
}

/// Takes an event into account if it tells of a failed attempt or of an end.
fn note_event(event: &str, pages: &mut HashMap<String, Page>) -> Result<(), Trouble> {
    let ended = event.contains(r#""type":"booster.task.completed""#);
    if !ended && !event.contains(r#""type":"booster.error""#) {
        return Ok(());
    }
    let Told { data } =
        serde_json::from_str(event).map_err(|error| format!("an event that is none: {error}: {event}"))?;
    let page = page(pages, &data.job_id);
    page.failures += u32::from(data.cause.is_some());
    if ended || data.dead == Some(true) {
        page.ends += 1;
        page.announced = mark(&data.worker_id, data.latency_ms);
        page.announced_state = State::from_word(data.outcome.as_deref().unwrap_or("dead"));
    }
    Ok(())
}

/// Goes through all pages and says what does not add up.
fn balance(pages: &HashMap<String, Page>, audit: &mut Audit) {
    let mut faults: BTreeMap<&'static str, (usize, Vec<String>)> = BTreeMap::new();
    for (id, page) in pages {
        audit.runs += u64::from(page.runs);
        audit.crashes += u64::from(page.crashes);
        if page.accepted {
            audit.accepted += 1;
            audit.run_twice += usize::from(page.runs > page.attempts + 1);
        }
        let (what, count) = match verdict(page) {
            Verdict::Settled => {
                audit.settled += 1;
                continue;
            }
            Verdict::Lost => ("lost", &mut audit.lost),
            Verdict::Twice(what) => (what, &mut audit.stored_twice),
            Verdict::Wrong(what) => (what, &mut 0),
        };
        *count += 1;
        let (count, examples) = faults.entry(what).or_default();
        *count += 1;
        if examples.len() < MOST_EXAMPLES {
            examples.push(format!("{id} {page:?}"));
        }
    }
    for (what, (count, examples)) in faults {
        audit.faults.push(format!("{count} {what}, such as {}", examples.join("; ")));
    }
}

/// What the books say of one id.
enum Verdict {
    Settled,
    Lost,
    Twice(&'static str),
    Wrong(&'static str),
}

fn verdict(page: &Page) -> Verdict {
    if !page.accepted {
        return Verdict::Wrong("that nobody submitted");
    }
    if page.records == 0 && !page.live {
        return Verdict::Lost;
    }
    if page.records > 1 {
        return Verdict::Twice("with an outcome in two queues");
    }
    if page.records > 0 && page.live {
        return Verdict::Twice("that have ended and have not");
    }
    if page.ends > 1 {
        return Verdict::Twice("whose end was announced more than once");
    }
    let Some(state) = page.state else { return Verdict::Wrong("without an outcome") };
    if page.ends == 0 {
        return Verdict::Wrong("with an outcome that was never announced");
    }
    if page.announced_state != Some(state) || page.announced != page.stored {
        return Verdict::Twice("whose outcome is not the one that was announced");
    }
    if page.failures != page.attempts {
        return Verdict::Wrong("whose failed attempts are not those that were announced");
    }
    if page.runs == 0 && matches!(state, State::Done | State::Refused) {
        return Verdict::Wrong("with a result and without a run");
    }
    Verdict::Settled
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settled() -> Page {
        let mark = mark("w", 1.5);
        Page {
            accepted: true,
            records: 1,
            state: Some(State::Done),
            stored: mark,
            announced: mark,
            ends: 1,
            announced_state: Some(State::Done),
            runs: 1,
            ..Page::default()
        }
    }

    fn audit(page: Page) -> Audit {
        let mut audit = Audit::default();
        balance(&HashMap::from([("a".to_owned(), page)]), &mut audit);
        audit
    }

    #[test]
    fn a_balanced_page_is_settled_and_a_second_run_is_counted() {
        let found = audit(settled());
        assert_eq!((found.accepted, found.settled, found.run_twice, found.faults.len()), (1, 1, 0, 0));
        let found = audit(Page { runs: 2, ..settled() });
        assert_eq!((found.settled, found.run_twice, found.faults.len()), (1, 1, 0));
        let found = audit(Page { runs: 2, attempts: 1, failures: 1, ..settled() });
        assert_eq!((found.settled, found.run_twice), (1, 0), "a failed attempt has a run of its own");
    }

    #[test]
    fn what_does_not_add_up_is_found() {
        let found = audit(Page { accepted: true, ..Page::default() });
        assert_eq!((found.lost, found.settled), (1, 0));
        for twice in [
            Page { ends: 2, ..settled() },
            Page { records: 2, ..settled() },
            Page { live: true, ..settled() },
            Page { stored: mark("other", 1.5), ..settled() },
            Page { announced_state: Some(State::Dead), ..settled() },
        ] {
            let found = audit(twice);
            assert_eq!((found.stored_twice, found.settled, found.faults.len()), (1, 0, 1));
        }
        for wrong in [
            Page { accepted: false, ..settled() },
            Page { state: None, ..settled() },
            Page { records: 0, live: true, state: None, ..settled() },
            Page { ends: 0, ..settled() },
            Page { failures: 1, ..settled() },
            Page { runs: 0, ..settled() },
        ] {
            let found = audit(wrong);
            assert_eq!((found.settled, found.faults.len()), (0, 1));
        }
    }
}
