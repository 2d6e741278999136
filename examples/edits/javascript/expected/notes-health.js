'use strict';

const http = require('node:http');

const notes = new Map();
let nextId = 1;

function sendJson(res, status, value) {
  const body = JSON.stringify(value);
  res.writeHead(status, {
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(body),
  });
  res.end(body);
}

/** Collect the body of a request; it may not be larger than `limit`. */
function readBody(req, limit = 64 * 1024) {
  return new Promise((resolve, reject) => {
    const chunks = [];
    let size = 0;
    req.on('data', (chunk) => {
      size += chunk.length;
      if (size > limit) {
        reject(new Error('body too large'));
        req.destroy();
        return;
      }
      chunks.push(chunk);
    });
    req.on('end', () => resolve(Buffer.concat(chunks).toString('utf8')));
    req.on('error', reject);
  });
}

function listNotes(req, res) {
  const all = [...notes.values()];
  sendJson(res, 200, all);
}

async function createNote(req, res) {
  const { title, text = '' } = JSON.parse(await readBody(req));
  const note = { id: nextId++, title, text };
  notes.set(note.id, note);
  sendJson(res, 201, note);
}

function showNote(req, res, id) {
  const note = notes.get(id);
  if (!note) {
    sendJson(res, 404, { error: 'no such note' });
    return;
  }
  sendJson(res, 200, note);
}

function deleteNote(req, res, id) {
  notes.delete(id);
  res.writeHead(204);
  res.end();
}

// Method, path pattern, handler. The first match wins.
const ROUTES = [
  ['GET', /^\/notes$/, listNotes],
  ['POST', /^\/notes$/, createNote],
  ['GET', /^\/notes\/(\d+)$/, showNote],
  ['DELETE', /^\/notes\/(\d+)$/, deleteNote],
];

async function handle(req, res) {
  const { pathname } = new URL(req.url, 'http://localhost');
  if (pathname === '/health') {
    sendJson(res, 200, { notes: notes.size });
    return;
  }
  for (const [method, pattern, handler] of ROUTES) {
    const match = pattern.exec(pathname);
    if (match && req.method === method) {
      try {
        await handler(req, res, ...match.slice(1).map(Number));
      } catch (error) {
        sendJson(res, 400, { error: error.message });
      }
      return;
    }
  }
  sendJson(res, 404, { error: 'not found' });
}

function start(port) {
  const server = http.createServer(handle);
  server.listen(port, () => {
    console.log(`listening on ${port}`);
  });
  return server;
}

module.exports = { start, handle };
