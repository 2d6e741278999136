// True when the rectangle holds the point; all edges are inside.
static inline int rect_contains(rect_t r, point_t p) {
  return p.x >= r.min.x && p.x <= r.max.x && p.y >= r.min.y && p.y <= r.max.y;
}
