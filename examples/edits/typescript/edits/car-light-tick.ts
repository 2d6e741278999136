  tick(ms: number): void {
    if (ms < 0) {
      throw new RangeError("time runs forward");
    }
    this.elapsed += ms;
    while (this.lamp !== Lamp.Off && this.elapsed >= PHASE_MS[this.lamp]) {
      this.elapsed -= PHASE_MS[this.lamp];
      this.enter(NEXT[this.lamp]);
    }
  }
