//! The HTTP gateway. `docs/http.md` has its routes for those who use it, `docs/openapi.json` for programs.

mod apply;
mod auth;
mod chat;
mod console;
mod dead;
mod extract;
mod fallback;
mod feed;
mod fleet;
mod health;
mod history;
mod jobs;
pub(crate) mod keys;
mod limits;
mod list;
mod modules;
mod openapi;
mod problem;
mod schedules;
mod serve;
mod stream;
mod submit;

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::{from_fn, from_fn_with_state, map_response};
use axum::response::{IntoResponse, Response};
use booster_core::Config;
use booster_core::config::GatewayConfig;
use booster_state::{Metrics, Series, Telemetry};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tower_http::cors::CorsLayer;
use tower_http::csrf::{CsrfLayer, ProtectionError};
use tower_http::timeout::RequestBodyTimeoutLayer;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::client::Client;
use crate::error::ClientError;
pub(crate) use extract::MAX_WAIT_S;
use feed::Feed;
use history::History;
use keys::Keys;
use limits::Limits;
pub use openapi::document;
use problem::Problem;

/// How long nothing may come of a body that has not ended.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// What all requests share.
struct Gateway {
    client: Client,
    metrics: Arc<Metrics>,
    /// Who may ask; anybody when there are none.
    keys: Option<Keys>,
    limits: Limits,
    feed: Feed,
    history: History,
    started: Instant,
    /// Whether it is for this machine alone.
    local: bool,
    /// Whether it speaks TLS itself.
    tls: bool,
    /// Whether the shutdown has begun.
    stop: watch::Sender<bool>,
}

impl Gateway {
    /// Resolves when the shutdown has begun.
    async fn stopping(&self) {
        // The sender lives as long as the gateway, so there is no error.
        let _ = self.stop.subscribe().wait_for(|stop| *stop).await;
    }
}

/// A client for the gateway that counts what it does, and its metrics.
///
/// # Errors
/// As [`Client::connect`].
pub fn counted_client(config: Config) -> Result<(Client, Arc<Metrics>), ClientError> {
    let metrics = Arc::new(Metrics::new([])?);
    metrics.set(Series::BuildInfo, &[env!("CARGO_PKG_VERSION"), booster_engine::WASMTIME_VERSION], 1.0);
    // The gateway has no pool, so the outbox of pool events stays empty.
    let (telemetry, _outbox) = Telemetry::new(Arc::clone(&metrics));
    Ok((Client::connect_observed(config, telemetry)?, metrics))
}

