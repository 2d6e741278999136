package lru

import (
	"container/list"
	"fmt"
	"sync"
	"time"
)

// ... existing code ...

// Close purges the cache and closes the loader.
func (c *Cache) Close() error {
	c.Purge()
	if err := c.loader.Close(); err != nil {
		return fmt.Errorf("lru: close loader: %w", err)
	}
	return nil
}
