//! Errors as RFC 9457 problem documents: what the client may know, never an internal cause.

use std::borrow::Cow;
use std::time::Duration;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use booster_core::{JobError, ModuleError, ScheduleError};
use booster_queue::QueueError;
use booster_state::StateError;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::error::ClientError;

/// A problem document as it is sent.
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
struct Document<'a> {
    /// A URN that names the kind of problem.
    r#type: String,
    /// The kind of problem in words.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// What is wrong with this request, and what would be right.
    detail: &'a str,
    /// A stable, machine-readable code.
    code: &'static str,
    /// The booster's refusal, where that is the problem.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<serde_json::Value>)]
    refusal: Option<&'a RawValue>,
    /// The same in the form in which clients of OpenAI's API read errors; only from `/v1/chat/completions`.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<OpenAiError<'a>>,
}

/// An error as clients of OpenAI's API read it.
#[derive(Serialize, ToSchema)]
#[schema(as = OpenAiError)]
struct OpenAiError<'a> {
    /// The problem's detail.
    message: &'a str,
    /// `invalid_request_error` when the request is to blame, else `server_error`.
    r#type: &'static str,
    /// The problem's code.
    code: &'static str,
}

/// What a request came to instead of its answer.
#[derive(Debug, Clone)]
pub(super) struct Problem {
    status: StatusCode,
    pub(super) code: &'static str,
    pub(super) detail: String,
    refusal: Option<Box<RawValue>>,
    /// Whether it is also told in OpenAI's form.
    openai: bool,
    /// When to try again.
    retry_after: Option<Duration>,
}

impl PartialSchema for Problem {
    fn schema() -> RefOr<Schema> {
        Document::schema()
    }
}

impl ToSchema for Problem {
    fn name() -> Cow<'static, str> {
        Document::name()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        Document::schemas(schemas);
    }
}

impl Problem {
    /// A problem of this kind.
    pub(super) fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, detail: detail.into(), refusal: None, openai: false, retry_after: None }
    }

    /// Something in the request that is wrong.
    pub(super) fn usage(what: impl Into<String>, detail: impl std::fmt::Display) -> Self {
        ClientError::usage(what, detail).into()
    }

    /// Too much at once: the same request may succeed after `wait`.
    pub(super) fn too_many(code: &'static str, detail: impl Into<String>, wait: Duration) -> Self {
        let problem = Self::new(StatusCode::TOO_MANY_REQUESTS, code, detail);
        Self { retry_after: Some(wait), ..problem }
    }

    /// With what the booster said.
    pub(super) fn with_refusal(self, refusal: Option<Box<RawValue>>) -> Self {
        Self { refusal, ..self }
    }

    /// With the same in OpenAI's form.
    pub(super) fn for_openai(self) -> Self {
        Self { openai: true, ..self }
    }

    fn document(&self) -> Document<'_> {
        let kind = if self.status.is_client_error() { "invalid_request_error" } else { "server_error" };
        let error = OpenAiError { message: &self.detail, r#type: kind, code: self.code };
        Document {
            r#type: format!("urn:booster:problem:{}", self.code),
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            detail: &self.detail,
            code: self.code,
            refusal: self.refusal.as_deref(),
            error: self.openai.then_some(error),
        }
    }

    /// Whole seconds after which to try again.
    fn retry_after_s(&self) -> Option<u64> {
        let busy = [StatusCode::TOO_MANY_REQUESTS, StatusCode::SERVICE_UNAVAILABLE].contains(&self.status);
        let wait = self.retry_after.or(busy.then_some(Duration::from_secs(1)))?;
        Some(wait.as_secs_f64().ceil().max(1.0) as u64)
    }
}

fn status_of(error: &ClientError) -> StatusCode {
    match error {
        ClientError::Job(JobError::TooLarge { .. })
        | ClientError::Queue(
            QueueError::Job(JobError::TooLarge { .. }) | QueueError::Schedule(ScheduleError::TooLarge { .. }),
        ) => StatusCode::PAYLOAD_TOO_LARGE,
        ClientError::Job(_)
        | ClientError::Schedule(_)
        | ClientError::Usage { .. }
        | ClientError::Queue(QueueError::Job(_) | QueueError::Schedule(_)) => StatusCode::BAD_REQUEST,
        ClientError::Module(ModuleError::Unknown { .. } | ModuleError::UnknownVersion { .. }) => {
            StatusCode::NOT_FOUND
        }
        ClientError::Module(ModuleError::Contended) => StatusCode::SERVICE_UNAVAILABLE,
        ClientError::Module(_) | ClientError::Queue(QueueError::SchedulesFull { .. }) => StatusCode::CONFLICT,
        ClientError::Queue(QueueError::Full { .. }) => StatusCode::TOO_MANY_REQUESTS,
        ClientError::Queue(
            QueueError::Unreachable { .. }
            | QueueError::Unconfirmed { .. }
            | QueueError::Draining { .. }
            | QueueError::Refused { passing: true, .. },
        ) => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

impl From<ClientError> for Problem {
    fn from(error: ClientError) -> Self {
        let (status, code) = (status_of(&error), error.code());
        match status {
            // The client has to know the ids, or which queue is draining.
            _ if matches!(
                error,
                ClientError::Queue(QueueError::Unconfirmed { .. } | QueueError::Draining { .. })
            ) =>
            {
                Self::new(status, code, error.to_string())
            }
            // The cause is in the log; the client learns that it was not its fault and whether to try again.
            StatusCode::SERVICE_UNAVAILABLE => {
                tracing::warn!(%error, code, "request failed");
                Self::new(
                    status,
                    code,
                    "the queue cannot be reached at the moment; the same request may succeed later",
                )
            }
            StatusCode::INTERNAL_SERVER_ERROR => {
                tracing::error!(%error, code, "request failed");
                Self::new(status, code, "the request could not be carried out")
            }
            _ => Self::new(status, code, error.to_string()),
        }
    }
}

impl From<QueueError> for Problem {
    fn from(error: QueueError) -> Self {
        ClientError::from(error).into()
    }
}

impl From<StateError> for Problem {
    fn from(error: StateError) -> Self {
        ClientError::from(error).into()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        // A plain struct of texts and numbers: serialising it cannot fail.
        let body = serde_json::to_vec(&self.document()).unwrap_or_default();
        let mut response = (self.status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = self.retry_after_s() {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
