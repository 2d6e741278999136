//! Errors as RFC 9457 problem documents: what the client may know, never an internal cause.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use booster_core::{JobError, ModuleError, ScheduleError};
use booster_queue::QueueError;
use serde::Serialize;

use crate::error::ClientError;

/// A problem document.
#[derive(Debug, Clone, Serialize)]
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
        }
    }
}

impl From<ClientError> for Problem {
    fn from(error: ClientError) -> Self {
        let code = error.code();
        let status = match &error {
            ClientError::Job(JobError::TooLarge { .. })
            | ClientError::Queue(
                QueueError::Job(JobError::TooLarge { .. })
                | QueueError::Schedule(ScheduleError::TooLarge { .. }),
            ) => StatusCode::PAYLOAD_TOO_LARGE,
            ClientError::Job(_)
            | ClientError::Schedule(_)
            | ClientError::Usage { .. }
            | ClientError::Queue(QueueError::Job(_) | QueueError::Schedule(_)) => StatusCode::BAD_REQUEST,
            ClientError::Module(ModuleError::Unknown { .. } | ModuleError::UnknownVersion { .. }) => {
                StatusCode::NOT_FOUND
            }
            ClientError::Module(ModuleError::Contended) => StatusCode::SERVICE_UNAVAILABLE,
            ClientError::Module(_) => StatusCode::CONFLICT,
            ClientError::Queue(QueueError::SchedulesFull { .. }) => StatusCode::CONFLICT,
            ClientError::Queue(QueueError::Full { .. }) => StatusCode::TOO_MANY_REQUESTS,
            ClientError::Queue(
                QueueError::Unreachable { .. }
                | QueueError::Unconfirmed { .. }
                | QueueError::Draining { .. }
                | QueueError::Refused { passing: true, .. },
            ) => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
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

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        // A plain struct of texts and numbers: serialising it cannot fail.
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = (status, body).into_response();
        let json = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, json);
        if status == StatusCode::TOO_MANY_REQUESTS || status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}
