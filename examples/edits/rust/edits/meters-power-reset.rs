impl Meter for Power {
    // ... existing code ...

    fn reset(&mut self) {
        self.total = 0;
        self.peak_watts = 0;
    }
}
