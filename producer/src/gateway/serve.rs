//! Listening: connections, TLS and the end.

use std::future::Ready;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum_server::accept::Accept;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use axum_server::{Handle, Server};
use booster_core::config::GatewayConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower_service::Service;

use crate::error::ClientError;

/// Connections at the same time; further ones are closed at once.
const MAX_CONNECTIONS: usize = 4096;
/// How long a client may take for the head of a request, and how long an idle connection is kept.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// Largest head of a request, bytes.
const MAX_HEAD: usize = 64 * 1024;
/// Requests at the same time on one HTTP/2 connection.
const MAX_STREAMS: u32 = 128;
/// How long open requests may take once the shutdown has begun.
const DRAIN: Duration = Duration::from_secs(10);

/// The certificate of the settings; `None` when they name none.
///
/// # Errors
/// [`ClientError::Usage`] when only one of the two settings is there, or a file cannot be used.
pub(super) async fn certificate(config: &GatewayConfig) -> Result<Option<RustlsConfig>, ClientError> {
    let (cert, key) = (&config.tls_cert, &config.tls_key);
    match (cert.is_empty(), key.is_empty()) {
        (true, true) => Ok(None),
        (false, false) => {
            let loaded = RustlsConfig::from_pem_chain_file(cert, key).await;
            let what = format!("gateway.tlsCert {cert} with gateway.tlsKey {key}");
            Ok(Some(loaded.map_err(|error| ClientError::usage(what, error))?))
        }
        _ => Err(ClientError::usage(
            "gateway.tlsCert and gateway.tlsKey",
            "one is empty; expected both, or neither for plain HTTP",
        )),
    }
}

/// Serves until `shutdown` resolves and open requests have been answered, or their time is over.
pub(super) async fn serve(
    listener: TcpListener,
    router: Router,
    certificate: Option<RustlsConfig>,
    shutdown: impl Future<Output = ()>,
) -> Result<(), ClientError> {
    let handle = Handle::new();
    let mut server = Server::<SocketAddr>::from_listener(listener)
        .handle(handle.clone())
        .first_request_timeout(HEAD_TIMEOUT);
    let builder = server.http_builder();
    builder.http1().header_read_timeout(HEAD_TIMEOUT).max_buf_size(MAX_HEAD);
    builder.http2().max_concurrent_streams(MAX_STREAMS).max_header_list_size(MAX_HEAD as u32);
    builder.http2().keep_alive_interval(HEAD_TIMEOUT);
    let bounded = Bounded(Arc::new(Semaphore::new(MAX_CONNECTIONS)));
    let service = router.into_make_service();
    let serving = async {
        match certificate {
            None => server.acceptor(bounded).serve(service).await,
            Some(certificate) => {
                let acceptor = RustlsAcceptor::new(certificate).acceptor(bounded);
                server.acceptor(acceptor).serve(service).await
            }
        }
    };
    let stopping = async {
        shutdown.await;
        handle.graceful_shutdown(Some(DRAIN));
        // The server ends the wait.
        std::future::pending::<()>().await;
    };
    tokio::select! {
        result = serving => result.map_err(|error| ClientError::machine("the HTTP gateway", error)),
        () = stopping => Ok(()),
    }
}

/// Accepts connections while they are few enough, without delay of small packets.
#[derive(Clone)]
struct Bounded(Arc<Semaphore>);

impl<S> Accept<TcpStream, S> for Bounded {
    type Stream = TcpStream;
    type Service = Counted<S>;
    type Future = Ready<std::io::Result<(TcpStream, Counted<S>)>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let permit = Arc::clone(&self.0).try_acquire_owned();
        let full = |_| std::io::Error::other(format!("{MAX_CONNECTIONS} connections are open"));
        let accepted = permit.map_err(full).and_then(|permit| {
            stream.set_nodelay(true)?;
            Ok((stream, Counted { service, _permit: Arc::new(permit) }))
        });
        std::future::ready(accepted)
    }
}

/// A connection's service, which counts as long as it lives.
#[derive(Clone)]
struct Counted<S> {
    service: S,
    _permit: Arc<OwnedSemaphorePermit>,
}

impl<S: Service<R>, R> Service<R> for Counted<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.service.poll_ready(context)
    }

    fn call(&mut self, request: R) -> S::Future {
        self.service.call(request)
    }
}
