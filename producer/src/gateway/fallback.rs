//! Offers to regular agents over HTTP.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use booster_queue::EndedOffer;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};

use super::Gateway;
use super::extract::{Asked, Named, Text, wait_seconds};
use super::problem::Problem;
use crate::fallback::{Answer, Answered, Wanted};
use crate::fallback_view::TakenView;

/// Which offer is wanted, and how long it is waited for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct NextQuery {
    /// Seconds to wait for one.
    #[param(value_type = Option<u64>, minimum = 0, maximum = 300)]
    wait: Option<String>,
    /// Of this queue.
    queue: Option<String>,
    /// For a job that asked for this booster.
    booster: Option<String>,
}

/// Takes an offered job, with its input, why no booster did it, and the token of the claim.
#[utoipa::path(get, path = "/v1/fallback/next", operation_id = "nextFallback", tag = "fallback", params(NextQuery),
    responses((status = 200, body = serde_json::Value), (status = 204, description = "There is none"),
        (status = "default", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn next(
    State(gateway): State<Arc<Gateway>>,
    Asked(query): Asked<NextQuery>,
) -> Result<Response, Problem> {
    let seconds = wait_seconds(query.wait.as_deref())?;
    let _waiting = seconds.map(|_| gateway.limits.wait()).transpose()?;
    let wanted = Wanted { queue: query.queue, booster: query.booster };
    let limit = Duration::from_secs(seconds.unwrap_or(0));
    let taken = tokio::select! {
        taken = gateway.client.next_fallback(&wanted, limit) => taken?,
        () = gateway.stopping() => None,
    };
    Ok(match taken {
        Some(taken) => Json(TakenView::new(taken)).into_response(),
        None => StatusCode::NO_CONTENT.into_response(),
    })
}

/// An answer to an offer.
#[derive(Deserialize, ToSchema)]
pub(super) struct Done {
    /// The token of the claim.
    token: String,
    /// What the booster would have answered.
    #[schema(value_type = serde_json::Value)]
    output: Box<RawValue>,
}

/// What became of an answer.
#[derive(Serialize, ToSchema)]
pub(super) struct Stored {
    id: String,
    /// `done`.
    outcome: &'static str,
    /// `false` when this answer had been stored already.
    stored: bool,
}

/// Stores an answer as the job's outcome.
#[utoipa::path(post, path = "/v1/fallback/{id}/done", operation_id = "finishFallback", tag = "fallback", request_body = Done,
    params(("id" = String, Path, description = "the job")),
    responses((status = 200, body = Stored),
        (status = "default", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn done(
    State(gateway): State<Arc<Gateway>>,
    Named(id): Named,
    body: Text,
) -> Result<Json<Stored>, Problem> {
    let Done { token, output } = body.json()?;
    match gateway.client.finish_fallback(&id, &token, &Answer::Json(output)).await? {
        Answered::Stored => Ok(Json(Stored { id, outcome: "done", stored: true })),
        Answered::Again => Ok(Json(Stored { id, outcome: "done", stored: false })),
        Answered::Lost => Err(lost(&id)),
        Answered::Rejected { reason } => {
            Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "fallback_rejected", reason))
        }
    }
}

/// Why an agent gives an offer up.
#[derive(Deserialize, ToSchema)]
pub(super) struct Failed {
    /// The token of the claim.
    token: String,
    /// What went wrong.
    error: String,
}

/// An offer that was given up.
#[derive(Serialize, ToSchema)]
pub(super) struct GivenUp {
    id: String,
    /// Whether it is offered again.
    offered: bool,
}

/// Gives an offer up.
#[utoipa::path(post, path = "/v1/fallback/{id}/failed", operation_id = "failFallback", tag = "fallback", request_body = Failed,
    params(("id" = String, Path, description = "the job")),
    responses((status = 200, body = GivenUp),
        (status = "default", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn failed(
    State(gateway): State<Arc<Gateway>>,
    Named(id): Named,
    body: Text,
) -> Result<Json<GivenUp>, Problem> {
    let Failed { token, error } = body.json()?;
    match gateway.client.fail_fallback(&id, &token, &error).await? {
        EndedOffer::Lost => Err(lost(&id)),
        ended => Ok(Json(GivenUp { id, offered: ended == EndedOffer::Again })),
    }
}

/// A claim that is to last longer.
#[derive(Deserialize, ToSchema)]
pub(super) struct Renew {
    /// The token of the claim.
    token: String,
}

/// A claim that was renewed.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Renewed {
    id: String,
    /// When it lapses, Unix milliseconds.
    claim_until: u64,
}

/// Renews a claim.
#[utoipa::path(post, path = "/v1/fallback/{id}/renew", operation_id = "renewFallback", tag = "fallback", request_body = Renew,
    params(("id" = String, Path, description = "the job")),
    responses((status = 200, body = Renewed),
        (status = "default", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn renew(
    State(gateway): State<Arc<Gateway>>,
    Named(id): Named,
    body: Text,
) -> Result<Json<Renewed>, Problem> {
    let Renew { token } = body.json()?;
    let until = gateway.client.renew_fallback(&id, &token).await?;
    let claim_until = until.ok_or_else(|| lost(&id))?;
    Ok(Json(Renewed { id, claim_until }))
}

fn lost(id: &str) -> Problem {
    let detail = format!(
        "this token is no claim on an offer of `{id}`: the claim lapsed and another agent took it, or the job is not \
         offered any more"
    );
    Problem::new(StatusCode::CONFLICT, "fallback_claim_lost", detail)
}
