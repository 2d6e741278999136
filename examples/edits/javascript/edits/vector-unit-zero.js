unit() {
  const length = this.length;
  if (length < EPSILON) {
    throw new RangeError('the zero vector has no direction');
  }
  return this.times(1 / length);
}
