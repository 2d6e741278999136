'use strict';

const { DiskStore } = require('./disk-store');

const disk = new DiskStore(process.env.NOTES_DIR);
const memory = new Map();
let readEntry;

if (process.env.NOTES_DIR) {
  function loadEntry(key) {
    return disk.get(key);
  }
  readEntry = loadEntry;
} else {
  function loadEntry(key) {
    return memory.get(key);
  }
  readEntry = loadEntry;
}

/** Names may have letters, digits, dots and dashes. */
function isValidKey(key) {
  return /^[\w-][\w.-]*$/.test(key);
}

function read(key, fallback = '') {
  const name = key.trim();
  if (!isValidKey(name)) {
    throw new RangeError(`bad key ${key}`);
  }
  const text = readEntry(name);
  return text === undefined ? fallback : text;
}

module.exports = { isValidKey, read };
