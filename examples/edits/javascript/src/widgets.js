'use strict';

class Slider {
  constructor(min, max) {
    this.min = min;
    this.max = max;
    this.value = min;
    this.enabled = true;
  }

  set(value) {
    this.value = Math.min(this.max, Math.max(this.min, value));
  }

  disable() {
    this.enabled = false;
  }
}

class Checkbox {
  constructor(label) {
    this.label = label;
    this.value = false;
    this.enabled = true;
  }

  toggle() {
    this.value = !this.value;
  }

  disable() {
    this.enabled = false;
  }
}

module.exports = { Slider, Checkbox };
