// ... existing code ...

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    Get,
    Head,
    Post,
    Put,
    Delete,
}

// ... existing code ...

impl Router {
    // ... existing code ...

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

// ... existing code ...
