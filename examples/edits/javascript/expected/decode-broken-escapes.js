'use strict';

function decode(text) {
  const spaced = text.replace(/\+/g, ' ');
  try {
    return decodeURIComponent(spaced);
  } catch {
    return spaced;
  }
}

/** Parse 'a=1&b=2&a=3' to { a: ['1', '3'], b: '2' }. */
function parseQuery(query) {
  const result = Object.create(null);
  for (const pair of query.replace(/^\?/, '').split('&')) {
    if (!pair) continue;
    const at = pair.indexOf('=');
    const key = decode(at < 0 ? pair : pair.slice(0, at));
    const value = at < 0 ? '' : decode(pair.slice(at + 1));
    if (key in result) {
      result[key] = [].concat(result[key], value);
    } else {
      result[key] = value;
    }
  }
  return result;
}

/** The way back; lists become repeated keys. */
function buildQuery(values) {
  const pairs = [];
  for (const [key, value] of Object.entries(values)) {
    for (const item of [].concat(value)) {
      pairs.push(`${encodeURIComponent(key)}=${encodeURIComponent(item)}`);
    }
  }
  return pairs.join('&');
}

module.exports = { parseQuery, buildQuery };
