//! Offers to regular agents over HTTP.

use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use booster_queue::EndedOffer;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use serde_json::value::RawValue;

use super::{Gateway, MAX_WAIT_S, Problem, body_unreadable, unreadable};
use crate::client::Client;
use crate::error::ClientError;
use crate::fallback::{Answer, Answered, Wanted};
use crate::fallback_view::TakenView;

/// Which offer is wanted, and how long it is waited for.
#[derive(Debug, Deserialize)]
pub(super) struct Next {
    wait: Option<String>,
    queue: Option<String>,
    booster: Option<String>,
}

/// Takes an offer; 204 when there is none in time.
pub(super) async fn next(
    State(gateway): State<Gateway>,
    next: Result<Query<Next>, QueryRejection>,
) -> Response {
    let next = match next {
        Ok(Query(next)) => next,
        Err(rejection) => return unreadable(&rejection.body_text()),
    };
    let Ok(_waiting) = gateway.waits.try_acquire_many(u32::from(next.wait.is_some())) else {
        let detail = "too many requests are waiting already; ask without `wait`, or again later";
        return Problem::new(StatusCode::SERVICE_UNAVAILABLE, "too_many_waits", detail).into_response();
    };
    match take(&gateway.client, next).await {
        Ok(Some(view)) => Json(view).into_response(),
        Ok(None) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => Problem::from(error).into_response(),
    }
}

async fn take(client: &Client, next: Next) -> Result<Option<TakenView>, ClientError> {
    let wait = next.wait.as_deref().unwrap_or("0");
    let seconds: u64 = wait.parse().ok().filter(|seconds| *seconds <= MAX_WAIT_S).ok_or_else(|| {
        ClientError::usage(format!("wait={wait}"), format!("expected seconds from 0 to {MAX_WAIT_S}"))
    })?;
    let wanted = Wanted { queue: next.queue, booster: next.booster };
    let taken = client.next_fallback(&wanted, Duration::from_secs(seconds)).await?;
    Ok(taken.map(TakenView::new))
}

/// An answer to an offer.
#[derive(Deserialize)]
struct Done {
    token: String,
    output: Box<RawValue>,
}

/// Stores an answer.
pub(super) async fn done(
    State(gateway): State<Gateway>,
    id: Result<Path<String>, PathRejection>,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let (id, Done { token, output }) = match request(id, body) {
        Ok(request) => request,
        Err(response) => return *response,
    };
    match gateway.client.finish_fallback(&id, &token, &Answer::Json(output)).await {
        Ok(Answered::Stored) => Json(json!({ "id": id, "outcome": "done", "stored": true })).into_response(),
        Ok(Answered::Again) => Json(json!({ "id": id, "outcome": "done", "stored": false })).into_response(),
        Ok(Answered::Lost) => lost(&id).into_response(),
        Ok(Answered::Rejected { reason }) => {
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "fallback_rejected", reason).into_response()
        }
        Err(error) => Problem::from(error).into_response(),
    }
}

/// Why an agent gives an offer up.
#[derive(Deserialize)]
struct Failed {
    token: String,
    error: String,
}

/// Gives an offer up.
pub(super) async fn failed(
    State(gateway): State<Gateway>,
    id: Result<Path<String>, PathRejection>,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let (id, Failed { token, error }) = match request(id, body) {
        Ok(request) => request,
        Err(response) => return *response,
    };
    match gateway.client.fail_fallback(&id, &token, &error).await {
        Ok(EndedOffer::Lost) => lost(&id).into_response(),
        Ok(ended) => Json(json!({ "id": id, "offered": ended == EndedOffer::Again })).into_response(),
        Err(error) => Problem::from(error).into_response(),
    }
}

/// A claim that is to last longer.
#[derive(Deserialize)]
struct Renew {
    token: String,
}

/// Renews a claim.
pub(super) async fn renew(
    State(gateway): State<Gateway>,
    id: Result<Path<String>, PathRejection>,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let (id, Renew { token }) = match request(id, body) {
        Ok(request) => request,
        Err(response) => return *response,
    };
    match gateway.client.renew_fallback(&id, &token).await {
        Ok(Some(until)) => Json(json!({ "id": id, "claimUntil": until })).into_response(),
        Ok(None) => lost(&id).into_response(),
        Err(error) => Problem::from(error).into_response(),
    }
}

/// The id and the body of a request; else what to answer.
fn request<T: DeserializeOwned>(
    id: Result<Path<String>, PathRejection>,
    body: Result<Bytes, BytesRejection>,
) -> Result<(String, T), Box<Response>> {
    let Path(id) = id.map_err(|rejection| Box::new(unreadable(&rejection.body_text())))?;
    let body = body.map_err(|rejection| Box::new(body_unreadable(&rejection)))?;
    let read = serde_json::from_slice(&body)
        .map_err(|error| Box::new(Problem::from(ClientError::usage("body", error)).into_response()))?;
    Ok((id, read))
}

fn lost(id: &str) -> Problem {
    let detail = format!(
        "this token is no claim on an offer of `{id}`: the claim lapsed and another agent took it, or the job is not \
         offered any more"
    );
    Problem::new(StatusCode::CONFLICT, "fallback_claim_lost", detail)
}
