//! Path router for a tiny HTTP server: `/users/:id/posts/*rest`.

use std::collections::HashMap;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    Get,
    Head,
    Post,
    Put,
    Delete,
}

pub struct Request<'a> {
    pub method: Method,
    pub path: &'a str,
    pub params: HashMap<String, String>,
}

pub struct Response {
    pub status: u16,
    pub body: String,
}

impl Response {
    pub fn text(status: u16, body: impl Into<String>) -> Self {
        Response {
            status,
            body: body.into(),
        }
    }

    pub fn not_found() -> Self {
        Response::text(404, "not found\n")
    }
}

type Handler = Box<dyn Fn(&Request<'_>) -> Response + Send + Sync>;

/// One piece of a route pattern.
#[derive(Debug, PartialEq, Eq)]
enum Segment {
    Literal(String),
    Param(String),
    Rest(String),
}

fn parse_pattern(pattern: &str) -> Vec<Segment> {
    pattern
        .split('/')
        .filter(|piece| !piece.is_empty())
        .map(|piece| match piece.as_bytes()[0] {
            b':' => Segment::Param(piece[1..].to_owned()),
            b'*' => Segment::Rest(piece[1..].to_owned()),
            _ => Segment::Literal(piece.to_owned()),
        })
        .collect()
}

/// Compares a path with a pattern and collects the parameters.
fn match_path(segments: &[Segment], path: &str) -> Option<HashMap<String, String>> {
    let mut params = HashMap::new();
    let mut pieces = path.split('/').filter(|piece| !piece.is_empty());
    for segment in segments {
        match segment {
            Segment::Literal(text) => {
                if pieces.next()? != text {
                    return None;
                }
            }
            Segment::Param(name) => {
                params.insert(name.clone(), pieces.next()?.to_owned());
            }
            Segment::Rest(name) => {
                let rest: Vec<&str> = pieces.collect();
                params.insert(name.clone(), rest.join("/"));
                return Some(params);
            }
        }
    }
    match pieces.next() {
        Some(_) => None,
        None => Some(params),
    }
}

#[derive(Default)]
pub struct Router {
    routes: Vec<(Method, Vec<Segment>, Handler)>,
}

impl Router {
    pub fn new() -> Self {
        Router::default()
    }

    pub fn add<F>(&mut self, method: Method, pattern: &str, handler: F) -> &mut Self
    where
        F: Fn(&Request<'_>) -> Response + Send + Sync + 'static,
    {
        self.routes
            .push((method, parse_pattern(pattern), Box::new(handler)));
        self
    }

    /// Finds the first route that fits and runs its handler. `HEAD` requests
    /// are answered by `GET` routes, without the body.
    pub fn dispatch(&self, method: Method, path: &str) -> Response {
        if method == Method::Head {
            let mut response = self.dispatch(Method::Get, path);
            response.body.clear();
            return response;
        }
        for (wanted, segments, handler) in &self.routes {
            if *wanted != method {
                continue;
            }
            if let Some(params) = match_path(segments, path) {
                let request = Request {
                    method,
                    path,
                    params,
                };
                return handler(&request);
            }
        }
        Response::not_found()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literal_route() {
        let mut router = Router::new();
        router.add(Method::Get, "/health", |_| Response::text(200, "ok"));
        assert_eq!(router.dispatch(Method::Get, "/health").status, 200);
    }

    #[test]
    fn unknown_path() {
        let router = Router::new();
        assert_eq!(router.dispatch(Method::Get, "/nope").status, 404);
    }
}
