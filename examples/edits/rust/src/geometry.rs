//! Plane geometry for the map view: points, segments, boxes and polygons.
//!
//! All coordinates are in metres east and north of the map origin. Nothing
//! here allocates unless it has to return a list.

use std::fmt;
use std::ops::{Add, Mul, Neg, Sub};

/// Lengths below this count as zero.
pub const EPSILON: f64 = 1e-9;

/// A point, or the way from one point to another.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Vec2 {
    pub x: f64,
    pub y: f64,
}

impl Vec2 {
    pub const ZERO: Vec2 = Vec2 { x: 0.0, y: 0.0 };

    pub const fn new(x: f64, y: f64) -> Self {
        Vec2 { x, y }
    }

    /// Unit vector with the given angle to the x axis, in radians.
    pub fn from_angle(angle: f64) -> Self {
        let (sin, cos) = angle.sin_cos();
        Vec2::new(cos, sin)
    }

    pub fn dot(self, other: Vec2) -> f64 {
        self.x * other.x + self.y * other.y
    }

    /// Positive when `other` lies to the left of `self`.
    pub fn cross(self, other: Vec2) -> f64 {
        self.x * other.y - self.y * other.x
    }

    pub fn length(self) -> f64 {
        self.x.hypot(self.y)
    }

    pub fn distance(self, other: Vec2) -> f64 {
        (other - self).length()
    }

    /// Same direction, length one. The zero vector has no direction.
    pub fn normalized(self) -> Option<Vec2> {
        let length = self.length();
        if length < EPSILON {
            return None;
        }
        Some(self * (1.0 / length))
    }

    /// Turned left by a quarter.
    pub fn perpendicular(self) -> Vec2 {
        Vec2::new(-self.y, self.x)
    }

    pub fn lerp(self, other: Vec2, t: f64) -> Vec2 {
        self + (other - self) * t
    }
}

impl Add for Vec2 {
    type Output = Vec2;

    fn add(self, other: Vec2) -> Vec2 {
        Vec2::new(self.x + other.x, self.y + other.y)
    }
}

impl Sub for Vec2 {
    type Output = Vec2;

    fn sub(self, other: Vec2) -> Vec2 {
        Vec2::new(self.x - other.x, self.y - other.y)
    }
}

impl Mul<f64> for Vec2 {
    type Output = Vec2;

    fn mul(self, factor: f64) -> Vec2 {
        Vec2::new(self.x * factor, self.y * factor)
    }
}

impl Neg for Vec2 {
    type Output = Vec2;

    fn neg(self) -> Vec2 {
        Vec2::new(-self.x, -self.y)
    }
}

impl fmt::Display for Vec2 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({:.2}, {:.2})", self.x, self.y)
    }
}

/// A straight line between two points.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Segment {
    pub from: Vec2,
    pub to: Vec2,
}

impl Segment {
    pub fn new(from: Vec2, to: Vec2) -> Self {
        Segment { from, to }
    }

    pub fn length(&self) -> f64 {
        self.from.distance(self.to)
    }

    pub fn midpoint(&self) -> Vec2 {
        self.from.lerp(self.to, 0.5)
    }

    /// The point of the segment that is nearest to `point`.
    pub fn closest_point(&self, point: Vec2) -> Vec2 {
        let along = self.to - self.from;
        let square = along.dot(along);
        if square < EPSILON {
            return self.from;
        }
        let t = (point - self.from).dot(along) / square;
        self.from + along * t.clamp(0.0, 1.0)
    }

    /// Where two segments cross. Parallel segments never do.
    pub fn intersection(&self, other: &Segment) -> Option<Vec2> {
        let a = self.to - self.from;
        let b = other.to - other.from;
        let denominator = a.cross(b);
        if denominator.abs() < EPSILON {
            return None;
        }
        let gap = other.from - self.from;
        let t = gap.cross(b) / denominator;
        let u = gap.cross(a) / denominator;
        let inside = (0.0..=1.0).contains(&t) && (0.0..=1.0).contains(&u);
        inside.then(|| self.from + a * t)
    }

    pub fn bounds(&self) -> Rect {
        Rect::around(&[self.from, self.to]).expect("two points are enough")
    }
}

/// A box with sides along the axes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rect {
    pub min: Vec2,
    pub max: Vec2,
}

impl Rect {
    /// Accepts the corners in any order.
    pub fn from_corners(a: Vec2, b: Vec2) -> Self {
        Rect {
            min: Vec2::new(a.x.min(b.x), a.y.min(b.y)),
            max: Vec2::new(a.x.max(b.x), a.y.max(b.y)),
        }
    }

