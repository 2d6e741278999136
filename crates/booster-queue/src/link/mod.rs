//! Connections to Redis: shared ones that reconnect by themselves, and private ones for blocking reads and
//! subscriptions. Whether Redis is one server, a master under Sentinel or a Cluster is known only here.
//!
//! Every command goes to the master that has its keys. A connection is given up when it breaks, when an answer does
//! not come in time, and when the server says that it is no longer the master; the next command finds out who is.

mod cell;
mod cluster;
mod reach;
mod slot;
mod wire;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use booster_core::Address;
use booster_core::config::RedisConfig;
use futures_util::FutureExt;
use redis::aio::{MultiplexedConnection, PubSub};
use redis::{Client, Cmd, FromRedisValue, Pipeline, RedisResult, ScriptInvocation};

use crate::error::QueueError;
use crate::note::{Note, Observer};
use cell::Cell;
use cluster::Cluster;
use reach::{CONNECT_TIMEOUT, RESPONSE_TIMEOUT, Reach, connect};
use wire::{Master, Routes, Wire};

/// How long the mark lives that a confirmed call leaves.
const MARK_MS: u64 = 1000;

/// A connection to a fleet's Redis. Cheap to clone.
#[derive(Clone)]
pub struct Link {
    routes: Arc<Routes>,
    /// Connections for calls that wait for replicas: such a wait holds up everything behind it. One for each queue
    /// that is submitted to on a Cluster, else one.
    confirming: Arc<Mutex<HashMap<String, Arc<Cell>>>>,
    wait: Wait,
    observer: Arc<dyn Observer>,
}

/// How many replicas must have what was written, and how long they are waited for.
#[derive(Debug, Clone, Copy)]
struct Wait {
    replicas: u32,
    timeout_ms: u64,
}

/// Whether enough replicas have what a script wrote.
pub(crate) enum Confirmed {
    /// They have, or none was asked.
    Yes,
    /// Too few have.
    No {
        /// How many have.
        replicas: u32,
        /// How many should.
        wanted: u32,
        /// How long they were waited for.
        timeout_ms: u64,
    },
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The clients' addresses may hold a password.
        f.write_str("Link")
    }
}

impl Link {
    /// Prepares a link to the Redis of `config` without connecting yet. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// [`QueueError::Address`] when the address cannot be understood, [`QueueError::Tls`] when a file of the TLS
    /// settings cannot be read.
    pub fn open(config: &RedisConfig, observer: Arc<dyn Observer>) -> Result<Self, QueueError> {
        // Only the first call decides; a second program part installing the same provider is no error.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let reach = Reach::new(config)?;
        let routes = match reach::address(config)? {
            Address::Server(url) => Routes::to_master(Master::Server(reach.client(&url)?)),
            Address::Sentinel { sentinels, master, service } => {
                let client = reach.sentinel(&sentinels, &master, &service)?;
                Routes::to_master(Master::Sentinel(tokio::sync::Mutex::new(Box::new(client))))
            }
            Address::Cluster { nodes } => {
                let clients = nodes.iter().map(|url| reach.client(url)).collect::<Result<_, _>>()?;
                Routes::Cluster(Cluster::new(clients))
            }
        };
        let wait = Wait { replicas: config.wait_replicas, timeout_ms: config.wait_timeout_ms };
        Ok(Self { routes: Arc::new(routes), confirming: Arc::default(), wait, observer })
    }

    /// Who is told of what happens on this link.
    pub fn observer(&self) -> &Arc<dyn Observer> {
        &self.observer
    }

    /// Runs one command. `name` is the label under which it is timed.
    ///
    /// # Errors
    /// [`QueueError::Unreachable`] or [`QueueError::Refused`].
    pub async fn query<T: FromRedisValue>(&self, name: &'static str, command: &Cmd) -> Result<T, QueueError> {
        let mut wire = Wire::new(&self.routes, None);
        self.timed(name, command.query_async(&mut wire)).await
    }

