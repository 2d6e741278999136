    pub fn contains(&self, point: Vec2) -> bool {
        self.center.distance(point) <= self.radius + EPSILON
    }
