public class TaskScheduler {
    // ... existing code ...

    public void run() {
        checkNames();
        checkCycles();
        results.clear();

        PriorityQueue<Task> ready = new PriorityQueue<>(
                Comparator.comparingInt((Task task) -> -task.priority).thenComparing(Task::name));
        // ... existing code ...

        for (Task task : tasks.values()) {
            if (task.status == Status.WAITING) {
                task.status = Status.SKIPPED;
            }
        }
    }

    // ... existing code ...
}
