//! The way of commands, pipelines and scripts to whoever has their keys.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::try_join_all;
use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::sentinel::SentinelClient;
use redis::{Client, Cmd, ErrorKind, Pipeline, RedisError, RedisFuture, RedisResult, ServerErrorKind, Value};

use super::cell::Cell;
use super::cluster::{Cluster, Server};
use super::reach::{RESPONSE_TIMEOUT, connect};
use super::slot;

/// How often a command is sent on to where its slot is said to be.
const REDIRECTS: usize = 3;

/// The servers of a fleet.
pub(super) enum Routes {
    /// One server has everything.
    Master {
        /// Which it is.
        master: Arc<Master>,
        /// The connection that ordinary commands share.
        cell: Cell,
    },
    /// Each of several has some slots.
    Cluster(Cluster),
}

/// The server that has everything.
pub(super) enum Master {
    /// Always the same.
    Server(Client),
    /// Sentinels know. The client remembers its connections to them, so it is used by one at a time.
    Sentinel(tokio::sync::Mutex<Box<SentinelClient>>),
}

impl Master {
    pub(super) async fn client(&self) -> RedisResult<Client> {
        match self {
            Self::Server(client) => Ok(client.clone()),
            Self::Sentinel(sentinel) => sentinel.lock().await.async_get_client().await,
        }
    }
}

impl Routes {
    pub(super) fn to_master(master: Master) -> Self {
        let master = Arc::new(master);
        let ours = Arc::clone(&master);
        let cell = Cell::new(move || {
            let master = Arc::clone(&ours);
            async move { connect(&master.client().await?, RESPONSE_TIMEOUT).await }.boxed()
        });
        Self::Master { master, cell }
    }

    /// A client of the server that has `slot`, for a connection of one's own.
    pub(super) async fn client(&self, slot: Option<u16>) -> RedisResult<Client> {
        match self {
            Self::Master { master, .. } => master.client().await,
            Self::Cluster(cluster) => Ok(cluster.server(slot).await?.client.clone()),
        }
    }

    /// After a fault of a connection of one's own: the server may have lost its part, so the others are asked.
    pub(super) fn doubt(&self) {
        match self {
            Self::Cluster(cluster) => cluster.doubt(),
            Self::Master { master, cell } => {
                if let Master::Sentinel(_) = **master {
                    cell.renew();
                }
            }
        }
    }

    async fn send(&self, slot: Option<u16>, parcel: &Parcel<'_>) -> RedisResult<Vec<Value>> {
        match self {
            Self::Master { cell, .. } => Ok(deliver(cell, parcel).await?.0),
            Self::Cluster(cluster) => send_in_cluster(cluster, slot, parcel).await,
        }
    }
}

async fn send_in_cluster(
    cluster: &Cluster,
    slot: Option<u16>,
    parcel: &Parcel<'_>,
) -> RedisResult<Vec<Value>> {
    let mut redirects = 0;
    loop {
        let server: Arc<Server> = cluster.server(slot).await?;
        let delivered = deliver(&server.cell, parcel).await;
        let (answers, fault) = delivered.inspect_err(|_| cluster.doubt())?;
        match fault {
            Some(Fault::Moved { slot, place }) if redirects < REDIRECTS => {
                // Nothing was done there.
                redirects += 1;
                cluster.moved(&server, slot, &place);
            }
            Some(_) => {
                cluster.doubt();
                return Ok(answers);
            }
            None => return Ok(answers),
        }
    }
}

/// What is sent to one server in one go.
enum Parcel<'a> {
    Command(&'a Cmd),
    Pipeline(&'a Pipeline),
}

impl Parcel<'_> {
    async fn send(&self, connection: &mut MultiplexedConnection) -> RedisResult<Vec<Value>> {
        match self {
            Self::Command(command) => connection.send_packed_command(command).await.map(|value| vec![value]),
            Self::Pipeline(pipeline) => connection.send_packed_commands(pipeline, 0, pipeline.len()).await,
        }
    }
}

/// What answers say about the server that gave them.
enum Fault {
    /// None of it was done: the slot is elsewhere.
    Moved { slot: u16, place: String },
    /// The server is not, or no longer, a master.
    NotMaster,
    /// The slots are on the move, or without a server.
    Unsettled,
}

