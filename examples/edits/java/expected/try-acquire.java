package web.limits;

import java.util.function.LongSupplier;

/**
 * A token bucket. Each call takes one token; tokens come back with
 * the time, until the bucket is full again.
 */
public class RateLimiter {
    private final double capacity;
    private final double tokensPerSecond;
    private final LongSupplier clock;
    private double tokens;
    private long lastNanos;

    public RateLimiter(double capacity, double tokensPerSecond, LongSupplier clock) {
        this.capacity = capacity;
        this.tokensPerSecond = tokensPerSecond;
        this.clock = clock;
        this.tokens = capacity;
        this.lastNanos = clock.getAsLong();
    }

    /** Takes a token if there is one. */
    public synchronized boolean tryAcquire() {
        refill();
        boolean granted = tokens >= 1.0;
        if (granted) {
            tokens -= 1.0;
        }
        return granted;
    }

    /** Seconds until the next token is there. */
    public synchronized double waitSeconds() {
        refill();
        return tokens >= 1.0 ? 0.0 : (1.0 - tokens) / tokensPerSecond;
    }

    private void refill() {
        long now = clock.getAsLong();
        double seconds = (now - lastNanos) / 1e9;
        tokens = Math.min(capacity, tokens + seconds * tokensPerSecond);
        lastNanos = now;
    }
}
