//! The OpenAPI document, and a page that shows it.

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderName, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use utoipa::openapi::OpenApi;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi as _};

/// The page has its own script and style, and asks this gateway alone.
const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// What the document says beside the routes.
#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Booster Fleet",
        description = "The HTTP gateway of a Booster Fleet: jobs, events, queues, and drop-in routes for code edits.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0")
    ),
    tags(
        (name = "jobs", description = "Submit, look up, cancel and retry jobs"),
        (name = "drop-in", description = "Routes of agent-booster's server and of OpenAI's API"),
        (name = "fleet", description = "What the fleet does, and steering its queues"),
        (name = "modules", description = "Versions of boosters"),
        (name = "fallback", description = "Jobs that are offered to regular agents"),
        (name = "dead", description = "Jobs that could not be done"),
        (name = "schedules", description = "Jobs at every tick of a cron expression"),
        (name = "session", description = "Logging in with a browser"),
        (name = "health", description = "Health and metrics")
    ),
    security(("key" = [])),
    modifiers(&Key)
)]
struct Frame;

/// The API key.
struct Key;

impl Modify for Key {
    fn modify(&self, document: &mut OpenApi) {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some("An API key"));
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("key", SecurityScheme::Http(scheme.build()));
    }
}

/// The document before routes are added.
pub(super) fn frame() -> OpenApi {
    Frame::openapi()
}

/// The gateway's OpenAPI document as indented JSON.
pub fn document() -> String {
    let (_, document) = super::routes().split_for_parts();
    let mut text = document.to_pretty_json().unwrap_or_default();
    text.push('\n');
    text
}

/// The document and its page.
pub(super) fn router<S: Clone + Send + Sync + 'static>(document: &OpenApi) -> Router<S> {
    // Texts and numbers: serialising them cannot fail.
    let document = Bytes::from(document.to_json().unwrap_or_default());
    let kind = [(header::CONTENT_TYPE, "application/json")];
    Router::new()
        .route("/openapi.json", get(move || std::future::ready((kind, document.clone()))))
        .route("/docs", get(|| async { asset("text/html; charset=utf-8", include_str!("docs/page.html")) }))
        .route("/docs/page.js", get(|| async { asset("text/javascript", include_str!("docs/page.js")) }))
        .route("/docs/page.css", get(|| async { asset("text/css", include_str!("docs/page.css")) }))
}

fn asset(kind: &'static str, text: &'static str) -> Response {
    let policy = HeaderName::from_static("content-security-policy");
    ([(header::CONTENT_TYPE, kind), (policy, PAGE_POLICY)], text).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_document_is_the_generated_one() {
        let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/openapi.json");
        let committed = std::fs::read_to_string(file).unwrap();
        assert!(committed == document(), "docs/openapi.json is not up to date; run `make openapi`");
    }

    #[test]
    fn every_operation_has_a_name_of_its_own_and_says_how_it_fails() {
        let document: serde_json::Value = serde_json::from_str(&document()).unwrap();
        assert_eq!(document["openapi"], "3.1.0");
        let tags: Vec<_> = document["tags"].as_array().unwrap().iter().map(|tag| &tag["name"]).collect();
        let mut names = std::collections::HashSet::new();
        for (path, methods) in document["paths"].as_object().unwrap() {
            for (method, operation) in methods.as_object().unwrap() {
                let name = operation["operationId"].as_str().unwrap();
                assert!(names.insert(name.to_owned()), "{method} {path}: {name} is there twice");
                assert!(operation["summary"].is_string(), "{method} {path}");
                for tag in operation["tags"].as_array().unwrap() {
                    assert!(tags.contains(&tag), "{method} {path}: {tag} is not described");
                }
            }
        }
        assert!(names.len() > 25, "{}", names.len());
    }
}
