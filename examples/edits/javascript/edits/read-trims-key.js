function read(key, fallback = '') {
  const name = key.trim();
  if (!isValidKey(name)) {
    throw new RangeError(`bad key ${key}`);
  }
  const text = readEntry(name);
  return text === undefined ? fallback : text;
}
