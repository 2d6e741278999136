// ... existing code ...

function listNotes(req, res) {
  const { searchParams } = new URL(req.url, 'http://localhost');
  const wanted = (searchParams.get('q') ?? '').toLowerCase();
  const found = [...notes.values()].filter((note) => note.title.toLowerCase().includes(wanted));
  sendJson(res, 200, found);
}

// ... createNote and showNote unchanged ...

function deleteNote(req, res, id) {
  if (!notes.delete(id)) {
    sendJson(res, 404, { error: 'no such note' });
    return;
  }
  res.writeHead(204);
  res.end();
}

// ... existing code ...
