//! Modules over HTTP.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Gateway;
use super::extract::{Named, Text};
use super::problem::Problem;
use crate::modules::ModuleView;

/// How long workers may take to load a version that is promoted.
const WAIT: Duration = Duration::from_secs(60);

/// Versions of modules.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ModuleList {
    modules: Vec<ModuleView>,
}

/// Lists all versions of all modules, with what each worker has of them.
#[utoipa::path(get, path = "/v1/modules", operation_id = "listModules", tag = "modules",
    responses((status = 200, body = ModuleList),
        (status = "default", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn list(State(gateway): State<Arc<Gateway>>) -> Result<Json<ModuleList>, Problem> {
    Ok(Json(ModuleList { modules: gateway.client.modules().await? }))
}

/// The version that is to become the active one.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct Promotion {
    /// Such as `1.2.0`.
    version: String,
}

/// Makes a version the one that jobs get, once every worker has loaded it.
#[utoipa::path(post, path = "/v1/modules/{name}/promote", operation_id = "promoteModule", tag = "modules", request_body = Promotion,
    params(("name" = String, Path, description = "the module")),
    responses((status = 200, description = "The module as it is now", body = ModuleList),
        (status = "default", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn promote(
    State(gateway): State<Arc<Gateway>>,
    Named(name): Named,
    body: Text,
) -> Result<Json<ModuleList>, Problem> {
    let Promotion { version } = body.json()?;
    gateway.client.promote_module(&name, &version, Some(WAIT)).await?;
    one(&gateway, &name).await
}

/// Ends a canary, or returns to what was active before the last promotion.
#[utoipa::path(post, path = "/v1/modules/{name}/rollback", operation_id = "rollBackModule", tag = "modules",
    params(("name" = String, Path, description = "the module")),
    responses((status = 200, description = "The module as it is now", body = ModuleList),
        (status = "default", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn roll_back(
    State(gateway): State<Arc<Gateway>>,
    Named(name): Named,
) -> Result<Json<ModuleList>, Problem> {
    gateway.client.roll_back_module(&name).await?;
    one(&gateway, &name).await
}

async fn one(gateway: &Gateway, name: &str) -> Result<Json<ModuleList>, Problem> {
    Ok(Json(ModuleList { modules: gateway.client.module(name).await?.versions }))
}
