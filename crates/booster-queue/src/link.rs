//! Connections to Redis: a shared one that reconnects by itself, and private ones for blocking reads and
//! subscriptions.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use redis::aio::{ConnectionManager, ConnectionManagerConfig, MultiplexedConnection, PubSub};
use redis::{AsyncConnectionConfig, Cmd, FromRedisValue, IntoConnectionInfo, Pipeline, ScriptInvocation};

use crate::error::QueueError;
use crate::note::{Note, Observer};
use crate::scripts::{ELECT, RESIGN};

/// How long an ordinary command may take before its connection counts as broken.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// A connection to one Redis server. Cheap to clone.
#[derive(Clone)]
pub struct Link {
    client: redis::Client,
    shared: Arc<Mutex<Shared>>,
    observer: Arc<dyn Observer>,
}

/// The connection that all ordinary commands share.
struct Shared {
    manager: ConnectionManager,
    /// Which connection this is, so that of many commands without an answer only the first replaces it.
    number: u64,
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The client's address may hold a password.
        f.write_str("Link")
    }
}

impl Link {
    /// Prepares a link to `url` without connecting yet. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// [`QueueError::Address`] when the address cannot be understood.
    pub fn open(url: &str, observer: Arc<dyn Observer>) -> Result<Self, QueueError> {
        // Only the first call decides; a second program part installing the same provider is no error.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let wrong = |error: redis::RedisError| QueueError::Address { detail: error.category().to_owned() };
        let info = url.into_connection_info().map_err(wrong)?;
        // A connection that died without a word is given up by the kernel, instead of after a quarter of an hour.
        let settings = info.tcp_settings().clone().set_user_timeout(RESPONSE_TIMEOUT);
        let client = redis::Client::open(info.set_tcp_settings(settings)).map_err(wrong)?;
        let manager = manager(&client).map_err(|error| QueueError::from_redis("connect", &error))?;
        let shared = Arc::new(Mutex::new(Shared { manager, number: 0 }));
        Ok(Self { client, shared, observer })
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
        let (mut connection, number) = self.connection();
        self.timed(name, number, command.query_async(&mut connection)).await
    }

    /// Runs a pipeline without transaction.
    ///
    /// # Errors
    /// As [`Link::query`].
    pub async fn pipeline<T: FromRedisValue>(
        &self,
        name: &'static str,
        pipeline: &Pipeline,
    ) -> Result<T, QueueError> {
        let (mut connection, number) = self.connection();
        self.timed(name, number, pipeline.query_async(&mut connection)).await
    }

    /// Runs a script, loading it when the server does not have it.
    pub(crate) async fn script<T: FromRedisValue>(
        &self,
        name: &'static str,
        invocation: &ScriptInvocation<'_>,
    ) -> Result<T, QueueError> {
        let (mut connection, number) = self.connection();
        self.timed(name, number, invocation.invoke_async(&mut connection)).await
    }

    /// Takes or keeps the elected office `key` for `holder` during `millis`.
    ///
    /// # Errors
    /// As [`Link::query`].
    pub async fn elect(&self, key: &str, holder: &str, millis: u64) -> Result<bool, QueueError> {
        let mut call = ELECT.prepare_invoke();
        call.key(key).arg(holder).arg(millis);
        self.script("elect", &call).await
    }

    /// Gives up an elected office, if `holder` has it.
    pub(crate) async fn resign(&self, key: &str, holder: &str) {
        let mut call = RESIGN.prepare_invoke();
        call.key(key).arg(holder);
        // Without an answer the term ends by itself.
        let _ = self.script::<i64>("resign", &call).await;
    }

    /// A connection of one's own whose commands may block for `block`.
    pub(crate) async fn blocking(&self, block: Duration) -> Result<MultiplexedConnection, QueueError> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT_TIMEOUT))
            .set_response_timeout(Some(block + RESPONSE_TIMEOUT));
        self.client
            .get_multiplexed_async_connection_with_config(&config)
            .await
            .map_err(|error| self.fault(QueueError::from_redis("connect", &error)))
    }

    /// A connection for subscriptions.
    ///
    /// # Errors
    /// As [`Link::query`].
    pub async fn subscriber(&self) -> Result<PubSub, QueueError> {
        match tokio::time::timeout(CONNECT_TIMEOUT, self.client.get_async_pubsub()).await {
            Ok(result) => result.map_err(|error| self.fault(QueueError::from_redis("subscribe", &error))),
            Err(_) => Err(self.fault(QueueError::Unreachable { detail: "connecting timed out".into() })),
        }
    }

    async fn timed<T>(
        &self,
        name: &'static str,
        number: u64,
        call: impl Future<Output = redis::RedisResult<T>>,
    ) -> Result<T, QueueError> {
        let start = Instant::now();
        let result = call.await;
        if result.as_ref().is_err_and(redis::RedisError::is_timeout) {
            self.replace(number);
        }
        self.observer.note(&Note::Command { name, seconds: start.elapsed().as_secs_f64() });
        result.map_err(|error| self.fault(QueueError::from_redis(name, &error)))
    }

    fn connection(&self) -> (ConnectionManager, u64) {
        let shared = self.shared();
        (shared.manager.clone(), shared.number)
    }

    /// Gives up a connection on which an answer did not come in time. It may be half open, as behind a proxy whose
    /// server is gone: it takes every command and answers none, and the client's library would keep it for ever.
    fn replace(&self, number: u64) {
        let mut shared = self.shared();
        if shared.number == number
            && let Ok(manager) = manager(&self.client)
        {
            *shared = Shared { manager, number: number + 1 };
        }
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn fault(&self, error: QueueError) -> QueueError {
        self.observer.note(&Note::RedisError { kind: error.kind(), detail: &error });
        error
    }
}

/// A connection that is made when it is first needed and made again when it breaks.
fn manager(client: &redis::Client) -> redis::RedisResult<ConnectionManager> {
    let config = ConnectionManagerConfig::new()
        .set_response_timeout(Some(RESPONSE_TIMEOUT))
        .set_connection_timeout(Some(CONNECT_TIMEOUT))
        .set_number_of_retries(1)
        .set_max_delay(Duration::from_secs(1));
    ConnectionManager::new_lazy_with_config(client.clone(), config)
}
