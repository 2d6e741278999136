package util.cache;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.function.Function;

/**
 * A cache that drops the entry which has not been used for the longest time.
 *
 * <p>The entries form a ring of nodes around a sentinel: the youngest follows
 * the sentinel, the oldest precedes it. Not safe for use by several threads.
 */
public class LruCache<K, V> {

  /** A link of the ring. */
  private static class Node<K, V> {
    K key;
    V value;
    Node<K, V> previous;
    Node<K, V> next;

    Node(K key, V value) {
      this.key = key;
      this.value = value;
    }

    void remove() {
      previous.next = next;
      next.previous = previous;
    }
  }

  private final int capacity;
  private final Map<K, Node<K, V>> nodes = new HashMap<>();
  private final Node<K, V> sentinel = new Node<>(null, null);
  private BiConsumer<K, V> onEvict = (key, value) -> {};
  private long hits;
  private long misses;

  public LruCache(int capacity) {
    if (capacity < 1) {
      throw new IllegalArgumentException("capacity: " + capacity);
    }
    this.capacity = capacity;
    sentinel.previous = sentinel;
    sentinel.next = sentinel;
  }

  /** The action is called with each entry that is dropped. */
  public void setOnEvict(BiConsumer<K, V> action) {
    onEvict = action;
  }

  public Optional<V> get(K key) {
    Node<K, V> node = nodes.get(key);
    if (node == null) {
      misses++;
      return Optional.empty();
    }
    hits++;
    touch(node);
    return Optional.of(node.value);
  }

  /** Returns the cached value, or computes and stores it. */
  public V get(K key, Function<? super K, ? extends V> loader) {
    Optional<V> cached = get(key);
    if (cached.isPresent()) {
      return cached.get();
    }
    V value = loader.apply(key);
    put(key, value);
    return value;
  }

  public void put(K key, V value) {
    Node<K, V> node = nodes.get(key);
    if (node != null) {
      node.value = value;
      touch(node);
      return;
    }
    node = new Node<>(key, value);
    nodes.put(key, node);
    insertFirst(node);
    if (nodes.size() > capacity) {
      evictOldest();
    }
  }

  public boolean remove(K key) {
    Node<K, V> node = nodes.remove(key);
    if (node == null) {
      return false;
    }
    node.remove();
    return true;
  }

  public double hitRate() {
    long total = hits + misses;
    return total == 0 ? 0.0 : (double) hits / total;
  }

  private void touch(Node<K, V> node) {
    node.remove();
    insertFirst(node);
  }

  private void insertFirst(Node<K, V> node) {
    node.previous = sentinel;
    node.next = sentinel.next;
    sentinel.next.previous = node;
    sentinel.next = node;
  }

  private void evictOldest() {
    Node<K, V> oldest = sentinel.previous;
    oldest.remove();
    nodes.remove(oldest.key);
    onEvict.accept(oldest.key, oldest.value);
  }
}
