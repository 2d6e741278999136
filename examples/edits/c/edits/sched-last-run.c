// ... existing code ...

struct task {
	task_fn fn;
	void *arg;
	enum task_state state;
	uint8_t priority;
	uint32_t wake_at;
	uint32_t runs;
	uint32_t last_run;
};

// ... existing code ...

void sched_remove(int slot)
{
	if (slot < 0 || slot >= SCHED_MAX_TASKS)
		return;
	tasks[slot].fn = NULL;
	tasks[slot].arg = NULL;
	tasks[slot].state = TASK_FREE;
	trace("remove", (size_t)slot);
}

// ... existing code ...

bool sched_step(void)
{
	struct task *t;

	wake_sleepers();
	t = pick_next();
	if (t == NULL)
		return false;
	t->runs++;
	t->last_run = now_ticks;
	t->fn(t->arg);
	if (t->state == TASK_READY)
		t->state = TASK_FREE;
	return true;
}

// ... rest of the file ...
