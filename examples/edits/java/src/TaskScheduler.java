package jobs;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Set;
import java.util.concurrent.Callable;

/**
 * Runs tasks in an order that respects their dependencies. Of the tasks that
 * are ready, the one with the highest priority comes first. Everything runs in
 * the calling thread.
 */
public class TaskScheduler {

    /** Where a task is in its life. */
    public enum Status {
        WAITING,
        READY,
        RUNNING,
        DONE,
        FAILED,
        SKIPPED
    }

    /** Gets told what happens. All methods do nothing unless overridden. */
    public interface Listener {
        default void started(Task task) {
        }

        default void finished(Task task, Object result) {
        }

        default void failed(Task task, Exception error) {
        }
    }

    /** A unit of work with a name. */
    public static class Task {
        private final String name;
        private final int priority;
        private final Callable<?> action;
        private final Set<String> dependencies = new HashSet<>();
        private int maxAttempts = 1;
        private Status status = Status.WAITING;

        Task(String name, int priority, Callable<?> action) {
            this.name = name;
            this.priority = priority;
            this.action = action;
        }

        public String name() {
            return name;
        }

        public Status status() {
            return status;
        }

        public Task after(String... names) {
            dependencies.addAll(List.of(names));
            return this;
        }

        public Task attempts(int count) {
            this.maxAttempts = count;
            return this;
        }

        Object run() throws Exception {
            Exception last = null;
            for (int attempt = 1; attempt <= maxAttempts; attempt++) {
                try {
                    return action.call();
                } catch (Exception e) {
                    last = e;
                }
            }
            throw last;
        }

        @Override
        public String toString() {
            return name + "[" + status + "]";
        }
    }

    /** The dependencies form a ring. */
    public static class CycleException extends RuntimeException {
        private final List<String> cycle;

        CycleException(List<String> cycle) {
            super("cycle: " + String.join(" -> ", cycle));
            this.cycle = List.copyOf(cycle);
        }

        public List<String> cycle() {
            return cycle;
        }
    }

    private final Map<String, Task> tasks = new LinkedHashMap<>();
    private final Map<String, Object> results = new HashMap<>();
    private final List<Listener> listeners = new ArrayList<>();

    public Task add(String name, int priority, Callable<?> action) {
        if (tasks.containsKey(name)) {
            throw new IllegalArgumentException("there is a task " + name + " already");
        }
        Task task = new Task(name, priority, action);
        tasks.put(name, task);
        return task;
    }

    public Task add(String name, Runnable action) {
        return add(name, 0, () -> {
            action.run();
            return null;
        });
    }

    public void addListener(Listener listener) {
        listeners.add(listener);
    }

    /** A listener that writes one line for each event. */
    public void logTo(Appendable out) {
        addListener(new Listener() {
            @Override
            public void started(Task task) {
                line("start " + task.name());
            }

            @Override
            public void failed(Task task, Exception error) {
                line("error " + task.name() + " {" + error.getMessage() + "}");
            }

            private void line(String text) {
                try {
                    out.append(text).append('\n');
                } catch (java.io.IOException e) {
                    throw new java.io.UncheckedIOException(e);
                }
            }
        });
    }

    /** Runs all tasks. A failed task does not stop those that don't need it. */
    public void run() {
        checkNames();
        checkCycles();

        PriorityQueue<Task> ready = new PriorityQueue<>(
                Comparator.comparingInt((Task task) -> -task.priority).thenComparing(Task::name));
        for (Task task : tasks.values()) {
            if (task.dependencies.isEmpty()) {
                enqueue(ready, task);
            }
        }

        while (!ready.isEmpty()) {
            Task task = ready.poll();
            execute(task);
            for (Task candidate : tasks.values()) {
                if (candidate.status == Status.WAITING && isReady(candidate)) {
                    enqueue(ready, candidate);
                }
            }
        }

        for (Task task : tasks.values()) {
            if (task.status == Status.WAITING) {
                task.status = Status.SKIPPED;
            }
        }
    }

    /** The value that the task has returned. */
    public Object result(String name) {
        if (!results.containsKey(name)) {
            throw new IllegalStateException("no result of " + name);
        }
        return results.get(name);
    }

    public Map<Status, Integer> summary() {
        Map<Status, Integer> counts = new HashMap<>();
        for (Task task : tasks.values()) {
            counts.merge(task.status, 1, Integer::sum);
        }
        return counts;
    }

    private void enqueue(Collection<Task> ready, Task task) {
        task.status = Status.READY;
        ready.add(task);
    }

    private boolean isReady(Task task) {
        for (String name : task.dependencies) {
            if (tasks.get(name).status != Status.DONE) {
                return false;
            }
        }
        return true;
    }

    private void execute(Task task) {
        task.status = Status.RUNNING;
        listeners.forEach(listener -> listener.started(task));
        try {
            Object result = task.run();
            results.put(task.name, result);
            task.status = Status.DONE;
            listeners.forEach(listener -> listener.finished(task, result));
        } catch (Exception e) {
            task.status = Status.FAILED;
            listeners.forEach(listener -> listener.failed(task, e));
        }
    }

    private void checkNames() {
        for (Task task : tasks.values()) {
            for (String name : task.dependencies) {
                if (!tasks.containsKey(name)) {
                    throw new IllegalStateException(task.name + " needs unknown task " + name);
                }
            }
        }
    }

    private void checkCycles() {
        Set<String> finished = new HashSet<>();
        for (String name : tasks.keySet()) {
            visit(name, new ArrayDeque<>(), finished);
        }
    }

    private void visit(String name, Deque<String> path, Set<String> finished) {
        if (finished.contains(name)) {
            return;
        }
        if (path.contains(name)) {
            List<String> cycle = new ArrayList<>(path);
            cycle = cycle.subList(cycle.indexOf(name), cycle.size());
            cycle.add(name);
            throw new CycleException(cycle);
        }
        path.addLast(name);
        for (String dependency : tasks.get(name).dependencies) {
            visit(dependency, path, finished);
        }
        path.removeLast();
        finished.add(name);
    }
}
