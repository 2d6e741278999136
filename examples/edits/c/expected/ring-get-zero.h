#ifndef RING_H
#define RING_H

#include <stdbool.h>
#include <stdint.h>

/* Must be a power of two. */
#define RING_SIZE 64u

/** Byte queue for one producer and one consumer. */
struct ring {
	uint8_t data[RING_SIZE];
	uint32_t head;
	uint32_t tail;
};

static inline void ring_init(struct ring *r)
{
	r->head = 0;
	r->tail = 0;
}

/** Number of bytes that can be read. */
static inline uint32_t ring_used(const struct ring *r)
{
	return r->head - r->tail;
}

/** Appends one byte; false when the ring is full. */
static inline bool ring_put(struct ring *r, uint8_t byte)
{
	if (ring_used(r) == RING_SIZE)
		return false;
	r->data[r->head % RING_SIZE] = byte;
	r->head++;
	return true;
}

/** Takes the oldest byte; false when the ring is empty. */
static inline bool ring_get(struct ring *r, uint8_t *out)
{
	if (ring_used(r) == 0)
		return false;
	*out = r->data[r->tail % RING_SIZE];
	r->data[r->tail % RING_SIZE] = 0;
	r->tail++;
	return true;
}

#endif /* RING_H */
