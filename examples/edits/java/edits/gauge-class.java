    public static final class Gauge implements Metric {
        private final AtomicLong value = new AtomicLong();

        public void set(long newValue) {
            value.set(newValue);
        }

        public void add(long difference) {
            value.addAndGet(difference);
        }

        @Override
        public double read() {
            return value.get();
        }

        @Override
        public void reset() {
            // A gauge shows the present state, there is nothing to reset.
        }
    }
