'use strict';

const NAMED = {
  black: [0, 0, 0],
  white: [255, 255, 255],
  red: [255, 0, 0],
  lime: [0, 255, 0],
  blue: [0, 0, 255],
  orange: [255, 165, 0],
};

class ColorError extends Error {
  constructor(text) {
    super(`not a colour: ${text}`);
    this.name = 'ColorError';
    this.text = text;
  }
}

const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

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

function parseRgb(text) {
  const match = /^rgb\(\s*(\d+)\s*,\s*(\d+)\s*,\s*(\d+)\s*\)$/.exec(text);
  if (!match) {
    throw new ColorError(text);
  }
  return match.slice(1).map((part) => clamp(Number(part), 0, 255));
}

/** Parse '#f80', '#ff8800', 'rgb(255, 136, 0)' or a name. */
function parseColor(input) {
  const text = input.trim().toLowerCase();
  if (text.startsWith('#')) {
    return parseHex(text);
  }
  if (text.startsWith('rgb(')) {
    return parseRgb(text);
  }
  if (text in NAMED) {
    return NAMED[text];
  }
  throw new ColorError(input);
}

// Hue in degrees, saturation and lightness from 0 to 1.
function toHsl([r, g, b]) {
  const max = Math.max(r, g, b) / 255;
  const min = Math.min(r, g, b) / 255;
  const delta = max - min;
  const lightness = (max + min) / 2;
  if (delta === 0) {
    return [0, 0, lightness];
  }
  const saturation = delta / (1 - Math.abs(2 * lightness - 1));
  let hue;
  switch (max * 255) {
    case r:
      hue = ((g - b) / 255 / delta + 6) % 6;
      break;
    case g:
      hue = (b - r) / 255 / delta + 2;
      break;
    default:
      hue = (r - g) / 255 / delta + 4;
  }
  return [hue * 60, saturation, lightness];
}

/** Mix two colours; weight 0 gives the first, 1 the second. */
function mix(first, second, weight = 0.5) {
  return first.map((value, i) => Math.round(value + (second[i] - value) * weight));
}

function toHex(rgb) {
  const digits = rgb.map((value) => value.toString(16).padStart(2, '0'));
  return `#${digits.join('')}`;
}

module.exports = { ColorError, parseColor, toHsl, mix, toHex };