    /// Smallest box that holds all points.
    pub fn around(points: &[Vec2]) -> Option<Rect> {
        let (&first, rest) = points.split_first()?;
        let mut rect = Rect {
            min: first,
            max: first,
        };
        for point in rest {
            rect.min.x = rect.min.x.min(point.x);
            rect.min.y = rect.min.y.min(point.y);
            rect.max.x = rect.max.x.max(point.x);
            rect.max.y = rect.max.y.max(point.y);
        }
        Some(rect)
    }

    pub fn width(&self) -> f64 {
        self.max.x - self.min.x
    }

    pub fn height(&self) -> f64 {
        self.max.y - self.min.y
    }

    pub fn area(&self) -> f64 {
        self.width() * self.height()
    }

    pub fn contains(&self, point: Vec2) -> bool {
        point.x >= self.min.x
            && point.x <= self.max.x
            && point.y >= self.min.y
            && point.y <= self.max.y
    }

    pub fn overlaps(&self, other: &Rect) -> bool {
        self.min.x <= other.max.x
            && other.min.x <= self.max.x
            && self.min.y <= other.max.y
            && other.min.y <= self.max.y
    }

    /// Grows the box by `margin` on every side.
    pub fn inflate(&self, margin: f64) -> Rect {
        let by = Vec2::new(margin, margin);
        Rect {
            min: self.min - by,
            max: self.max + by,
        }
    }
}

/// A circle, mostly used for search areas.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Circle {
    pub center: Vec2,
    pub radius: f64,
}

impl Circle {
    pub fn area(&self) -> f64 {
        std::f64::consts::PI * self.radius * self.radius
    }

    pub fn contains(&self, point: Vec2) -> bool {
        self.center.distance(point) <= self.radius
    }

    pub fn touches(&self, rect: &Rect) -> bool {
        let nearest = Vec2::new(
            self.center.x.clamp(rect.min.x, rect.max.x),
            self.center.y.clamp(rect.min.y, rect.max.y),
        );
        self.contains(nearest)
    }
}

/// A closed ring of points; the last one is joined to the first.
#[derive(Debug, Clone, PartialEq)]
pub struct Polygon {
    points: Vec<Vec2>,
}

/// Why a list of points is not a polygon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PolygonError {
    TooFewPoints(usize),
    NotFinite { index: usize },
    ZeroArea,
}

impl fmt::Display for PolygonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PolygonError::TooFewPoints(n) => write!(f, "{n} points do not make a polygon"),
            PolygonError::NotFinite { index } => write!(f, "point {index} is not finite"),
            PolygonError::ZeroArea => f.write_str("all points lie on one line"),
        }
    }
}

impl std::error::Error for PolygonError {}

impl Polygon {
    pub fn new(points: Vec<Vec2>) -> Result<Self, PolygonError> {
        if points.len() < 3 {
            return Err(PolygonError::TooFewPoints(points.len()));
        }
        if let Some(index) = points
            .iter()
            .position(|p| !p.x.is_finite() || !p.y.is_finite())
        {
            return Err(PolygonError::NotFinite { index });
        }
        let polygon = Polygon { points };
        if polygon.area() < EPSILON {
            return Err(PolygonError::ZeroArea);
        }
        Ok(polygon)
    }

    pub fn points(&self) -> &[Vec2] {
        &self.points
    }