impl Fault {
    fn of(answers: &[Value]) -> Option<Self> {
        let errors = answers.iter().filter_map(|answer| match answer {
            Value::ServerError(error) => Some(RedisError::from(error.clone())),
            _ => None,
        });
        let faults: Vec<Self> = errors.filter_map(|error| Self::of_error(&error)).collect();
        match faults.iter().all(|fault| matches!(fault, Self::Moved { .. })) {
            // What was done in part must not be done again.
            true if faults.len() < answers.len() => faults.first().map(|_| Self::Unsettled),
            true => faults.into_iter().next(),
            false => faults.into_iter().find(|fault| !matches!(fault, Self::Moved { .. })),
        }
    }

    fn of_error(error: &RedisError) -> Option<Self> {
        let ErrorKind::Server(kind) = error.kind() else { return None };
        match kind {
            ServerErrorKind::Moved => {
                error.redirect_node().map(|(place, slot)| Self::Moved { slot, place: place.to_owned() })
            }
            ServerErrorKind::ReadOnly | ServerErrorKind::MasterDown => Some(Self::NotMaster),
            ServerErrorKind::ClusterDown | ServerErrorKind::Ask | ServerErrorKind::TryAgain => {
                Some(Self::Unsettled)
            }
            _ => None,
        }
    }
}

/// Sends a parcel over a shared connection, which is given up when it broke or leads to the wrong server.
async fn deliver(cell: &Cell, parcel: &Parcel<'_>) -> RedisResult<(Vec<Value>, Option<Fault>)> {
    let (mut connection, number) = cell.get().await?;
    match parcel.send(&mut connection).await {
        Ok(answers) => {
            let fault = Fault::of(&answers);
            if matches!(fault, Some(Fault::NotMaster)) {
                // A master that became a replica keeps its connections, unlike one that was restarted.
                cell.replace(number);
            }
            Ok((answers, fault))
        }
        Err(error) => {
            // Also when no answer came in time: a half-open connection takes every command and answers none.
            cell.replace(number);
            Err(error)
        }
    }
}

/// A way to send commands as the client library does it. Made anew for each call.
pub(super) struct Wire {
    routes: Arc<Routes>,
    /// Where a command without a key goes: to the server that the one before it went to.
    slot: Option<u16>,
}

impl Wire {
    pub(super) fn new(routes: &Arc<Routes>, slot: Option<u16>) -> Self {
        Self { routes: Arc::clone(routes), slot }
    }

    async fn send_pipeline(&self, pipeline: &Pipeline) -> RedisResult<Vec<Value>> {
        if let Routes::Master { .. } = &*self.routes {
            return self.routes.send(None, &Parcel::Pipeline(pipeline)).await;
        }
        let mut parts: BTreeMap<Option<u16>, (Vec<usize>, Pipeline)> = BTreeMap::new();
        for (place, command) in pipeline.cmd_iter().enumerate() {
            let (places, part) = parts.entry(slot::of_command(command).or(self.slot)).or_default();
            places.push(place);
            part.add_command(command.clone());
        }
        let sent = parts.iter().map(async |(slot, (places, part))| {
            Ok::<_, RedisError>((places, self.routes.send(*slot, &Parcel::Pipeline(part)).await?))
        });
        let mut answers = vec![Value::Nil; pipeline.len()];
        for (places, values) in try_join_all(sent).await? {
            for (place, value) in places.iter().zip(values) {
                answers[*place] = value;
            }
        }
        Ok(answers)
    }
}

impl ConnectionLike for Wire {
    fn req_packed_command<'a>(&'a mut self, command: &'a Cmd) -> RedisFuture<'a, Value> {
        async move {
            if let Routes::Cluster(_) = &*self.routes {
                // A script is loaded where it was missing.
                self.slot = slot::of_command(command).or(self.slot);
            }
            let mut answers = self.routes.send(self.slot, &Parcel::Command(command)).await?;
            Ok(answers.pop().unwrap_or(Value::Nil))
        }
        .boxed()
    }

    /// Pipelines without transaction, as a whole.
    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        _offset: usize,
        _count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        self.send_pipeline(pipeline).boxed()
    }

    fn get_db(&self) -> i64 {
        0
    }
}
