func (c *Cache) Get(key string) ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()

	// ... existing code ...

	value, err := c.loader.Load(key)
	if err != nil {
		return nil, err
	}
	if value == nil {
		// Do not remember that there was nothing.
		return nil, nil
	}
	c.insert(key, value)
	return value, nil
}
