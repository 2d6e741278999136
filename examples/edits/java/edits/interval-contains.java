    public boolean contains(Interval other) {
        if (other.start.equals(other.end)) {
            return contains(other.start);
        }
        return !other.start.isBefore(start) && !other.end.isAfter(end);
    }
