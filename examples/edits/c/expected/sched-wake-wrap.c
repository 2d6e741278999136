/*
 * Cooperative task scheduler.
 *
 * Tasks are plain functions that run to their end. A task may ask to be
 * run again after some ticks. There is no preemption and no allocation.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#ifdef SCHED_TRACE
#include <stdio.h>
#endif

#define SCHED_MAX_TASKS 16

enum task_state {
	TASK_FREE,
	TASK_READY,
	TASK_SLEEPING
};

typedef void (*task_fn)(void *arg);

struct task {
	task_fn fn;
	void *arg;
	enum task_state state;
	uint8_t priority;
	uint32_t wake_at;
	uint32_t runs;
};

static struct task tasks[SCHED_MAX_TASKS];
static uint32_t now_ticks;

#ifdef SCHED_TRACE
static void trace(const char *what, size_t slot)
{
	printf("sched: %s %zu\n", what, slot);
}
#else
#define trace(what, slot) ((void)(slot))
#endif

/* Adds a task; returns its slot or -1 when the table is full. */
int sched_add(task_fn fn, void *arg, uint8_t priority)
{
	for (size_t i = 0; i < SCHED_MAX_TASKS; i++) {
		if (tasks[i].state != TASK_FREE)
			continue;
		tasks[i].fn = fn;
		tasks[i].arg = arg;
		tasks[i].priority = priority;
		tasks[i].state = TASK_READY;
		trace("add", i);
		return (int)i;
	}
	return -1;
}

void sched_remove(int slot)
{
	if (slot < 0 || slot >= SCHED_MAX_TASKS)
		return;
	tasks[slot].state = TASK_FREE;
	trace("remove", (size_t)slot);
}

/* Lets the task sleep for a number of ticks. */
void sched_sleep(int slot, uint32_t ticks)
{
	tasks[slot].wake_at = now_ticks + ticks;
	tasks[slot].state = TASK_SLEEPING;
}

static void wake_sleepers(void)
{
	for (size_t i = 0; i < SCHED_MAX_TASKS; i++) {
		if (tasks[i].state != TASK_SLEEPING)
			continue;
		if ((int32_t)(now_ticks - tasks[i].wake_at) >= 0)
			tasks[i].state = TASK_READY;
	}
}

/* The ready task with the highest priority, or NULL. */
static struct task *pick_next(void)
{
	struct task *best = NULL;

	for (size_t i = 0; i < SCHED_MAX_TASKS; i++) {
		struct task *t = &tasks[i];

		if (t->state != TASK_READY)
			continue;
		if (best == NULL || t->priority > best->priority)
			best = t;
	}
	return best;
}

/* Runs one task; false when nothing was ready. */
bool sched_step(void)
{
	struct task *t;

	wake_sleepers();
	t = pick_next();
	if (t == NULL)
		return false;
	t->runs++;
	t->fn(t->arg);
	if (t->state == TASK_READY)
		t->state = TASK_FREE;
	return true;
}

/* To be called from the timer interrupt. */
void sched_tick(void)
{
	now_ticks++;
}
