  disable() {
    this.enabled = false;
    this.blur();
  }
