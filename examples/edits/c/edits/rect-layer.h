// ... existing code ...

typedef struct {
  point_t min;
  point_t max;
  int layer;
} rect_t;

// ... existing code ...
