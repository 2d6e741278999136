/// Smallest convex ring around the points (monotone chain).
pub fn convex_hull(points: &[Vec2]) -> Vec<Vec2> {
    let mut sorted = points.to_vec();
    sorted.retain(|p| p.x.is_finite() && p.y.is_finite());
    sorted.sort_by(|a, b| a.x.total_cmp(&b.x).then(a.y.total_cmp(&b.y)));
    sorted.dedup();
    // ... unchanged ...
    let floor = hull.len() - 1;
    // ... unchanged ...
    hull.pop();
    hull.shrink_to_fit();
    hull
}
