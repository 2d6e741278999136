package shop.money;

import java.util.Currency;
import java.util.Objects;

/**
 * An amount in the smallest unit of a currency, e.g. cents.
 */
public record Money(long minor, Currency currency) implements Comparable<Money> {

    public Money {
        Objects.requireNonNull(currency, "currency");
    }

    /** Zero of the given currency. */
    public static Money zero(String code) {
        return new Money(0, Currency.getInstance(code));
    }

    public Money plus(Money other) {
        requireSame(other);
        return new Money(minor + other.minor, currency);
    }

    public Money minus(Money other) {
        requireSame(other);
        return new Money(minor - other.minor, currency);
    }

    @Override
    public int compareTo(Money other) {
        requireSame(other);
        return Long.compare(minor, other.minor);
    }

    @Override
    public String toString() {
        String sign = minor < 0 ? "-" : "";
        long abs = Math.abs(minor);
        return String.format("%s%d.%02d %s", sign, abs / 100, abs % 100, currency);
    }

    private void requireSame(Money other) {
        if (!currency.equals(other.currency)) {
            throw new IllegalArgumentException("different currencies");
        }
    }
}
