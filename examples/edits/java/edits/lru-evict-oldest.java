private void evictOldest() {
  Node<K, V> oldest = sentinel.previous;
  if (oldest == sentinel) {
    return;
  }
  oldest.remove();
  nodes.remove(oldest.key);
  onEvict.accept(oldest.key, oldest.value);
}
