'use strict';

const EPSILON = 1e-9;

/** An immutable vector in the plane. */
class Vector {
  constructor(x, y) {
    this.x = x;
    this.y = y;
    Object.freeze(this);
  }

  static polar(angle, length) {
    return new Vector(Math.cos(angle) * length, Math.sin(angle) * length);
  }

  plus(other) {
    return new Vector(this.x + other.x, this.y + other.y);
  }

  minus(other) {
    return new Vector(this.x - other.x, this.y - other.y);
  }

  times(factor) {
    return new Vector(this.x * factor, this.y * factor);
  }

  dot(other) {
    return this.x * other.x + this.y * other.y;
  }

  /** Length 1, same direction. */
  unit() {
    return this.times(1 / this.length);
  }

  get length() {
    return Math.hypot(this.x, this.y);
  }

  equals(other) {
    return Math.abs(this.x - other.x) < EPSILON && Math.abs(this.y - other.y) < EPSILON;
  }
}

/** Area of a polygon given by its corners; the direction does not matter. */
function polygonArea(corners) {
  let twice = 0;
  corners.forEach((a, i) => {
    const b = corners[(i + 1) % corners.length];
    twice += a.x * b.y - b.x * a.y;
  });
  return Math.abs(twice) / 2;
}

module.exports = { Vector, polygonArea };
