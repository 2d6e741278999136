// Package lru is a cache that drops what was not used for the longest time.
package lru

import (
	"container/list"
	"sync"
	"time"
)

// Loader fetches a value that is not in the cache.
type Loader interface {
	Load(key string) (value []byte, err error)
	Close() error
}

// entry is what the list elements hold.
type entry struct {
	key     string
	value   []byte
	expires time.Time
}

func (e *entry) expired(now time.Time) bool {
	return !e.expires.IsZero() && now.After(e.expires)
}

func (e *entry) size() int {
	return len(e.key) + len(e.value)
}

// Options are set once, before the first use.
type Options struct {
	MaxBytes int           // zero means no limit
	TTL      time.Duration // zero means forever
	Now      func() time.Time
}

// Cache may be used by many goroutines at once.
type Cache struct {
	mu     sync.Mutex
	opts   Options
	order  *list.List // newest first
	index  map[string]*list.Element
	bytes  int
	loader Loader
}

// New returns an empty cache in front of loader.
func New(loader Loader, opts Options) *Cache {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	return &Cache{
		opts:   opts,
		order:  list.New(),
		index:  make(map[string]*list.Element),
		loader: loader,
	}
}

// Get returns the value for key and loads it when needed.
func (c *Cache) Get(key string) ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()

	if elem, ok := c.index[key]; ok {
		e := elem.Value.(*entry)
		if !e.expired(c.opts.Now()) {
			c.order.MoveToFront(elem)
			return e.value, nil
		}
		c.remove(elem)
	}

	value, err := c.loader.Load(key)
	if err != nil {
		return nil, err
	}
	c.insert(key, value)
	return value, nil
}

// insert must be called with the lock held, for keys that are not there.
func (c *Cache) insert(key string, value []byte) {
	e := &entry{key: key, value: value}
	if c.opts.TTL > 0 {
		e.expires = c.opts.Now().Add(c.opts.TTL)
	}
	c.index[key] = c.order.PushFront(e)
	c.bytes += e.size()

	for c.opts.MaxBytes > 0 && c.bytes > c.opts.MaxBytes {
		c.remove(c.order.Back())
	}
}

func (c *Cache) remove(elem *list.Element) {
	e := c.order.Remove(elem).(*entry)
	delete(c.index, e.key)
	c.bytes -= e.size()
}

// Purge drops everything.
func (c *Cache) Purge() {
	c.mu.Lock()
	defer c.mu.Unlock()

	c.order.Init()
	clear(c.index)
	c.bytes = 0
}

// Close purges the cache and closes the loader.
func (c *Cache) Close() error {
	c.Purge()
	return c.loader.Close()
}
