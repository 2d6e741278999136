async function handle(req, res) {
  const { pathname } = new URL(req.url, 'http://localhost');
  if (pathname === '/health') {
    sendJson(res, 200, { notes: notes.size });
    return;
  }
  for (const [method, pattern, handler] of ROUTES) {
    // ... existing code ...
  }
  sendJson(res, 404, { error: 'not found' });
}