    /// The sides, in the order of the points.
    pub fn edges(&self) -> impl Iterator<Item = Segment> + '_ {
        let shifted = self.points.iter().cycle().skip(1);
        self.points
            .iter()
            .zip(shifted)
            .map(|(&from, &to)| Segment::new(from, to))
    }

    /// Positive for counter-clockwise rings.
    fn signed_area(&self) -> f64 {
        self.edges().map(|e| e.from.cross(e.to)).sum::<f64>() / 2.0
    }

    pub fn area(&self) -> f64 {
        self.signed_area().abs()
    }

    pub fn perimeter(&self) -> f64 {
        self.edges().map(|e| e.length()).sum()
    }

    pub fn is_clockwise(&self) -> bool {
        self.signed_area() < 0.0
    }

    /// Centre of gravity of the filled polygon.
    pub fn centroid(&self) -> Vec2 {
        let mut sum = Vec2::ZERO;
        for edge in self.edges() {
            sum = sum + (edge.from + edge.to) * edge.from.cross(edge.to);
        }
        sum * (1.0 / (6.0 * self.signed_area()))
    }

    /// Even-odd rule: counts the sides to the right of the point.
    pub fn contains(&self, point: Vec2) -> bool {
        let mut inside = false;
        for edge in self.edges() {
            let (a, b) = (edge.from, edge.to);
            if (a.y > point.y) != (b.y > point.y) {
                let t = (point.y - a.y) / (b.y - a.y);
                if point.x < a.x + t * (b.x - a.x) {
                    inside = !inside;
                }
            }
        }
        inside
    }

    pub fn is_convex(&self) -> bool {
        let n = self.points.len();
        let mut seen_left = false;
        let mut seen_right = false;
        for i in 0..n {
            let a = self.points[i];
            let b = self.points[(i + 1) % n];
            let c = self.points[(i + 2) % n];
            let turn = (b - a).cross(c - b);
            if turn > EPSILON {
                seen_left = true;
            } else if turn < -EPSILON {
                seen_right = true;
            }
        }
        !(seen_left && seen_right)
    }

    pub fn bounds(&self) -> Rect {
        Rect::around(&self.points).expect("a polygon has points")
    }

    pub fn translated(&self, by: Vec2) -> Polygon {
        Polygon {
            points: self.points.iter().map(|&p| p + by).collect(),
        }
    }
}

/// Smallest convex ring around the points (monotone chain).
pub fn convex_hull(points: &[Vec2]) -> Vec<Vec2> {
    let mut sorted = points.to_vec();
    sorted.sort_by(|a, b| a.x.total_cmp(&b.x).then(a.y.total_cmp(&b.y)));
    sorted.dedup();
    if sorted.len() < 3 {
        return sorted;
    }

    let mut hull: Vec<Vec2> = Vec::with_capacity(sorted.len() * 2);
    let grow = |hull: &mut Vec<Vec2>, floor: usize, point: Vec2| {
        while hull.len() >= floor + 2 {
            let a = hull[hull.len() - 2];
            let b = hull[hull.len() - 1];
            if (b - a).cross(point - b) > 0.0 {
                break;
            }
            hull.pop();
        }
        hull.push(point);
    };

    for &point in &sorted {
        grow(&mut hull, 0, point);
    }
    let floor = hull.len() - 1;
    for &point in sorted.iter().rev().skip(1) {
        grow(&mut hull, floor, point);
    }
    hull.pop();
    hull
}

/// Leaves out points that are within `tolerance` of the simplified line.
pub fn simplify(line: &[Vec2], tolerance: f64) -> Vec<Vec2> {
    if line.len() < 3 {
        return line.to_vec();
    }
    let chord = Segment::new(line[0], line[line.len() - 1]);
    let mut farthest = 0;
    let mut distance = 0.0;
    for (i, &point) in line.iter().enumerate().take(line.len() - 1).skip(1) {
        let d = chord.closest_point(point).distance(point);
        if d > distance {
            farthest = i;
            distance = d;
        }
    }
    if distance <= tolerance {
        return vec![chord.from, chord.to];
    }
    let mut out = simplify(&line[..=farthest], tolerance);
    out.pop();
    out.extend(simplify(&line[farthest..], tolerance));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn square(size: f64) -> Polygon {
        Polygon::new(vec![
            Vec2::ZERO,
            Vec2::new(size, 0.0),
            Vec2::new(size, size),
            Vec2::new(0.0, size),
        ])
        .unwrap()
    }

    #[test]
    fn area_of_a_square() {
        assert_eq!(square(4.0).area(), 16.0);
        assert_eq!(square(4.0).perimeter(), 16.0);
    }

    #[test]
    fn centroid_is_the_middle() {
        let c = square(2.0).centroid();
        assert!(c.distance(Vec2::new(1.0, 1.0)) < EPSILON);
    }

    #[test]
    fn crossing_segments() {
        let a = Segment::new(Vec2::new(0.0, 0.0), Vec2::new(2.0, 2.0));
        let b = Segment::new(Vec2::new(0.0, 2.0), Vec2::new(2.0, 0.0));
        assert_eq!(a.intersection(&b), Some(Vec2::new(1.0, 1.0)));
    }

    #[test]
    fn hull_drops_inner_points() {
        let mut points = square(3.0).points().to_vec();
        points.push(Vec2::new(1.0, 1.0));
        assert_eq!(convex_hull(&points).len(), 4);
    }

    #[test]
    fn straight_line_becomes_two_points() {
        let line: Vec<Vec2> = (0..10).map(|i| Vec2::new(f64::from(i), 0.0)).collect();
        assert_eq!(simplify(&line, 0.1).len(), 2);
    }
}
