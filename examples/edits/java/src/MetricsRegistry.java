package ops.metrics;

import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;

/** Named counters, gauges and timers of a process. */
public class MetricsRegistry {

    interface Metric {
        double read();

        void reset();
    }

    /** Only ever goes up. */
    public static final class Counter implements Metric {
        private final AtomicLong value = new AtomicLong();

        public void increment() {
            value.incrementAndGet();
        }

        @Override
        public double read() {
            return value.get();
        }

        @Override
        public void reset() {
            value.set(0);
        }
    }

    /** Goes up and down, such as the length of a queue. */
    public static final class Gauge implements Metric {
        private final AtomicLong value = new AtomicLong();

        public void set(long newValue) {
            value.set(newValue);
        }

        @Override
        public double read() {
            return value.get();
        }

        @Override
        public void reset() {
            value.set(0);
        }
    }

    /** The mean of measured times. */
    public static final class Timer implements Metric {
        private long count;
        private long totalNanos;

        public synchronized void record(long nanos) {
            count++;
            totalNanos += nanos;
        }

        /** Runs the action and measures how long it takes. */
        public void time(Runnable action) {
            long start = System.nanoTime();
            try {
                action.run();
            } finally {
                record(System.nanoTime() - start);
            }
        }

        @Override
        public synchronized double read() {
            return count == 0 ? 0.0 : (double) totalNanos / count / 1e6;
        }

        @Override
        public synchronized void reset() {
            count = 0;
            totalNanos = 0;
        }
    }

    private final Map<String, Metric> metrics = new ConcurrentHashMap<>();

    public Counter counter(String name) {
        return (Counter) metrics.computeIfAbsent(name, n -> new Counter());
    }

    public Gauge gauge(String name) {
        return (Gauge) metrics.computeIfAbsent(name, n -> new Gauge());
    }

    public Timer timer(String name) {
        return (Timer) metrics.computeIfAbsent(name, n -> new Timer());
    }

    /** All values at this moment, sorted by name. */
    public Map<String, Double> snapshot() {
        Map<String, Double> values = new TreeMap<>();
        metrics.forEach((name, metric) -> values.put(name, metric.read()));
        return values;
    }

    /** One "name value" line for each metric. */
    public String render() {
        StringBuilder out = new StringBuilder();
        snapshot().forEach((name, value) -> out.append(name).append(' ').append(value).append('\n'));
        return out.toString();
    }
}
