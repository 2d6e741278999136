  toggle() {
    if (!this.enabled) {
      return;
    }
    this.value = !this.value;
  }
