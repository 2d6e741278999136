public V get(K key, Function<? super K, ? extends V> loader) {
  Optional<V> cached = get(key);
  if (cached.isPresent()) {
    return cached.get();
  }
  V value = loader.apply(key);
  if (value != null) {
    put(key, value);
  }
  return value;
}
