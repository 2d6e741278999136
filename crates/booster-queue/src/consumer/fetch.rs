//! Reading jobs from Redis: one blocking connection for each queue.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use booster_core::keys::GROUP;
use redis::Value;

use super::claim::Hold;
use super::control::Told;
use super::{Backoff, Shared, dispatch, lock};
use crate::entry::{Lane, entries, streams};
use crate::error::QueueError;
use crate::link::{Blocking, Unblock};
use crate::note::Note;
use crate::now_ms;

/// How long one read waits for a job. Longer means fewer commands of an idle worker, but a later notice of a
/// connection that died silently.
const BLOCK: Duration = Duration::from_secs(4);
/// After so long without a job a worker with free slots counts as idle.
const IDLE_AFTER: Duration = Duration::from_millis(20);
/// Most jobs of one read.
const MOST: usize = 256;

/// Fetches from one queue until the consumer stops.
pub(super) async fn run(shared: Arc<Shared>, index: usize) {
    let _fetching = Fetching(&shared);
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

/// Tells whoever closes the consumer that this loop brings nothing more.
struct Fetching<'a>(&'a Shared);

impl Drop for Fetching<'_> {
    fn drop(&mut self) {
        self.0.fetching.fetch_sub(1, Ordering::SeqCst);
        self.0.emptied.notify_waiters();
    }
}

async fn connect(shared: &Shared, index: usize) -> Result<Blocking, QueueError> {
    let line = &shared.lines[index];
    let connection = shared.link.blocking(&line.keys.jobs(), BLOCK).await?;
    shared.ensure_groups(index).await?;
    shared.look_at_mode(index).await?;
    line.connected.store(true, Ordering::SeqCst);
    Ok(connection)
}

/// Reads until the connection fails (it is then made anew, which also recreates a lost group) or the consumer
/// stops.
async fn read_until_fault(shared: &Arc<Shared>, index: usize, mut connection: Blocking) {
    while !shared.is_stopping() {
        let room = wait_for_room(shared, index).await;
        if shared.is_stopping() {
            return;
        }
        let Some(reply) = read_or_stop(shared, index, &mut connection, room).await else { return };
        match reply {
            Ok(reply) => accept(shared, index, &reply),
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
        dispatch::yield_wanted(shared, index);
    }
}

/// One read; `None` when the consumer stops meanwhile.
async fn read_or_stop(
    shared: &Shared,
    index: usize,
    connection: &mut Blocking,
    room: usize,
) -> Option<redis::RedisResult<Value>> {
    let line = &shared.lines[index];
    let unblock = connection.unblock();
    let read = saying_so_when_idle(shared, index, read(shared, index, connection, room));
    tokio::pin!(read);
    line.reading.store(true, Ordering::SeqCst);
    let reply = loop {
        tokio::select! {
            reply = &mut read => break Some(reply),
            // A stop in the middle of a blocking read: make it answer, so that nothing it took gets lost.
            () = unblock_on_stop(shared, &unblock) => break None,
            // What is handed back for an idle worker would come straight back to a read that waits longer.
            () = line.unblock.notified() => unblock.run().await,
        }
    };
    line.reading.store(false, Ordering::SeqCst);
    reply
}

async fn read(
    shared: &Shared,
    index: usize,
    connection: &mut Blocking,
    room: usize,
) -> redis::RedisResult<Value> {
    let keys = &shared.lines[index].keys;
    // COUNT applies to each of the streams.
    let count = (room / Lane::ALL.len()).clamp(1, MOST);
    let mut command = redis::cmd("XREADGROUP");
    command.arg("GROUP").arg(GROUP).arg(&shared.worker).arg("COUNT").arg(count);
    command.arg("BLOCK").arg(BLOCK.as_millis() as u64);
    command.arg("STREAMS").arg(&Lane::ALL.map(|lane| lane.key(keys))).arg(&Lane::ALL.map(|_| ">"));
    connection.query(&command).await
}

/// Waits for a read; when nothing comes at once and slots are free, tells the other workers, which may have
/// fetched more than they can start.
async fn saying_so_when_idle<T>(shared: &Shared, index: usize, read: impl Future<Output = T>) -> T {
    tokio::pin!(read);
    if let Ok(reply) = tokio::time::timeout(IDLE_AFTER, &mut read).await {
        return reply;
    }
    let free = shared.pace.slots().saturating_sub(shared.in_flight.load(Ordering::SeqCst));
    if free > 0 && !shared.is_stopping() {
        let channel = shared.lines[index].keys.control_channel();
        let message = Told::Idle { worker: &shared.worker, slots: free }.to_string();
        let publish = redis::Cmd::publish(channel, message);
        // Only a hint: without it the jobs run where they are. Whatever the read brings meanwhile must not wait for it.
        tokio::select! {
            biased;
            reply = &mut read => return reply,
            _ = shared.link.query::<i64>("control", &publish) => {}
        }
    }
    read.await
}

/// Waits for a stop, unblocks the read and gives it a moment to answer by itself; only then resolves.
async fn unblock_on_stop(shared: &Shared, unblock: &Unblock) {
    loop {
        let stopped = shared.stop.notified();
        if shared.is_stopping() {
            break;
        }
        stopped.await;
    }
    unblock.run().await;
    tokio::time::sleep(Duration::from_millis(200)).await;
}

fn accept(shared: &Arc<Shared>, index: usize, reply: &Value) {
    let line = &shared.lines[index];
    let mut fetched = Vec::new();
    for (stream, found) in streams(reply) {
        if let Some(lane) = Lane::ALL.into_iter().find(|lane| lane.key(&line.keys) == stream) {
            fetched.extend(entries(lane, found));
        }
    }
    {
        let mut held = lock(&shared.held);
        // An entry that is held already is delivered again when Redis has lost the last moments: it is the same.
        fetched.retain(|entry| {
            let key = (index, entry.lane, entry.entry.clone());
            let new = !held.contains_key(&key);
            if new {
                held.insert(key, Hold::new(Instant::now()));
            }
            new
        });
    }
    if fetched.is_empty() {
        return;
    }
    shared.note(&Note::Fetched { queue: line.keys.name(), jobs: fetched.len() });
    lock(&line.buffer).extend(fetched);
    shared.dispatch.notify_one();
    // The stop is set before the dispatcher empties the buffers for the last time, so one of the two sees these.
    if shared.is_stopping() {
        dispatch::hand_back_buffered(shared);
    }
}

/// Waits until one job may be fetched from each of the streams that a read asks.
async fn wait_for_room(shared: &Shared, index: usize) -> usize {
    loop {
        let changed = shared.room.notified();
        let room = shared.room(index);
        if room >= Lane::ALL.len() || shared.is_stopping() {
            return room;
        }
        // A full buffer is a healthy state while Redis answers: the loop is not stuck.
        let answered = shared.answered_at.load(Ordering::Relaxed);
        shared.lines[index].polled_at.fetch_max(answered, Ordering::Relaxed);
        let _ = tokio::time::timeout(Duration::from_millis(100), changed).await;
    }
}
