//! Jobs that harm: they panic, trap, hang, take all memory, kill their process, are no jobs at all or too large.

use std::time::Duration;

use booster_core::Job;
use booster_tests::servers::{Server, command};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::Trouble;
use crate::site::{Site, Stage};

/// The stream that plain additions go to.
const STREAM: &str = "swarm:phase-5:{normal}:jobs";
/// Size of the largest job, by default.
const LARGEST: usize = 4 * 1024 * 1024;
/// How long a job may take until it runs.
const RUN_LIMIT: Duration = Duration::from_secs(60);

/// What a job has to come to: its id, its end, and the reason of a dead one.
type Expected = (String, &'static str, Option<&'static str>);

/// Scenario 8.
pub(crate) async fn all(mut stage: Stage) -> Result<(), Trouble> {
    let server = Server::start(&[]).await?;
    let mut site = Site::on(&server.redis, |config| config.wasm.memory_limit = 64 << 20)?;
    site.staff(2).await?;
    let mut expected = failing(&stage, &site).await?;
    expected.extend(unreadable(&site).await?);
    expected.extend(large(&stage, &site).await?);
    // Alone, so that no other job's process is killed under it.
    site.settle().await;
    expected.push(killing(&mut stage, &mut site).await?);
    site.settle().await;
    for (id, end, code) in &expected {
        let outcome = site.books().outcome(id).await?.unwrap_or(Value::Null);
        if outcome["outcome"] != *end || outcome["error"]["code"].as_str() != *code {
            stage.report().fault(format!("{id} came to {outcome}; expected {end} {code:?}"));
        }
    }
    let audit = site.balance(&mut stage, "jobs").await?;
    if audit.kind("dead quarantined") != 1 {
        stage.report().fault(format!("{} jobs in quarantine; expected 1", audit.kind("dead quarantined")));
    }
    stage.report().add("jobs", audit);
    Ok(())
}

/// Jobs that fail inside the sandbox, among others that do not.
async fn failing(stage: &Stage, site: &Site) -> Result<Vec<Expected>, Trouble> {
    let kinds = [
        ("panic", "dead", Some("panic")),
        ("trap", "dead", Some("trap")),
        ("memory", "dead", Some("memory")),
        ("loop", "dead", Some("timeout")),
        ("refuse", "refused", None),
        ("work", "done", None),
    ];
    let (mut jobs, mut expected) = (Vec::new(), Vec::new());
    for number in 0..stage.jobs(20) {
        for (kind, end, code) in kinds {
            let mut job = Job::new("faulty", &format!(r#"{{"do":"{kind}"}}"#))?;
            let id = format!("{}-{number}", stage.prefix(kind));
            job.id = Some(id.clone());
            job.max_retries = Some(1);
            job.timeout_ms = Some(if kind == "loop" { 200 } else { 30_000 });
            jobs.push(job);
            expected.push((id, end, code));
        }
    }
    site.submitter().feed(jobs, Duration::ZERO).await?;
    Ok(expected)
}

/// Entries that are no jobs, by plain addition.
async fn unreadable(site: &Site) -> Result<Vec<Expected>, Trouble> {
    let entries: [(&str, &[u8], &'static str); 7] = [
        ("job", b"this is not json", "job_not_json"),
        ("job", b"", "job_not_json"),
        ("job", b"[1,2]", "job_not_json"),
        ("job", b"\xff\xfe\x00", "job_not_json"),
        ("job", br#"{"booster":"noop"}"#, "job_field_missing"),
        ("job", br#"{"booster":"nobody","input":{}}"#, "booster_unknown"),
        ("other", b"{}", "job_field_missing"),
    ];
    let mut redis =
        redis::Client::open(site.config.redis.url.as_str())?.get_multiplexed_async_connection().await?;
    let mut expected = Vec::new();
    for (field, text, code) in entries {
        let entry: String =
            redis::cmd("XADD").arg(STREAM).arg("*").arg(field).arg(text).query_async(&mut redis).await?;
        expected.push((format!("normal-{entry}"), "dead", Some(code)));
    }
    site.submitter().ledger.accepted(expected.iter().map(|(id, _, _)| id.as_str()))?;
    Ok(expected)
}

/// Jobs at the size limit and above it, through the door and past it.
async fn large(stage: &Stage, site: &Site) -> Result<Vec<Expected>, Trouble> {
    let ids: Vec<String> = ["door", "past", "too-large"].iter().map(|name| stage.prefix(name)).collect();
    let mut job = Job::new("noop", "\"\"")?;
    job.id = Some(ids[0].clone());
    let filled = |size: usize| -> Result<Job, Trouble> {
        let text = "x".repeat(size - job.to_json().len());
        Ok(Job { input: Job::new("noop", &format!("\"{text}\""))?.input, ..job.clone() })
    };
    site.submitter().feed(vec![filled(LARGEST)?], Duration::ZERO).await?;
    match site.client.submit(filled(LARGEST + 1)?).await {
        Err(error) if error.code() == "job_too_large" => {}
        other => stage.report().fault(format!("a job above the limit was answered with {other:?}")),
    }
    for (id, size) in [(&ids[1], LARGEST), (&ids[2], LARGEST + 1)] {
        let frame = format!(r#"{{"id":"{id}","booster":"noop","input":""}}"#);
        let text = frame.replace(r#":""}"#, &format!(r#":"{}"}}"#, "x".repeat(size - frame.len())));
        let _: String = command(&site.config.redis.url, &["XADD", STREAM, "*", "job", &text]).await?;
        site.submitter().ledger.accepted([id.as_str()])?;
    }
    let [door, past, too_large] = ids.try_into().map_err(|_| "three ids")?;
    Ok(vec![(door, "done", None), (past, "done", None), (too_large, "dead", Some("job_too_large"))])
}

/// A job whose worker is killed each time it runs: after two such crashes it is put into quarantine.
async fn killing(stage: &mut Stage, site: &mut Site) -> Result<Expected, Trouble> {
    let id = stage.prefix("killer");
    let mut job = Job::new("faulty", r#"{"do":"loop"}"#)?;
    (job.id, job.timeout_ms, job.max_retries) = (Some(id.clone()), Some(120_000), Some(0));
    site.submitter().feed(vec![job], Duration::ZERO).await?;
    for _ in 0..2 {
        let victim = runner(site, &id).await?;
        site.kill_and_replace(victim).await?;
    }
    Ok((id, "dead", Some("quarantined")))
}

/// Which of the workers runs the job, by its line and the process id in the worker's name.
async fn runner(site: &Site, id: &str) -> Result<usize, Trouble> {
    let deadline = Instant::now() + RUN_LIMIT;
    loop {
        if let Some(worker) = site.books().runner(id).await? {
            let pid = worker.rsplit('-').nth(1).and_then(|pid| pid.parse::<u32>().ok());
            // The one that was killed a moment ago is still in the line, but no longer among the workers.
            if let Some(index) = site.workers.iter().position(|worker| worker.pid() == pid) {
                return Ok(index);
            }
        }
        if Instant::now() > deadline {
            return Err(format!("{id} does not run").into());
        }
        sleep(Duration::from_millis(20)).await;
    }
}
