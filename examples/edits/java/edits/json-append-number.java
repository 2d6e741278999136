public final class JsonCodec {
    // ... existing code ...

    private static final class Writer {
        // ... existing code ...

        private void appendNumber(JsonNumber number) {
            double value = number.value();
            if (Double.isNaN(value) || Double.isInfinite(value)) {
                out.append("null");
            } else if (number.isInteger()) {
                out.append((long) value);
            } else {
                out.append(value);
            }
        }

        // ... existing code ...
    }

    // ... existing code ...
}
