//! Reading jobs from Redis: one blocking connection for each queue.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use booster_core::keys::GROUP;
use redis::aio::MultiplexedConnection;
use redis::streams::StreamReadReply;

use super::claim::Hold;
use super::{Backoff, Shared, lock};
use crate::entry::{Entry, Lane};
use crate::error::QueueError;
use crate::note::Note;
use crate::now_ms;

/// How long one read waits for a job. Longer means fewer commands of an idle worker, but a later notice of a
/// connection that died silently.
const BLOCK: Duration = Duration::from_secs(2);
/// Most jobs of one read.
const MOST: usize = 256;

/// Fetches from one queue until the consumer stops.
pub(super) async fn run(shared: Arc<Shared>, index: usize) {
    let mut backoff = Backoff::new();
    let mut connected_before = false;
    while !shared.is_stopping() {
        match connect(&shared, index).await {
            Ok(connection) => {
                if std::mem::replace(&mut connected_before, true) {
                    shared.note(&Note::Reconnected);
                }
                backoff.reset();
                read_until_fault(&shared, index, connection).await;
            }
            Err(_) => shared.pause(backoff.next()).await,
        }
    }
}

async fn connect(shared: &Shared, index: usize) -> Result<MultiplexedConnection, QueueError> {
    let mut connection = shared.link.blocking(BLOCK).await?;
    let line = &shared.lines[index];
    for stream in [line.keys.jobs(), line.keys.front()] {
        let mut command = redis::cmd("XGROUP");
        command.arg("CREATE").arg(&stream).arg(GROUP).arg("0").arg("MKSTREAM");
        match command.query_async::<()>(&mut connection).await {
            Err(error) if error.code() == Some("BUSYGROUP") => {}
            other => other.map_err(|error| shared.link.fault(QueueError::from_redis("group", &error)))?,
        }
    }
    let id: u64 = redis::cmd("CLIENT")
        .arg("ID")
        .query_async(&mut connection)
        .await
        .map_err(|error| shared.link.fault(QueueError::from_redis("client", &error)))?;
    line.client_id.store(id, Ordering::SeqCst);
    Ok(connection)
}

/// Reads until the connection fails (it is then made anew, which also recreates a lost group) or the consumer
/// stops.
async fn read_until_fault(shared: &Shared, index: usize, mut connection: MultiplexedConnection) {
    while !shared.is_stopping() {
        let room = wait_for_room(shared, index).await;
        if shared.is_stopping() {
            return;
        }
        let read = read(shared, index, &mut connection, room);
        let reply = tokio::select! {
            reply = read => reply,
            // A stop in the middle of a blocking read: make it answer, so that nothing it took gets lost.
            () = unblock_on_stop(shared, index) => return,
        };
        match reply {
            Ok(reply) => accept(shared, index, reply),
            Err(error) => {
                let error = shared.link.fault(QueueError::from_redis("fetch", &error));
                if !matches!(error, QueueError::Unreachable { .. }) {
                    shared.pause(Duration::from_millis(100)).await;
                }
                return;
            }
        }
        let line = &shared.lines[index];
        line.polled_at.store(now_ms(), Ordering::Relaxed);
        shared.note(&Note::Polled);
    }
}

async fn read(
    shared: &Shared,
    index: usize,
    connection: &mut MultiplexedConnection,
    room: usize,
) -> redis::RedisResult<Option<StreamReadReply>> {
    let keys = &shared.lines[index].keys;
    // COUNT applies to each of the two streams.
    let count = (room / 2).clamp(1, MOST);
    let mut command = redis::cmd("XREADGROUP");
    command.arg("GROUP").arg(GROUP).arg(&shared.worker).arg("COUNT").arg(count);
    command.arg("BLOCK").arg(BLOCK.as_millis() as u64);
    command.arg("STREAMS").arg(keys.front()).arg(keys.jobs()).arg(">").arg(">");
    command.query_async(connection).await
}

/// Waits for a stop, unblocks the read and gives it a moment to answer by itself; only then resolves.
async fn unblock_on_stop(shared: &Shared, index: usize) {
    loop {
        let stopped = shared.stop.notified();
        if shared.is_stopping() {
            break;
        }
        stopped.await;
    }
    let mut command = redis::cmd("CLIENT");
    command.arg("UNBLOCK").arg(shared.lines[index].client_id.load(Ordering::SeqCst));
    let _ = shared.link.query::<i64>("client", &command).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
}

fn accept(shared: &Shared, index: usize, reply: Option<StreamReadReply>) {
    let line = &shared.lines[index];
    let front = line.keys.front();
    let mut fetched = Vec::new();
    for stream in reply.into_iter().flat_map(|reply| reply.keys) {
        let lane = if stream.key == front { Lane::Front } else { Lane::Jobs };
        fetched.extend(stream.ids.into_iter().map(|id| Entry::new(lane, id.id, &id.map)));
    }
    if fetched.is_empty() {
        return;
    }
    shared.note(&Note::Fetched { queue: line.keys.name(), jobs: fetched.len() });
    {
        let mut held = lock(&shared.held);
        for entry in &fetched {
            let hold = Hold { renewed: Instant::now(), lost: Arc::new(AtomicBool::new(false)) };
            held.insert((index, entry.lane, entry.entry.clone()), hold);
        }
    }
    lock(&line.buffer).extend(fetched);
    shared.dispatch.notify_one();
}

/// Waits until at least two jobs may be fetched: one for each of the two streams that a read asks.
async fn wait_for_room(shared: &Shared, index: usize) -> usize {
    loop {
        let changed = shared.room.notified();
        let room = shared.room(index);
        if room >= 2 || shared.is_stopping() {
            return room;
        }
        // A full buffer is a healthy state: the loop is not stuck.
        shared.lines[index].polled_at.store(now_ms(), Ordering::Relaxed);
        let _ = tokio::time::timeout(Duration::from_millis(100), changed).await;
    }
}
