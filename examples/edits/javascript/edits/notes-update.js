// ... existing code ...

function showNote(req, res, id) {
  const note = notes.get(id);
  if (!note) {
    sendJson(res, 404, { error: 'no such note' });
    return;
  }
  sendJson(res, 200, note);
}

async function updateNote(req, res, id) {
  const changes = JSON.parse(await readBody(req));
  const note = { ...notes.get(id), ...changes, id };
  notes.set(id, note);
  sendJson(res, 200, note);
}

// ... existing code ...