    /// Runs a command that names no key on the server that has `key`.
    pub(crate) async fn query_at<T: FromRedisValue>(
        &self,
        name: &'static str,
        key: &str,
        command: &Cmd,
    ) -> Result<T, QueueError> {
        let mut wire = Wire::new(&self.routes, Some(slot::of_key(key.as_bytes())));
        self.timed(name, command.query_async(&mut wire)).await
    }

    /// Runs a pipeline without transaction. On a Cluster its parts go to several servers at the same time.
    ///
    /// # Errors
    /// As [`Link::query`].
    pub async fn pipeline<T: FromRedisValue>(
        &self,
        name: &'static str,
        pipeline: &Pipeline,
    ) -> Result<T, QueueError> {
        if pipeline.is_empty() {
            let nothing = redis::from_redis_value(redis::Value::Array(Vec::new()));
            return nothing.map_err(|error| QueueError::from_redis(name, &error.into()));
        }
        let mut wire = Wire::new(&self.routes, None);
        self.timed(name, pipeline.query_async(&mut wire)).await
    }

    /// Runs a script, loading it when the server does not have it.
    ///
    /// # Errors
    /// As [`Link::query`].
    pub async fn script<T: FromRedisValue>(
        &self,
        name: &'static str,
        invocation: &ScriptInvocation<'_>,
    ) -> Result<T, QueueError> {
        let mut wire = Wire::new(&self.routes, None);
        self.timed(name, invocation.invoke_async(&mut wire)).await
    }

    /// Runs a script and waits until as many replicas have what it wrote as the configuration asks for
    /// (`redis.waitReplicas`). `mark` is a key of the script's slot that is written for it.
    ///
    /// # Errors
    /// As [`Link::query`].
    pub(crate) async fn script_confirmed<T: FromRedisValue>(
        &self,
        name: &'static str,
        mark: &str,
        invocation: &ScriptInvocation<'_>,
    ) -> Result<(T, Confirmed), QueueError> {
        if self.wait.replicas == 0 {
            return Ok((self.script(name, invocation).await?, Confirmed::Yes));
        }
        let cell = self.confirming(mark);
        let call = async {
            match self.confirm(&cell, mark, invocation).await {
                // Nothing was done there.
                Err(error) if error.code() == Some("MOVED") => self.confirm(&cell, mark, invocation).await,
                result => result,
            }
        };
        let (answer, replicas) = self.timed(name, call).await?;
        let Wait { replicas: wanted, timeout_ms } = self.wait;
        let confirmed =
            if replicas < wanted { Confirmed::No { replicas, wanted, timeout_ms } } else { Confirmed::Yes };
        Ok((answer, confirmed))
    }

    async fn confirm<T: FromRedisValue>(
        &self,
        cell: &Cell,
        mark: &str,
        invocation: &ScriptInvocation<'_>,
    ) -> RedisResult<(T, u32)> {
        let (mut connection, number) = cell.get().await.inspect_err(|_| self.routes.doubt())?;
        // WAIT is about what its own connection has written, and a script that finds everything done already writes
        // nothing.
        let mut rest = Pipeline::with_capacity(2);
        rest.cmd("SET").arg(mark).arg(1).arg("PX").arg(MARK_MS).ignore();
        rest.cmd("WAIT").arg(self.wait.replicas).arg(self.wait.timeout_ms);
        let result: RedisResult<(T, u32)> = async {
            let answer = invocation.invoke_async(&mut connection).await?;
            let (replicas,) = rest.query_async(&mut connection).await?;
            Ok((answer, replicas))
        }
        .await;
        // Whatever went wrong, another connection may lead to another server. A master without replicas may be one
        // that has been replaced and does not know it yet.
        if result.as_ref().map_or(true, |(_, replicas)| *replicas < self.wait.replicas) {
            cell.replace(number);
            self.routes.doubt();
        }
        result
    }

    fn confirming(&self, mark: &str) -> Arc<Cell> {
        let place = if self.is_cluster() { mark } else { "" };
        let mut cells = self.confirming.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(cell) = cells.get(place) {
            return Arc::clone(cell);
        }
        let (routes, slot) = (Arc::clone(&self.routes), slot::of_key(mark.as_bytes()));
        let response = RESPONSE_TIMEOUT + Duration::from_millis(self.wait.timeout_ms);
        let cell = Arc::new(Cell::new(move || {
            let routes = Arc::clone(&routes);
            async move { connect(&routes.client(Some(slot)).await?, response).await }.boxed()
        }));
        cells.insert(place.to_owned(), Arc::clone(&cell));
        cell
    }

