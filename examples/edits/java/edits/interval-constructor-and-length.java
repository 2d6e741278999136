public final class Interval {
    // ... existing code ...

    public Interval(Instant start, Instant end) {
        if (end.isBefore(start)) {
            throw new IllegalArgumentException("the end is before the start");
        }
        this.start = start;
        this.end = end;
    }

    // ... existing code ...

    public Duration length() {
        return start.equals(end) ? Duration.ZERO : Duration.between(start, end);
    }

    // ... existing code ...
}
