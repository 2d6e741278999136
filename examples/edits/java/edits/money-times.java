public record Money(long minor, Currency currency) implements Comparable<Money> {
    // ... existing code ...

    public Money minus(Money other) {
        requireSame(other);
        return new Money(minor - other.minor, currency);
    }

    public Money times(long factor) {
        return new Money(Math.multiplyExact(minor, factor), currency);
    }

    // ... existing code ...
}
