/* ... unchanged ... */

/** The way back; lists become repeated keys, null is left out. */
function buildQuery(values) {
  const pairs = [];
  for (const [key, value] of Object.entries(values)) {
    for (const item of [].concat(value ?? [])) {
      pairs.push(`${encodeURIComponent(key)}=${encodeURIComponent(item)}`);
    }
  }
  return pairs.join('&');
}

/* ... unchanged ... */
