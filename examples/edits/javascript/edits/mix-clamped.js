function mix(first, second, weight = 0.5) {
  const share = clamp(weight, 0, 1);
  return first.map((value, i) => Math.round(value + (second[i] - value) * share));
}
