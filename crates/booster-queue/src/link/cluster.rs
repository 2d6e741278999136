//! Who has which slots of a Redis Cluster.
//!
//! The client library's own cluster connection is not used: it sends commands again whose fate is unknown, holds up
//! the traffic to all servers while it looks for one, loads a script everywhere or not at all, and does not say who
//! has a slot, which blocking reads and WAIT need to know (decision 0014).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use futures_util::future::select_ok;
use rand::seq::{IndexedRandom, SliceRandom};
use redis::{Client, ConnectionAddr, ErrorKind, RedisError, RedisResult, Value};

use super::cell::Cell;
use super::reach::{CONNECT_TIMEOUT, RESPONSE_TIMEOUT, connect, sibling};

/// Servers that are asked at once who has which slots.
const ASKED: usize = 3;
/// The slots are learned at most so often.
const LEARN_EVERY: Duration = Duration::from_millis(100);

/// Host and port.
type Place = (String, u16);

/// One server of a Cluster.
pub(super) struct Server {
    place: Place,
    pub(super) client: Client,
    pub(super) cell: Cell,
}

impl Server {
    fn new(place: Place, client: Client) -> Arc<Self> {
        let ours = client.clone();
        let cell = Cell::new(move || {
            let client = ours.clone();
            async move { connect(&client, RESPONSE_TIMEOUT).await }.boxed()
        });
        Arc::new(Self { place, client, cell })
    }
}

/// A Cluster as this process knows it.
pub(super) struct Cluster {
    /// The servers that the address names.
    named: Vec<Arc<Server>>,
    known: Mutex<Known>,
    /// Held by whoever learns the slots anew.
    learning: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Known {
    /// Masters with the first and the last of a range of slots.
    ranges: Vec<(u16, u16, Arc<Server>)>,
    learned: Option<Instant>,
    /// When nobody could be asked, the last time.
    failed: Option<Instant>,
    /// Something has changed: the slots are learned again before they are needed next.
    stale: bool,
}

impl Cluster {
    pub(super) fn new(clients: Vec<Client>) -> Self {
        let named = clients.into_iter().map(|client| {
            let place = match client.get_connection_info().addr() {
                ConnectionAddr::Tcp(host, port) | ConnectionAddr::TcpTls { host, port, .. } => {
                    (host.clone(), *port)
                }
                _ => (String::new(), 0),
            };
            Server::new(place, client)
        });
        Self { named: named.collect(), known: Mutex::default(), learning: tokio::sync::Mutex::default() }
    }

    /// The master that has `slot`; any when it does not matter.
    pub(super) async fn server(&self, slot: Option<u16>) -> RedisResult<Arc<Server>> {
        self.learn().await?;
        let known = self.known();
        let found = match slot {
            Some(slot) => known.ranges.iter().find(|(first, last, _)| (*first..=*last).contains(&slot)),
            None => known.ranges.choose(&mut rand::rng()),
        };
        match found {
            Some((_, _, server)) => Ok(Arc::clone(server)),
            None => {
                drop(known);
                self.doubt();
                Err(no_server("no server of the Cluster has the slot"))
            }
        }
    }

    /// Something did not go as it should if the known slots were right.
    pub(super) fn doubt(&self) {
        self.known().stale = true;
    }

    /// A server says that `slot` is at `place` (`host:port`; the host may be missing).
    pub(super) fn moved(&self, from: &Server, slot: u16, place: &str) {
        let server = place.rsplit_once(':').and_then(|(host, port)| {
            let host = if host.is_empty() { &from.place.0 } else { host };
            self.server_at((host.to_owned(), port.parse().ok()?), &self.all()).ok()
        });
        let mut known = self.known();
        known.stale = true;
        if let Some(server) = server {
            // Found before the range that had it; the next look at all slots puts it in order.
            known.ranges.insert(0, (slot, slot, server));
        }
    }

    /// Learns who has which slots, when that is not known or in doubt.
    async fn learn(&self) -> RedisResult<()> {
        if self.is_fresh() {
            return Ok(());
        }
        let wanted = Instant::now();
        let _learning = self.learning.lock().await;
        if self.is_fresh() {
            return Ok(());
        }
        if self.known().failed.is_some_and(|at| at >= wanted) {
            // Whoever waited for an attempt shares its end.
            return Err(no_server("no server of the Cluster answers"));
        }
        let mut servers = self.all();
        servers.shuffle(&mut rand::rng());
        let mut fault = no_server("no server of the Cluster answers");
        for some in servers.chunks(ASKED) {
            // One that hangs must not keep the others from answering.
            let asked = some.iter().map(|server| ask(server).boxed());
            match select_ok(asked).await {
                Ok(((server, slots), _)) => {
                    self.take_over(&server, &slots, &servers);
                    return Ok(());
                }
                Err(error) => fault = error,
            }
        }
        self.known().failed = Some(Instant::now());
        Err(fault)
    }

