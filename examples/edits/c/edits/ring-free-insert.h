// ... existing code ...

/** Number of bytes that can be read. */
static inline uint32_t ring_used(const struct ring *r)
{
	return r->head - r->tail;
}

/** Number of bytes that can still be written. */
static inline uint32_t ring_free(const struct ring *r)
{
	return RING_SIZE - ring_used(r);
}

// ... existing code ...
