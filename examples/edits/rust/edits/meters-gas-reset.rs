impl Meter for Gas {
    // ... existing code ...

    fn reset(&mut self) {
        self.total = 0;
        self.pressure_ok = true;
    }

    // ... existing code ...
}