    fn is_fresh(&self) -> bool {
        let known = self.known();
        let recent = known.learned.is_some_and(|at| at.elapsed() < LEARN_EVERY);
        !known.ranges.is_empty() && (!known.stale || recent)
    }

    fn take_over(&self, from: &Server, slots: &Value, servers: &[Arc<Server>]) {
        let ranges = ranges(slots).into_iter().filter_map(|(first, last, (host, port))| {
            let host = if host.is_empty() { from.place.0.clone() } else { host };
            Some((first, last, self.server_at((host, port), servers).ok()?))
        });
        let ranges: Vec<_> = ranges.collect();
        let mut known = self.known();
        *known = Known { ranges, learned: Some(Instant::now()), failed: None, stale: false };
    }

    /// The server at `place`, with its connection if it is known.
    fn server_at(&self, place: Place, servers: &[Arc<Server>]) -> RedisResult<Arc<Server>> {
        if let Some(server) = servers.iter().find(|server| server.place == place) {
            return Ok(Arc::clone(server));
        }
        let like = self.named.first().ok_or_else(|| no_server("the address names no server"))?;
        let client = sibling(&like.client, &place.0, place.1)?;
        Ok(Server::new(place, client))
    }

    /// Every server that is known, each once.
    fn all(&self) -> Vec<Arc<Server>> {
        let known = self.known();
        let servers = known.ranges.iter().map(|(_, _, server)| server).chain(&self.named);
        let by_place: HashMap<&Place, &Arc<Server>> = servers.map(|server| (&server.place, server)).collect();
        by_place.into_values().cloned().collect()
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Asks a server who has which slots.
async fn ask(server: &Arc<Server>) -> RedisResult<(Arc<Server>, Value)> {
    let (mut connection, number) = server.cell.get().await?;
    let asked = redis::cmd("CLUSTER").arg("SLOTS").to_owned();
    let answer = tokio::time::timeout(CONNECT_TIMEOUT, asked.query_async(&mut connection)).await;
    match answer {
        Ok(Ok(slots)) => Ok((Arc::clone(server), slots)),
        Ok(Err(error)) => {
            server.cell.replace(number);
            Err(error)
        }
        Err(_) => {
            server.cell.replace(number);
            Err(no_server("a server of the Cluster does not answer"))
        }
    }
}

/// First and last slot and the master of each range in an answer to `CLUSTER SLOTS`. The host is empty when it is the
/// one that was asked.
fn ranges(slots: &Value) -> Vec<(u16, u16, Place)> {
    let Value::Array(ranges) = slots else { return Vec::new() };
    let number = |value: &Value| match value {
        Value::Int(number) => u16::try_from(*number).ok(),
        _ => None,
    };
    let range = |range: &Value| {
        let Value::Array(parts) = range else { return None };
        let [first, last, Value::Array(master), ..] = parts.as_slice() else { return None };
        let host = match master.first()? {
            Value::BulkString(host) if host != b"?" => String::from_utf8(host.clone()).ok()?,
            _ => String::new(),
        };
        Some((number(first)?, number(last)?, (host, number(master.get(1)?)?)))
    };
    ranges.iter().filter_map(range).collect()
}

fn no_server(what: &'static str) -> RedisError {
    RedisError::from((ErrorKind::ClusterConnectionNotFound, what))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Value {
        Value::BulkString(text.into())
    }

    #[test]
    fn an_answer_to_cluster_slots_is_read() {
        let node = |host: Value, port: i64| Value::Array(vec![host, Value::Int(port), text("id")]);
        let range = |first: i64, last: i64, nodes: Vec<Value>| {
            Value::Array([vec![Value::Int(first), Value::Int(last)], nodes].concat())
        };
        let answer = Value::Array(vec![
            range(0, 100, vec![node(text("10.0.0.1"), 7000), node(text("10.0.0.2"), 7001)]),
            range(101, 16_383, vec![node(Value::Nil, 7002)]),
            range(5, 6, vec![]),
        ]);
        let expected = vec![(0, 100, ("10.0.0.1".to_owned(), 7000)), (101, 16_383, (String::new(), 7002))];
        assert_eq!(ranges(&answer), expected);
        assert!(ranges(&Value::Nil).is_empty());
    }

    #[tokio::test]
    async fn a_moved_slot_is_found_at_its_new_place() {
        let cluster = Cluster::new(vec![Client::open("redis://127.0.0.1:1").unwrap()]);
        let named = Arc::clone(&cluster.named[0]);
        let whole = Value::Array(vec![Value::Array(vec![
            Value::Int(0),
            Value::Int(16_383),
            Value::Array(vec![text("127.0.0.1"), Value::Int(1)]),
        ])]);
        cluster.take_over(&named, &whole, &cluster.all());
        cluster.moved(&named, 7, ":2");
        assert_eq!(cluster.server(Some(7)).await.unwrap().place, ("127.0.0.1".to_owned(), 2));
        assert_eq!(cluster.server(Some(8)).await.unwrap().place.1, 1);
    }
}
