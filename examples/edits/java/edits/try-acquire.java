    // ... existing code ...

    public synchronized boolean tryAcquire() {
        refill();
        boolean granted = tokens >= 1.0;
        if (granted) {
            tokens -= 1.0;
        }
        return granted;
    }

    // ... existing code ...
