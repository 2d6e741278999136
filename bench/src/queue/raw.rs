//! The lower bound: the bare Redis commands that a stream with stored results needs, without any promise. There
//! are no events, retries, claims or states, and nobody takes over what a dead worker held.

use std::time::{Duration, Instant};

use booster_producer::ClientError;
use redis::aio::MultiplexedConnection;
use redis::streams::{StreamReadOptions, StreamReadReply};
use redis::{AsyncCommands, AsyncConnectionConfig, Pipeline};

use super::{BATCH, process::Submitter};

const STREAM: &str = "raw:jobs";
const GROUP: &str = "workers";
/// How long one read waits, as this fleet's workers do.
const BLOCK_MS: usize = 2000;
/// How long results are kept, as this fleet keeps them.
const KEEP_S: u64 = 3600;

fn fault(error: redis::RedisError) -> ClientError {
    ClientError::machine("redis", error)
}

async fn connect(url: &str) -> Result<MultiplexedConnection, ClientError> {
    let client = redis::Client::open(url).map_err(fault)?;
    // A read may block for longer than the client's own limit.
    let config = AsyncConnectionConfig::new().set_response_timeout(None);
    client.get_multiplexed_async_connection_with_config(&config).await.map_err(fault)
}

fn result_key(entry: &str) -> String {
    format!("raw:result:{entry}")
}

/// Works until it is killed: reads a batch while the results of the last one are stored. Calls `ready` when it
/// takes jobs.
///
/// # Errors
/// A Redis error.
pub async fn work(url: &str, ready: impl FnOnce()) -> Result<(), ClientError> {
    let (mut reading, mut settling) = (connect(url).await?, connect(url).await?);
    // It is there already when the worker was started again.
    let _: Result<(), _> = reading.xgroup_create_mkstream(STREAM, GROUP, "0").await;
    ready();
    let options = StreamReadOptions::default().group(GROUP, "one").count(BATCH).block(BLOCK_MS);
    let mut done = Pipeline::new();
    loop {
        let read = reading.xread_options::<_, _, Option<StreamReadReply>>(&[STREAM], &[">"], &options);
        let store =
            async { if done.is_empty() { Ok(()) } else { done.query_async::<()>(&mut settling).await } };
        // A blocking read must not hold back the results.
        let (read, stored) = futures_util::join!(read, store);
        stored.map_err(fault)?;
        done = settled(read.map_err(fault)?);
    }
}

fn settled(read: Option<StreamReadReply>) -> Pipeline {
    let mut done = Pipeline::new();
    for entry in read.into_iter().flat_map(|read| read.keys).flat_map(|stream| stream.ids) {
        let text: Option<String> = entry.get("job");
        let job: Result<serde_json::Value, _> = serde_json::from_str(text.as_deref().unwrap_or_default());
        let result = if job.is_ok() { "{}" } else { "wrong" };
        done.cmd("SET").arg(result_key(&entry.id)).arg(result).arg("EX").arg(KEEP_S).ignore();
        done.cmd("XACK").arg(STREAM).arg(GROUP).arg(&entry.id).ignore();
        done.cmd("XDEL").arg(STREAM).arg(&entry.id).ignore();
    }
    done
}

/// Adds jobs by pipelines of XADD.
#[derive(Debug)]
pub struct Raw {
    connection: MultiplexedConnection,
}

impl Raw {
    /// Connects to the Redis at `url`.
    ///
    /// # Errors
    /// A Redis error.
    pub async fn connect(url: &str) -> Result<Self, ClientError> {
        Ok(Self { connection: connect(url).await? })
    }
}

fn job(bytes: usize) -> String {
    format!("{{\"data\":\"{}\"}}", "x".repeat(bytes))
}

impl Submitter for Raw {
    async fn fill(&mut self, count: usize, bytes: usize) -> Result<u64, ClientError> {
        let job = job(bytes);
        let mut sent = 0;
        while sent < count {
            let batch = BATCH.min(count - sent);
            let mut pipeline = Pipeline::with_capacity(batch);
            for _ in 0..batch {
                pipeline.cmd("XADD").arg(STREAM).arg("*").arg("job").arg(&job).ignore();
            }
            pipeline.query_async::<()>(&mut self.connection).await.map_err(fault)?;
            sent += batch;
        }
        Ok(0)
    }

    async fn single(&mut self, bytes: usize, limit: Duration) -> Result<Option<Duration>, ClientError> {
        let begin = Instant::now();
        let entry: String = self.connection.xadd(STREAM, "*", &[("job", job(bytes))]).await.map_err(fault)?;
        let key = result_key(&entry);
        while begin.elapsed() < limit {
            // The quickest way to learn of it is to ask without pause.
            let found: Option<String> = self.connection.get(&key).await.map_err(fault)?;
            if found.is_some() {
                return Ok(Some(begin.elapsed()));
            }
        }
        Ok(None)
    }

    async fn hold(&mut self) -> Result<String, ClientError> {
        Err(ClientError::usage("hold", "the lower bound takes over nothing"))
    }
}
