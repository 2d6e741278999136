//! Errors as RFC 9457 problem documents: what the client may know, never an internal cause.

use std::time::Duration;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use booster_core::{JobError, ModuleError, ScheduleError};
use booster_queue::QueueError;
use booster_state::StateError;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::error::ClientError;

/// A problem document.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Problem {
    /// A URN that names the kind of problem.
    pub r#type: String,
    /// The kind of problem in words.
    pub title: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// What is wrong with this request, and what would be right.
    pub detail: String,
    /// A stable, machine-readable code.
    pub code: &'static str,
    /// The booster's refusal, where that is the problem.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub refusal: Option<Box<RawValue>>,
    /// The same in the form in which clients of OpenAI's API read errors; only from `/v1/chat/completions`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Box<OpenAiError>>,
    /// Whole seconds after which to try again.
    #[serde(skip)]
    retry_after_s: Option<u32>,
}

/// An error as clients of OpenAI's API read it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct OpenAiError {
    /// The problem's detail.
    pub message: String,
    /// `invalid_request_error` when the request is to blame, else `server_error`.
    pub r#type: &'static str,
    /// The problem's code.
    pub code: &'static str,
}

impl Problem {
    /// A problem of this kind.
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            r#type: format!("urn:booster:problem:{code}"),
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            detail: detail.into(),
            code,
            refusal: None,
            error: None,
            retry_after_s: None,
        }
    }

    /// Something in the request that is wrong.
    pub(super) fn usage(what: impl Into<String>, detail: impl std::fmt::Display) -> Self {
        ClientError::usage(what, detail).into()
    }

    /// Too much at once: the same request may succeed after `wait`.
    pub(super) fn too_many(code: &'static str, detail: impl Into<String>, wait: Duration) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, code, detail).after(wait)
    }

    fn after(self, wait: Duration) -> Self {
        // The cast saturates.
        let seconds = wait.as_secs_f64().ceil().max(1.0) as u32;
        Self { retry_after_s: Some(seconds), ..self }
    }

    /// With what the booster said.
    pub(super) fn with_refusal(self, refusal: Option<Box<RawValue>>) -> Self {
        Self { refusal, ..self }
    }

    /// With the same in OpenAI's form.
    pub(super) fn for_openai(self) -> Self {
        let kind = if self.status < 500 { "invalid_request_error" } else { "server_error" };
        let error = OpenAiError { message: self.detail.clone(), r#type: kind, code: self.code };
        Self { error: Some(Box::new(error)), ..self }
    }

    fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// Whole seconds after which to try again.
    fn retry_after_s(&self) -> Option<u32> {
        let busy = [StatusCode::TOO_MANY_REQUESTS, StatusCode::SERVICE_UNAVAILABLE].contains(&self.status());
        self.retry_after_s.or(busy.then_some(1))
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
        let (status, retry_after) = (self.status(), self.retry_after_s());
        // A plain struct of texts and numbers: serialising it cannot fail.
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
