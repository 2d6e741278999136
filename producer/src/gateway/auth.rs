//! Who asks, and from where.

use std::sync::Arc;

use axum::Json;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Gateway;
use super::extract::Text;
use super::keys::Key;
use super::problem::Problem;

/// The cookie with the key of somebody who has logged in with a browser.
const COOKIE: &str = "booster_session";
/// How long a browser keeps it, seconds.
const SESSION_S: u64 = 12 * 3600;

/// Who asks: the bearer of a key, or anybody where there are no keys.
#[derive(Clone)]
pub(super) struct Caller(Option<Arc<Key>>);

impl Caller {
    /// On whose behalf the caller's jobs are.
    pub(super) fn tenant(&self) -> Option<&str> {
        self.0.as_ref().and_then(|key| key.tenant())
    }

    /// Whether the caller may see and steer the whole fleet.
    pub(super) fn is_operator(&self) -> bool {
        self.tenant().is_none()
    }

    /// Whether the caller may see a job of this tenant.
    pub(super) fn may_see(&self, tenant: Option<&str>) -> bool {
        self.is_operator() || self.tenant() == tenant
    }

    /// Waiting jobs of the caller's tenant beyond which it may submit none.
    pub(super) fn max_waiting(&self) -> Option<u64> {
        self.0.as_ref().and_then(|key| key.max_waiting())
    }

    /// Takes `count` from the caller's rate.
    pub(super) fn take(&self, count: usize) -> Result<(), Problem> {
        let Some(key) = &self.0 else { return Ok(()) };
        key.take(count).map_err(|wait| {
            let detail = format!("key {} has used up its rate", key.name());
            Problem::too_many("rate_exceeded", detail, wait)
        })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        // Every route that asks for it lies behind `known` or `operator`.
        parts.extensions.get::<Self>().cloned().ok_or_else(unauthorized)
    }
}

fn unauthorized() -> Problem {
    let detail = "this gateway wants an API key: `Authorization: Bearer KEY`";
    Problem::new(StatusCode::UNAUTHORIZED, "key_missing", detail)
}

/// Lets those through whose key is known.
pub(super) async fn known(State(gateway): State<Arc<Gateway>>, request: Request, next: Next) -> Response {
    pass(&gateway, request, next, |_| true).await
}

/// Lets those through who may see and steer the whole fleet.
pub(super) async fn operator(State(gateway): State<Arc<Gateway>>, request: Request, next: Next) -> Response {
    pass(&gateway, request, next, Caller::is_operator).await
}

async fn pass(
    gateway: &Gateway,
    mut request: Request,
    next: Next,
    may: impl Fn(&Caller) -> bool,
) -> Response {
    let caller = match caller(gateway, request.headers()) {
        Ok(caller) => caller,
        Err(problem) => return problem.into_response(),
    };
    if !may(&caller) {
        let detail =
            "keys of a tenant may submit jobs, and see and cancel their own; this needs a key without tenant";
        return Problem::new(StatusCode::FORBIDDEN, "operator_only", detail).into_response();
    }
    if let Err(problem) = caller.take(1) {
        return problem.into_response();
    }
    request.extensions_mut().insert(caller);
    next.run(request).await
}

fn caller(gateway: &Gateway, headers: &HeaderMap) -> Result<Caller, Problem> {
    let Some(keys) = &gateway.keys else { return Ok(Caller(None)) };
    let presented = bearer(headers).or_else(|| cookie(headers)).ok_or_else(unauthorized)?;
    keys.find(presented).map(|key| Caller(Some(key))).ok_or_else(key_unknown)
}

fn key_unknown() -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "key_unknown", "this API key is not known here")
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, key) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    let texts = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = texts.flat_map(|text| text.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == COOKIE).map(|(_, key)| key)
}

/// A gateway for this machine alone must not be reached by a page whose name has been made to mean this machine.
pub(super) async fn local_host(
    State(gateway): State<Arc<Gateway>>,
    request: Request,
    next: Next,
) -> Response {
    if !gateway.local || is_local(host(&request)) {
        return next.run(request).await;
    }
    let detail =
        "without API keys this gateway is for its own machine: ask for localhost, 127.0.0.1 or [::1]";
    Problem::new(StatusCode::MISDIRECTED_REQUEST, "host_wrong", detail).into_response()
}

