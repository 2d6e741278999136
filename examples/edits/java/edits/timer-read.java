public class MetricsRegistry {
    // ... existing code ...

    public static final class Timer implements Metric {
        // ... existing code ...

        @Override
        public synchronized double read() {
            if (count == 0) {
                return Double.NaN;
            }
            return (double) totalNanos / count / 1e6;
        }

        // ... existing code ...
    }

    // ... existing code ...
}
