// ... existing code ...

function parseHex(text) {
  let digits = text.slice(1);
  if (digits.length === 3 || digits.length === 4) {
    digits = [...digits].map((d) => d + d).join('');
  }
  if (!/^([0-9a-f]{2}){3,4}$/i.test(digits)) {
    throw new ColorError(text);
  }
  // A fourth pair is the opacity, which is not kept.
  const value = parseInt(digits.slice(0, 6), 16);
  return [value >> 16, (value >> 8) & 0xff, value & 0xff];
}

// ... existing code ...

function toHex(rgb) {
  const digits = rgb.map((value) => value.toString(16).padStart(2, '0'));
  return `#${digits.join('')}`;
}

// ... existing code ...
