class Vector {
  // ... existing methods ...

  times(factor) {
    return new Vector(this.x * factor, this.y * factor);
  }

  dot(other) {
    return this.x * other.x + this.y * other.y;
  }

  // ... existing methods ...
}
