//! The web console: a page with its script, its style sheet and the licences of what the script contains, built from
//! `console/` and compiled in.

use axum::Router;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use booster_core::digest::sha256_hex;

/// What the page may load and do: its own files and the gateway's interface, nothing inline and nothing from elsewhere.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                      img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

struct Asset {
    path: &'static str,
    content_type: &'static str,
    body: &'static [u8],
}

static ASSETS: [Asset; 4] = [
    Asset { path: "/", content_type: "text/html; charset=utf-8", body: include_bytes!("console/index.html") },
    Asset {
        path: "/assets/console.js",
        content_type: "text/javascript; charset=utf-8",
        body: include_bytes!("console/assets/console.js"),
    },
    Asset {
        path: "/assets/console.css",
        content_type: "text/css; charset=utf-8",
        body: include_bytes!("console/assets/console.css"),
    },
    Asset {
        path: "/assets/licenses.md",
        content_type: "text/plain; charset=utf-8",
        body: include_bytes!("console/assets/licenses.md"),
    },
];

/// The console's routes. They need no API key: what the page shows comes from the routes that do.
pub(super) fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    ASSETS.iter().fold(Router::new(), |router, asset| {
        let tag = tag(asset.body);
        router.route(asset.path, get(async move |headers: HeaderMap| answer(asset, &tag, &headers)))
    })
}

/// Names are fixed, so a browser asks each time whether what it has is still right.
fn answer(asset: &Asset, tag: &str, request: &HeaderMap) -> Response {
    let headers = [
        (header::ETAG, tag),
        (header::CACHE_CONTROL, "no-cache"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    if has(request, tag) {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    (headers, [(header::CONTENT_TYPE, asset.content_type)], asset.body).into_response()
}

/// A strong entity tag.
fn tag(body: &[u8]) -> String {
    format!("\"{}\"", &sha256_hex(body)[..24])
}

/// Whether the client says that it has this version. Proxies that compress may have made the tag a weak one.
fn has(request: &HeaderMap, tag: &str) -> bool {
    request
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|known| known.trim().trim_start_matches("W/") == tag)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn an_asset_comes_once_with_the_policy() {
        for asset in &ASSETS {
            let tag = tag(asset.body);
            let fresh = answer(asset, &tag, &HeaderMap::new());
            assert_eq!(fresh.status(), StatusCode::OK);
            assert_eq!(fresh.headers()[header::CONTENT_TYPE], asset.content_type);
            assert_eq!(fresh.headers()[header::CONTENT_SECURITY_POLICY], POLICY);
            assert_eq!(fresh.headers()[header::ETAG], tag);

            let mut request = HeaderMap::new();
            let known = format!("\"other\", W/{tag}");
            request.insert(header::IF_NONE_MATCH, HeaderValue::from_str(&known).unwrap());
            assert_eq!(answer(asset, &tag, &request).status(), StatusCode::NOT_MODIFIED);
            request.insert(header::IF_NONE_MATCH, HeaderValue::from_static("\"other\""));
            assert_eq!(answer(asset, &tag, &request).status(), StatusCode::OK);
        }
    }

    #[test]
    fn the_page_asks_for_what_is_served() {
        let page = std::str::from_utf8(ASSETS[0].body).unwrap();
        for asset in &ASSETS[1..3] {
            assert!(page.contains(&format!("\"{}\"", asset.path)), "{} is not in the page", asset.path);
        }
        assert!(!page.contains("<style") && !page.contains("style="), "the policy forbids inline styles");
    }
}
