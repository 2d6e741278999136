function loadEntry(key) {
  return backend.get(key);
}
