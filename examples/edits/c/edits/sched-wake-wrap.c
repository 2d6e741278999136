// ... unchanged code ...

static void wake_sleepers(void)
{
	for (size_t i = 0; i < SCHED_MAX_TASKS; i++) {
		if (tasks[i].state != TASK_SLEEPING)
			continue;
		if ((int32_t)(now_ticks - tasks[i].wake_at) >= 0)
			tasks[i].state = TASK_READY;
	}
}

// ... rest of the file ...
