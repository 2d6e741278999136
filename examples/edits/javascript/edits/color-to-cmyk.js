function toCmyk(pixel, profile) {
  const plates = profile.separate(pixel);
  // ... existing code ...
  plates.key = profile.blackPoint;
  return plates;
}
