//! What handlers take from a request. What cannot be read is a problem document.

use std::ops::RangeInclusive;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{FromRef, FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use futures_util::StreamExt;
use serde::de::DeserializeOwned;
use tokio::sync::OwnedSemaphorePermit;

use super::Gateway;
use super::problem::Problem;

/// Longest wait of one request, seconds.
pub(crate) const MAX_WAIT_S: u64 = 300;

/// The one part of the path that is not fixed: a job, a queue, a schedule.
pub(super) struct Named(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for Named {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Path::from_request_parts(parts, state).await {
            Ok(Path(name)) => Ok(Self(name)),
            Err(rejection) => Err(unreadable(&rejection.body_text())),
        }
    }
}

/// The query, whose fields are all known.
pub(super) struct Asked<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Asked<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Query::from_request_parts(parts, state).await {
            Ok(Query(asked)) => Ok(Self(asked)),
            Err(rejection) => Err(unreadable(&rejection.body_text())),
        }
    }
}

fn unreadable(detail: &str) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "request_unreadable", detail)
}

/// A body of UTF-8, with the room that it takes.
pub(super) struct Text {
    bytes: Bytes,
    /// Given back when the request has been answered.
    _room: OwnedSemaphorePermit,
}

impl Text {
    /// The text.
    pub(super) fn as_str(&self) -> Result<&str, Problem> {
        std::str::from_utf8(&self.bytes)
            .map_err(|error| Problem::usage("body", format!("not UTF-8: {error}")))
    }

    /// The JSON in it.
    pub(super) fn json<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        serde_json::from_str(self.as_str()?).map_err(|error| Problem::usage("body", error))
    }
}

impl<S> FromRequest<S> for Text
where
    S: Send + Sync,
    Arc<Gateway>: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let gateway = Arc::<Gateway>::from_ref(state);
        let length = length(request.headers());
        let limits = &gateway.limits;
        if length.is_some_and(|length| length > limits.max_body()) {
            pour_away(request, 2 * limits.max_body()).await;
            return Err(limits.too_large());
        }
        let room = limits.room_for(length)?;
        match Bytes::from_request(request, state).await {
            Ok(bytes) => Ok(Self { bytes, _room: room }),
            Err(rejection) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => Err(limits.too_large()),
            Err(rejection) => Err(Problem::new(rejection.status(), "body_unreadable", rejection.body_text())),
        }
    }
}

/// Reads on for so many bytes: a client that is still sending when the connection closes may never see the answer.
async fn pour_away(request: Request, most: usize) {
    let mut body = request.into_body().into_data_stream();
    let mut seen = 0;
    while seen < most
        && let Some(Ok(bytes)) = body.next().await
    {
        seen += bytes.len();
    }
}

/// The length that a request says its body has.
fn length(headers: &HeaderMap) -> Option<usize> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// A whole number of the query.
pub(super) fn number(
    name: &str,
    text: Option<&str>,
    range: RangeInclusive<u64>,
) -> Result<Option<u64>, Problem> {
    let Some(text) = text else { return Ok(None) };
    let number = text.parse().ok().filter(|number| range.contains(number));
    number.map(Some).ok_or_else(|| {
        let expected = format!("expected a whole number from {} to {}", range.start(), range.end());
        Problem::usage(format!("{name}={text}"), expected)
    })
}

/// Seconds to wait, as `?wait=` says it.
pub(super) fn wait_seconds(text: Option<&str>) -> Result<Option<u64>, Problem> {
    number("wait", text, 0..=MAX_WAIT_S)
}

/// What a request prefers (RFC 7240), as far as it is known here. What it prefers else is ignored.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Preferences {
    /// `wait=S`.
    pub(super) wait: Option<u64>,
    /// `respond-async`.
    pub(super) respond_async: bool,
}

impl Preferences {
    /// Reads the `Prefer` headers; a wait beyond [`MAX_WAIT_S`] is cut short.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let mut preferences = Self::default();
        let texts = headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
        for preference in texts.flat_map(|text| text.split(',')) {
            // What stands behind a semicolon belongs to the preference before it.
            let preference = preference.split(';').next().unwrap_or_default().trim();
            match preference.split_once('=') {
                Some((name, seconds)) if name.trim().eq_ignore_ascii_case("wait") => {
                    let seconds = seconds.trim().trim_matches('"').parse::<u64>().ok();
                    preferences.wait = preferences.wait.or(seconds.map(|seconds| seconds.min(MAX_WAIT_S)));
                }
                None => preferences.respond_async |= preference.eq_ignore_ascii_case("respond-async"),
                Some(_) => {}
            }
        }
        preferences
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn preferences_are_read_and_others_ignored() {
        let of = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append("prefer", value.parse().unwrap());
            }
            Preferences::of(&headers)
        };
        assert_eq!(of(&[]), Preferences::default());
        assert_eq!(of(&["respond-async, wait=10"]), Preferences { wait: Some(10), respond_async: true });
        assert_eq!(
            of(&["handling=lenient; x", "Wait = \"9000\""]),
            Preferences { wait: Some(300), respond_async: false }
        );
        assert_eq!(of(&["wait=soon"]), Preferences::default());
    }

    #[test]
    fn numbers_have_bounds() {
        assert_eq!(number("limit", Some("5"), 1..=10).unwrap(), Some(5));
        assert_eq!(number("limit", None, 1..=10).unwrap(), None);
        for wrong in ["0", "11", "-1", "1.5", "", "x"] {
            assert_eq!(number("limit", Some(wrong), 1..=10).unwrap_err().code, "usage", "{wrong}");
        }
    }
}
