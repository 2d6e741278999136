  public void put(K key, V value) {
    Node<K, V> node = nodes.get(key);
    if (node != null) {
      V old = node.value;
      node.value = value;
      touch(node);
      if (old != value) {
        onEvict.accept(key,
