impl Rect {
    // ... existing methods ...

    /// Grows the box by `margin` on every side; a negative margin shrinks it,
    /// but never below a point.
    pub fn inflate(&self, margin: f64) -> Rect {
        let smallest = -self.width().min(self.height()) / 2.0;
        let margin = margin.max(smallest);
        let by = Vec2::new(margin, margin);
        Rect {
            min: self.min - by,
            max: self.max + by,
        }
    }
}
