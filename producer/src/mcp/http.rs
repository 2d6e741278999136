//! MCP over streamable HTTP: who may speak to the server, and how much at once.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use super::tools::Tools;
use crate::error::ClientError;

/// The environment variable with the token that clients have to send.
pub const TOKEN_VARIABLE: &str = "BOOSTER_MCP_TOKEN";
/// Shortest token, bytes.
const MIN_TOKEN: usize = 16;
/// Largest body of one request: a file's edit with what JSON adds to it.
const MAX_BODY: usize = 16 * 1024 * 1024;
/// Requests that are answered at the same time.
const MAX_REQUESTS: usize = 64;
/// How long open requests may take once the shutdown has begun.
const DRAIN: Duration = Duration::from_secs(10);

/// Who may speak to the server.
#[derive(Debug, Default)]
pub struct Door {
    /// The token that every request has to bear; none is asked for when absent.
    pub token: Option<Token>,
    /// Names under which clients may reach the server, beside those of this machine's loopback.
    pub hosts: Vec<String>,
}

/// A token, kept as its digest only.
#[derive(Clone)]
pub struct Token([u8; 32]);

impl Token {
    /// A token as it stands in the environment.
    ///
    /// # Errors
    /// [`ClientError::Usage`] when it is too short to be secret.
    pub fn new(text: &str) -> Result<Self, ClientError> {
        let text = text.trim();
        if text.len() < MIN_TOKEN {
            let detail =
                format!("expected at least {MIN_TOKEN} characters, such as from `openssl rand -hex 32`");
            return Err(ClientError::usage(TOKEN_VARIABLE, detail));
        }
        Ok(Self(digest(text)))
    }

    /// Whether an `Authorization` header bears this token. The time taken says nothing of how much was right.
    fn is_in(&self, authorization: Option<&str>) -> bool {
        let bearer = authorization.and_then(|value| value.split_once(' '));
        let given = bearer.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        given.is_some_and(|(_, token)| digest(token.trim()).ct_eq(&self.0).into())
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token")
    }
}

fn digest(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

struct Guard {
    token: Option<Token>,
    requests: Semaphore,
}

/// Serves until `shutdown` resolves.
pub(crate) async fn run(
    tools: Tools,
    listener: TcpListener,
    door: Door,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ClientError> {
    let failed = |error: std::io::Error| ClientError::machine("MCP over HTTP", error);
    let address = listener.local_addr().map_err(failed)?;
    if !address.ip().is_loopback() && door.token.is_none() {
        let detail =
            format!("other machines could edit files here; set {TOKEN_VARIABLE} to the token that they send");
        return Err(ClientError::usage(format!("--listen {address}"), detail));
    }
    let settings = StreamableHttpServerConfig::default()
        // Without sessions there is nothing that clients can pile up.
        .with_legacy_session_mode(false)
        .with_json_response(true)
        .with_max_request_body_bytes(MAX_BODY)
        .with_allowed_hosts(hosts(address.ip(), door.hosts))
        // No page in a browser has a reason to speak to this server.
        .enforce_origin_validation();
    let stop = settings.cancellation_token.clone();
    let service = StreamableHttpService::new(
        move || Ok(tools.clone()),
        Arc::new(NeverSessionManager::default()),
        settings,
    );
    let guard = Arc::new(Guard { token: door.token, requests: Semaphore::new(MAX_REQUESTS) });
    let router = Router::new().nest_service("/mcp", service).layer(from_fn_with_state(guard, guarded));
    let (begin, begun) = tokio::sync::oneshot::channel();
    let shutdown = async move {
        shutdown.await;
        let _ = begin.send(());
    };
    let serve = axum::serve(listener, router).with_graceful_shutdown(shutdown);
    let overdue = async {
        // A shutdown that never comes leaves this waiting for ever.
        if begun.await.is_err() {
            std::future::pending::<()>().await;
        }
        tokio::time::sleep(DRAIN).await;
        stop.cancel();
    };
    tokio::select! {
        result = serve => result.map_err(failed),
        () = overdue => Ok(()),
    }
}

/// The names under which the server may be addressed; a page that had its own name point here uses another one.
fn hosts(ip: IpAddr, named: Vec<String>) -> Vec<String> {
    let mut hosts: Vec<String> = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).into();
    if !ip.is_unspecified() {
        hosts.push(ip.to_string());
    }
    hosts.extend(named);
    hosts
}

async fn guarded(State(guard): State<Arc<Guard>>, request: Request, next: Next) -> Response {
    let authorization = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    if guard.token.as_ref().is_some_and(|token| !token.is_in(authorization)) {
        let challenge = [(header::WWW_AUTHENTICATE, "Bearer")];
        return (StatusCode::UNAUTHORIZED, challenge, "a bearer token is required\n").into_response();
    }
    let Ok(_permit) = guard.requests.try_acquire() else {
        let later = [(header::RETRY_AFTER, "1")];
        return (StatusCode::SERVICE_UNAVAILABLE, later, "too many requests at once\n").into_response();
    };
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_token_opens() {
        let token = Token::new("0123456789abcdef\n").unwrap();
        for right in ["Bearer 0123456789abcdef", "bearer  0123456789abcdef"] {
            assert!(token.is_in(Some(right)), "{right}");
        }
        for wrong in ["", "Bearer", "Bearer 0123456789abcde", "Basic 0123456789abcdef", "0123456789abcdef"] {
            assert!(!token.is_in(Some(wrong)), "{wrong}");
        }
        assert!(!token.is_in(None));
        assert_eq!(Token::new("short").unwrap_err().exit_status(), 2);
        assert_eq!(format!("{token:?}"), "Token");
    }
}
