static inline bool ring_get(struct ring *r, uint8_t *out)
{
	if (ring_used(r) == 0)
		return false;
	*out = r->data[r->tail % RING_SIZE];
	r->data[r->tail % RING_SIZE] = 0;
	r->tail++;
	return true;
}
