def health(request):
    return Response.of_json({"ok": True, "routes": len(router._routes)})
