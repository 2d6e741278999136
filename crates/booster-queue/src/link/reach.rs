//! How servers are reached: addresses, certificates, time limits.

use std::time::Duration;

use booster_core::Address;
use booster_core::config::RedisConfig;
use redis::aio::MultiplexedConnection;
use redis::io::tcp::TcpSettings;
use redis::io::tcp::socket2::TcpKeepalive;
use redis::sentinel::{SentinelClient, SentinelClientBuilder, SentinelServerType};
use redis::{
    AsyncConnectionConfig, Client, ClientTlsConfig, ConnectionAddr, IntoConnectionInfo, RedisResult,
    TlsCertificates, TlsMode,
};

use crate::error::QueueError;

/// How long an ordinary command may take before its connection counts as broken.
pub(super) const RESPONSE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long connecting may take.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// After so long without a word the kernel asks whether the other side still lives.
const KEEPALIVE_AFTER: Duration = Duration::from_secs(10);

/// Makes clients for the servers of one fleet.
pub(super) struct Reach {
    certificates: Option<TlsCertificates>,
}

impl Reach {
    /// Reads the files that the configuration names.
    pub(super) fn new(config: &RedisConfig) -> Result<Self, QueueError> {
        let named = [&config.tls_ca, &config.tls_cert, &config.tls_key].iter().any(|path| !path.is_empty());
        if !named {
            return Ok(Self { certificates: None });
        }
        if !config.url.starts_with("rediss") {
            return Err(
                tls("redis.tlsCa, redis.tlsCert and redis.tlsKey are for rediss:// addresses".into()),
            );
        }
        let client_tls = match (config.tls_cert.as_str(), config.tls_key.as_str()) {
            ("", "") => None,
            ("", _) | (_, "") => return Err(tls("redis.tlsCert and redis.tlsKey belong together".into())),
            (cert, key) => Some(ClientTlsConfig {
                client_cert: read("redis.tlsCert", cert)?,
                client_key: read("redis.tlsKey", key)?,
            }),
        };
        let root_cert = match config.tls_ca.as_str() {
            "" => None,
            path => Some(read("redis.tlsCa", path)?),
        };
        Ok(Self { certificates: Some(TlsCertificates { client_tls, root_cert }) })
    }

    /// A client for the server at `url`.
    pub(super) fn client(&self, url: &str) -> Result<Client, QueueError> {
        let info =
            url.into_connection_info().map_err(|error| wrong(&error))?.set_tcp_settings(tcp_settings());
        match &self.certificates {
            None => Client::open(info).map_err(|error| wrong(&error)),
            Some(certificates) => {
                Client::build_with_tls(info, certificates.clone()).map_err(|error| tls(error.to_string()))
            }
        }
    }

    /// A client that asks `sentinels` who is master of `service`.
    pub(super) fn sentinel(
        &self,
        sentinels: &[String],
        master: &str,
        service: &str,
    ) -> Result<SentinelClient, QueueError> {
        let named: Vec<Client> = sentinels.iter().map(|url| self.client(url)).collect::<Result<_, _>>()?;
        let master = self.client(master)?;
        let addresses = named.iter().map(|client| client.get_connection_info().addr().clone());
        let mut builder = SentinelClientBuilder::new(addresses, service, SentinelServerType::Master)
            .map_err(|e| wrong(&e))?;
        builder = builder
            .set_client_to_redis_tcp_settings(tcp_settings())
            .set_client_to_sentinel_tcp_settings(tcp_settings())
            .set_client_to_redis_db(master.get_connection_info().redis_settings().db());
        if let ConnectionAddr::TcpTls { .. } = master.get_connection_info().addr() {
            builder = builder.set_client_to_redis_tls_mode(TlsMode::Secure);
        }
        if let Some(certificates) = &self.certificates {
            builder = builder.set_client_to_redis_certificates(certificates.clone());
        }
        let redis = master.get_connection_info().redis_settings();
        if let Some(user) = redis.username() {
            builder = builder.set_client_to_redis_username(user);
        }
        if let Some(password) = redis.password() {
            builder = builder.set_client_to_redis_password(password);
        }
        if let Some(sentinel) = named.first() {
            let redis = sentinel.get_connection_info().redis_settings();
            if let Some(user) = redis.username() {
                builder = builder.set_client_to_sentinel_username(user);
            }
            if let Some(password) = redis.password() {
                builder = builder.set_client_to_sentinel_password(password);
            }
        }
        builder.build().map_err(|error| wrong(&error))
    }
}

/// The address of a configuration, taken apart.
pub(super) fn address(config: &RedisConfig) -> Result<Address, QueueError> {
    Address::parse(&config.url)
        .ok_or_else(|| QueueError::Address { detail: format!("expected {}", booster_core::address::FORM) })
}

/// A client for another server than `like`'s that is reached in the same way.
pub(super) fn sibling(like: &Client, host: &str, port: u16) -> RedisResult<Client> {
    let info = like.get_connection_info();
    let addr = match info.addr() {
        ConnectionAddr::TcpTls { insecure, tls_params, .. } => ConnectionAddr::TcpTls {
            host: host.to_owned(),
            port,
            insecure: *insecure,
            tls_params: tls_params.clone(),
        },
        _ => ConnectionAddr::Tcp(host.to_owned(), port),
    };
    Client::open(info.clone().set_addr(addr))
}

/// Connects; an answer that takes longer than `response` counts as none.
pub(super) async fn connect(client: &Client, response: Duration) -> RedisResult<MultiplexedConnection> {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(CONNECT_TIMEOUT))
        .set_response_timeout(Some(response));
    client.get_multiplexed_async_connection_with_config(&config).await
}

fn tcp_settings() -> TcpSettings {
    // A connection that died without a word is given up by the kernel, instead of after a quarter of an hour.
    TcpSettings::default()
        .set_user_timeout(RESPONSE_TIMEOUT)
        .set_keepalive(TcpKeepalive::new().with_time(KEEPALIVE_AFTER).with_interval(CONNECT_TIMEOUT))
}

fn read(setting: &str, path: &str) -> Result<Vec<u8>, QueueError> {
    std::fs::read(path).map_err(|error| tls(format!("{setting}: {path}: {error}")))
}

fn tls(detail: String) -> QueueError {
    QueueError::Tls { detail }
}

fn wrong(error: &redis::RedisError) -> QueueError {
    // Not the whole text, which may hold a password.
    QueueError::Address { detail: error.category().to_owned() }
}
