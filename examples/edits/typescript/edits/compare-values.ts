function compare(left: Scalar, right: Scalar): number {
  const rank = (value: Scalar) => (typeof value === "boolean" ? 2 : typeof value === "string" ? 1 : 0);
  if (rank(left) !== rank(right)) {
    return rank(left) - rank(right);
  }
  if (typeof left === "string" && typeof right === "string") {
    return left.localeCompare(right, undefined, { sensitivity: "base", numeric: true });
  }
  return Math.sign(Number(left) - Number(right));
}
