static uint64_t scale_ticks(uint64_t raw)
{
    return raw * 40u;
}