/// The host that a request is for, without port.
fn host(request: &Request) -> Option<String> {
    let named = request.headers().get(header::HOST).and_then(|value| value.to_str().ok());
    let uri: Uri = match request.uri().host() {
        Some(host) => return Some(host.to_owned()),
        None => named?.parse().ok()?,
    };
    uri.host().map(ToOwned::to_owned)
}

fn is_local(host: Option<String>) -> bool {
    let Some(host) = host else { return false };
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || bare.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// A key to log in with.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Login {
    /// The key.
    key: String,
}

/// Who has logged in.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Session {
    /// The key's name.
    name: String,
    /// On whose behalf its jobs are.
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<String>,
    /// Whether it may see and steer the whole fleet.
    operator: bool,
}

/// Logs a browser in.
///
/// The answer sets a cookie (`HttpOnly`, `SameSite=Strict`) that stands for the key for twelve hours.
#[utoipa::path(post, path = "/v1/session", operation_id = "login", tag = "session", security(()), request_body = Login,
    responses((status = 200, body = Session), (status = "default", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn login(State(gateway): State<Arc<Gateway>>, body: Text) -> Result<Response, Problem> {
    let Login { key } = body.json()?;
    let Some(keys) = &gateway.keys else {
        let detail = "this gateway has no API keys, so there is nothing to log in with";
        return Err(Problem::new(StatusCode::CONFLICT, "keys_not_used", detail));
    };
    let found = keys.find(&key).ok_or_else(key_unknown)?;
    let caller = Caller(Some(Arc::clone(&found)));
    let session = Session {
        name: found.name().to_owned(),
        tenant: caller.tenant().map(ToOwned::to_owned),
        operator: caller.is_operator(),
    };
    // A key that is known has nothing in it that a cookie cannot hold.
    Ok(([(header::SET_COOKIE, set_cookie(&gateway, &key, SESSION_S)?)], Json(session)).into_response())
}

/// Logs a browser out.
#[utoipa::path(delete, path = "/v1/session", operation_id = "logout", tag = "session", security(()), responses((status = 204)))]
pub(super) async fn logout(State(gateway): State<Arc<Gateway>>) -> Result<Response, Problem> {
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, set_cookie(&gateway, "", 0)?)]).into_response())
}

fn set_cookie(gateway: &Gateway, key: &str, seconds: u64) -> Result<HeaderValue, Problem> {
    let secure = if gateway.tls { "; Secure" } else { "" };
    let text = format!("{COOKIE}={key}; Path=/; HttpOnly; SameSite=Strict; Max-Age={seconds}{secure}");
    HeaderValue::from_str(&text).map_err(|_| key_unknown())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_from_header_and_cookie() {
        let mut headers = HeaderMap::new();
        assert_eq!((bearer(&headers), cookie(&headers)), (None, None));
        headers.insert("authorization", "bearer  a ".parse().unwrap());
        headers.insert("cookie", "x=1; booster_session=b; y=2".parse().unwrap());
        assert_eq!((bearer(&headers), cookie(&headers)), (Some("a"), Some("b")));
        headers.insert("authorization", "Basic a".parse().unwrap());
        assert_eq!(bearer(&headers), None);
    }

    #[test]
    fn only_names_of_this_machine_are_local() {
        let named = |host: &str| {
            let request = Request::builder().uri("/v1/jobs").header("host", host);
            is_local(super::host(&request.body(axum::body::Body::empty()).unwrap()))
        };
        for local in ["localhost", "LOCALHOST:8080", "127.0.0.1", "127.8.0.1:1", "[::1]:8080"] {
            assert!(named(local), "{local}");
        }
        for other in
            ["evil.example", "localhost.evil.example", "10.0.0.1", "127.0.0.1.evil.example", "", "a b"]
        {
            assert!(!named(other), "{other}");
        }
    }
}
