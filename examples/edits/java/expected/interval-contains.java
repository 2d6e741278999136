package calendar;

import java.time.Duration;
import java.time.Instant;

/** A half-open span of time: the start belongs to it, the end does not. */
public final class Interval {
    private final Instant start;
    private final Instant end;

    public Interval(Instant start, Instant end) {
        this.start = start;
        this.end = end;
    }

    public boolean contains(Instant instant) {
        return !instant.isBefore(start) && instant.isBefore(end);
    }

    public boolean contains(Interval other) {
        if (other.start.equals(other.end)) {
            return contains(other.start);
        }
        return !other.start.isBefore(start) && !other.end.isAfter(end);
    }

    /** True if both have at least one moment in common. */
    public boolean overlaps(Interval other) {
        return start.isBefore(other.end) && other.start.isBefore(end);
    }

    public Duration length() {
        return Duration.between(start, end);
    }

    @Override
    public boolean equals(Object o) {
        return o instanceof Interval that && start.equals(that.start) && end.equals(that.end);
    }

    @Override
    public int hashCode() {
        return 31 * start.hashCode() + end.hashCode();
    }
}
