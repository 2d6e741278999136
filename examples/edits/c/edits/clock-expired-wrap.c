// ... existing code ...

int clock_expired(uint64_t deadline)
{
    return (int64_t)(clock_millis() - deadline) >= 0;
}