/// Serves until `shutdown` resolves; requests that are being answered are finished.
///
/// # Errors
/// [`ClientError::Usage`] when a setting of the section `gateway` does not fit, [`ClientError::Machine`] when the
/// listener fails.
pub async fn run(
    client: Client,
    metrics: Arc<Metrics>,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ClientError> {
    let config = client.config().gateway.clone();
    let keys = match config.keys_file.as_str() {
        "" => None,
        path => Some(Keys::load(path)?),
    };
    let loopback = listener.local_addr().is_ok_and(|address| address.ip().is_loopback());
    if keys.is_none() && !loopback && !config.allow_anonymous {
        return Err(ClientError::usage(
            format!(
                "--listen {}",
                listener.local_addr().map(|address| address.to_string()).unwrap_or_default()
            ),
            "without API keys anybody who reaches this address could run and cancel jobs; expected a loopback address \
             such as 127.0.0.1:8080, keys in gateway.keysFile (`booster key new`), or gateway.allowAnonymous = true",
        ));
    }
    let certificate = serve::certificate(&config).await?;
    let gateway = Arc::new(Gateway {
        local: keys.is_none() && !config.allow_anonymous,
        tls: certificate.is_some(),
        keys,
        limits: Limits::new(client.config().redis.max_job_bytes),
        feed: Feed::new(),
        history: History::default(),
        started: Instant::now(),
        stop: watch::Sender::new(false),
        client,
        metrics,
    });
    let router = router(&gateway, &config)?;
    let stopping = Arc::clone(&gateway);
    let shutdown = async move {
        shutdown.await;
        stopping.stop.send_replace(true);
    };
    tokio::select! {
        result = serve::serve(listener, router, certificate, shutdown) => result,
        () = gateway.feed.run(&gateway.client) => Ok(()),
        () = gateway.history.run(&gateway.client, &gateway.feed) => Ok(()),
    }
}

/// All routes that the OpenAPI document has, without what guards them.
fn routes() -> OpenApiRouter<Arc<Gateway>> {
    OpenApiRouter::with_openapi(openapi::frame())
        .merge(waiting())
        .merge(other())
        .merge(operators())
        .merge(agents())
        .merge(streams())
        .merge(open())
}

/// For everybody with a key: what may wait for an outcome.
fn waiting() -> OpenApiRouter<Arc<Gateway>> {
    OpenApiRouter::new()
        .routes(routes!(jobs::submit))
        .routes(routes!(jobs::get, jobs::cancel))
        .routes(routes!(apply::apply))
        .routes(routes!(apply::batch))
        .routes(routes!(chat::completions))
}

/// For everybody with a key: what does not.
fn other() -> OpenApiRouter<Arc<Gateway>> {
    OpenApiRouter::new().routes(routes!(jobs::retry)).routes(routes!(chat::models))
}

/// For those who may see and steer the whole fleet.
fn operators() -> OpenApiRouter<Arc<Gateway>> {
    OpenApiRouter::new()
        .routes(routes!(list::list))
        .routes(routes!(fleet::queues))
        .routes(routes!(fleet::pause))
        .routes(routes!(fleet::resume))
        .routes(routes!(fleet::drain))
        .routes(routes!(fleet::pool))
        .routes(routes!(dead::list))
        .routes(routes!(dead::retry_all))
        .routes(routes!(dead::get, dead::delete))
        .routes(routes!(dead::retry))
        .routes(routes!(schedules::list))
        .routes(routes!(schedules::get, schedules::put, schedules::delete))
        .routes(routes!(modules::list))
        .routes(routes!(modules::promote))
        .routes(routes!(modules::roll_back))
        .routes(routes!(history::history))
        .routes(routes!(health::metrics))
}

/// For regular agents, which see jobs of all tenants; they may wait for an offer.
fn agents() -> OpenApiRouter<Arc<Gateway>> {
    OpenApiRouter::new()
        .routes(routes!(fallback::next))
        .routes(routes!(fallback::done))
        .routes(routes!(fallback::failed))
        .routes(routes!(fallback::renew))
}

/// For the same, and without an end.
fn streams() -> OpenApiRouter<Arc<Gateway>> {
    OpenApiRouter::new().routes(routes!(stream::events))
}

/// For everybody.
fn open() -> OpenApiRouter<Arc<Gateway>> {
    OpenApiRouter::new()
        .routes(routes!(health::healthz))
        .routes(routes!(health::health))
        .routes(routes!(auth::login, auth::logout))
}

/// All routes with what guards them.
fn router(gateway: &Arc<Gateway>, config: &GatewayConfig) -> Result<Router, ClientError> {
    let known = || from_fn_with_state(Arc::clone(gateway), auth::known);
    let operator = || from_fn_with_state(Arc::clone(gateway), auth::operator);
    let (_, document) = routes().split_for_parts();
    let guarded = Router::new()
        .merge(waiting().route_layer(known()).route_layer(from_fn(limits::patient)))
        .merge(other().route_layer(known()).route_layer(from_fn(limits::quick)))
        .merge(operators().route_layer(operator()).route_layer(from_fn(limits::quick)))
        .merge(agents().route_layer(operator()).route_layer(from_fn(limits::patient)))
        .merge(streams().route_layer(operator()))
        .merge(open().route_layer(from_fn(limits::quick)));
    Ok(guarded
        .merge(openapi::router(&document))
        .merge(console::routes())
        .fallback(unknown_path)
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(gateway.limits.max_body()))
        .layer(RequestBodyTimeoutLayer::new(BODY_TIMEOUT))
        .layer(from_fn_with_state(Arc::clone(gateway), limits::admit))
        .layer(from_fn_with_state(Arc::clone(gateway), auth::local_host))
        .layer(same_origin(config)?)
        .layer(cors(config)?)
        .layer(map_response(hardened))
        .with_state(Arc::clone(gateway)))
}

/// Answers a request of another origin's page.
type OnForeign = fn(ProtectionError) -> Response;

/// Pages of other origins must not use what a browser sends along by itself, nor reach a gateway without keys.
fn same_origin(config: &GatewayConfig) -> Result<CsrfLayer<OnForeign>, ClientError> {
    let mut layer = CsrfLayer::new();
    for origin in &config.cors_origins {
        layer = layer
            .add_trusted_origin(origin)
            .map_err(|error| ClientError::usage(format!("gateway.corsOrigins {origin}"), error))?;
    }
    Ok(layer.with_rejection_response(foreign_origin as OnForeign))
}

fn foreign_origin(_: ProtectionError) -> Response {
    let detail = "pages of other origins may not do this; gateway.corsOrigins names those that may";
    Problem::new(StatusCode::FORBIDDEN, "origin_refused", detail).into_response()
}

/// Which pages may read answers; none when the settings name none.
fn cors(config: &GatewayConfig) -> Result<CorsLayer, ClientError> {
    let origins = config.cors_origins.iter().map(|origin| {
        HeaderValue::from_str(origin)
            .map_err(|error| ClientError::usage(format!("gateway.corsOrigins {origin}"), error))
    });
    let names = ["idempotency-key", "prefer", "last-event-id"].map(HeaderName::from_static);
    let headers = [header::AUTHORIZATION, header::CONTENT_TYPE].into_iter().chain(names);
    Ok(CorsLayer::new()
        .allow_origin(origins.collect::<Result<Vec<_>, _>>()?)
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::DELETE])
        .allow_headers(headers.collect::<Vec<_>>())
        .expose_headers([header::LOCATION, header::RETRY_AFTER]))
}

/// Answers are for who asked, and are what they say they are.
async fn hardened(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

async fn wrong_method() -> Problem {
    let detail = "this path does not take this method; GET /openapi.json has all routes";
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_wrong", detail)
}

async fn unknown_path() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "not_found", "no such path; GET /openapi.json has all routes")
}
