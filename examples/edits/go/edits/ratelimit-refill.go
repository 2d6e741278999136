func (b *Bucket) refill(now time.Time) {
	passed := now.Sub(b.last).Seconds()
	if passed <= 0 {
		return // the clock went backwards
	}
	b.tokens = min(b.tokens+passed*b.rate, b.burst)
	b.last = now
}