    /// A connection of one's own, to the server that has `key`, whose commands may block for `block`.
    pub(crate) async fn blocking(&self, key: &str, block: Duration) -> Result<Blocking, QueueError> {
        let made = async {
            let client = self.routes.client(Some(slot::of_key(key.as_bytes()))).await?;
            let mut connection = connect(&client, block + RESPONSE_TIMEOUT).await?;
            let id = redis::cmd("CLIENT").arg("ID").query_async(&mut connection).await?;
            Ok(Blocking { connection, unblock: Unblock { client, id }, routes: Arc::clone(&self.routes) })
        };
        made.await.map_err(|error| self.lost("connect", &error))
    }

    /// A connection for subscriptions. On a Cluster any server has all announcements.
    ///
    /// # Errors
    /// As [`Link::query`].
    pub async fn subscriber(&self) -> Result<PubSub, QueueError> {
        let made = async {
            let client = self.routes.client(None).await?;
            match tokio::time::timeout(CONNECT_TIMEOUT, client.get_async_pubsub()).await {
                Ok(made) => made,
                Err(_) => Err(std::io::Error::from(std::io::ErrorKind::TimedOut).into()),
            }
        };
        made.await.map_err(|error| self.lost("subscribe", &error))
    }

    fn is_cluster(&self) -> bool {
        matches!(&*self.routes, Routes::Cluster(_))
    }

    async fn timed<T>(
        &self,
        name: &'static str,
        call: impl Future<Output = RedisResult<T>>,
    ) -> Result<T, QueueError> {
        let start = Instant::now();
        let result = call.await;
        self.observer.note(&Note::Command { name, seconds: start.elapsed().as_secs_f64() });
        result.map_err(|error| self.fault(self.explained(name, &error)))
    }

    /// An error of Redis in words that help.
    fn explained(&self, name: &'static str, error: &redis::RedisError) -> QueueError {
        if error.code() == Some("MOVED") && !self.is_cluster() {
            let detail = "this server is part of a Redis Cluster; name it as redis+cluster://host:port";
            return QueueError::Address { detail: detail.to_owned() };
        }
        QueueError::from_redis(name, error)
    }

    /// A connection of one's own could not be made.
    fn lost(&self, name: &'static str, error: &redis::RedisError) -> QueueError {
        self.routes.doubt();
        self.fault(QueueError::from_redis(name, error))
    }

    pub(crate) fn fault(&self, error: QueueError) -> QueueError {
        self.observer.note(&Note::RedisError { kind: error.kind(), detail: &error });
        error
    }
}

/// A connection of one's own for commands that block.
pub(crate) struct Blocking {
    connection: MultiplexedConnection,
    unblock: Unblock,
    routes: Arc<Routes>,
}

impl Blocking {
    /// Runs a command.
    pub(crate) async fn query<T: FromRedisValue>(&mut self, command: &Cmd) -> RedisResult<T> {
        // After a fault the slot may be elsewhere.
        command.query_async(&mut self.connection).await.inspect_err(|_| self.routes.doubt())
    }

    /// What ends a command that blocks on this connection.
    pub(crate) fn unblock(&self) -> Unblock {
        self.unblock.clone()
    }
}

/// Ends a command that blocks, so that it answers.
#[derive(Clone)]
pub(crate) struct Unblock {
    client: Client,
    id: u64,
}

impl Unblock {
    /// Does it. The other connection may be to a server that is no longer the master, so it is done there.
    pub(crate) async fn run(&self) {
        if let Ok(mut connection) = connect(&self.client, CONNECT_TIMEOUT).await {
            // Without an answer the block ends by itself.
            let _ =
                redis::cmd("CLIENT").arg("UNBLOCK").arg(self.id).query_async::<i64>(&mut connection).await;
        }
    }
}
