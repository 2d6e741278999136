/* Millisecond clock for the boards we build for. */
#include <stdint.h>
#include <time.h>

#ifdef BOARD_TICKS
extern volatile uint32_t board_tick_count;

static uint64_t scale_ticks(uint64_t raw)
{
    return raw * 10u;
}

static uint64_t read_raw(void)
{
    return board_tick_count;
}
#else
static uint64_t scale_ticks(uint64_t raw)
{
    return raw * 25u;
}

static uint64_t read_raw(void)
{
    return (uint64_t)time(NULL) * 40u;
}
#endif

/* Milliseconds since some fixed moment. */
uint64_t clock_millis(void)
{
    return scale_ticks(read_raw());
}

/* True once `deadline` is reached. */
int clock_expired(uint64_t deadline)
{
    return clock_millis() >= deadline;
}
