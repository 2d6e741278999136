class Router:
    # ... existing code ...

    def dispatch(self, request):
        for hook in self._before:
            early = hook(request)
            if early is not None:
                return early
        # ... existing code ...
        if allowed:
            response = Response.error(405, "method not allowed")
            response.headers["Allow"] = ", ".join(sorted(allowed))
            return response
        return Response.error(404, "not found")
