    pub fn is_dark(self) -> bool {
        // Slightly below the middle looks right on most screens.
        self.luma() < 110
    }
