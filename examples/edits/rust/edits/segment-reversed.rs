// ... existing code ...

impl Segment {
    // ... existing code ...

    pub fn midpoint(&self) -> Vec2 {
        self.from.lerp(self.to, 0.5)
    }

    /// The same line, walked the other way.
    pub fn reversed(&self) -> Segment {
        Segment::new(self.to, self.from)
    }

    // ... existing code ...
}

// ... existing code ...
