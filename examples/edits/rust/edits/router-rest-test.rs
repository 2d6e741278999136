// ... existing code ...

#[cfg(test)]
mod tests {
    // ... existing tests ...

    #[test]
    fn unknown_path() {
        let router = Router::new();
        assert_eq!(router.dispatch(Method::Get, "/nope").status, 404);
    }

    #[test]
    fn rest_parameter() {
        let mut router = Router::new();
        router.add(Method::Get, "/files/*path", |request| {
            Response::text(200, request.params["path"].clone())
        });
        let response = router.dispatch(Method::Get, "/files/a/b.txt");
        assert_eq!(response.body, "a/b.txt");
    }
}
