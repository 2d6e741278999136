#ifndef GEOM_H
#define GEOM_H

/* Plane geometry on doubles. Angles are never needed here. */

typedef struct {
  double x;
  double y;
} point_t;

typedef struct {
  point_t min;
  point_t max;
  int layer;
} rect_t;

static inline point_t point_add(point_t a, point_t b) {
  point_t r = {a.x + b.x, a.y + b.y};
  return r;
}

static inline point_t point_sub(point_t a, point_t b) {
  point_t r = {a.x - b.x, a.y - b.y};
  return r;
}

static inline double point_dot(point_t a, point_t b) {
  return a.x * b.x + a.y * b.y;
}

// True when the rectangle holds the point; the upper edges are outside.
static inline int rect_contains(rect_t r, point_t p) {
  return p.x >= r.min.x && p.x < r.max.x && p.y >= r.min.y && p.y < r.max.y;
}

static inline double rect_area(rect_t r) {
  return (r.max.x - r.min.x) * (r.max.y - r.min.y);
}

#endif
