void sched_sleep(int slot, uint32_t ticks)
{
<<<<<<< ours
	tasks[slot].wake_at = now_ticks + ticks;
=======
	tasks[slot].wake_at = now_ticks + (ticks ? ticks : 1);
>>>>>>> theirs
	tasks[slot].state = TASK_SLEEPING;
}
