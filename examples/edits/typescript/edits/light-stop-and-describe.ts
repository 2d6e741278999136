// ... existing code ...

export class CarLight {
  // ... existing code ...

  stop(): void {
    if (this.lamp === Lamp.Off) {
      return;
    }
    this.elapsed = 0;
    this.enter(Lamp.Off);
  }

  // ... existing code ...
}

// ... existing code ...

export function describe(lights: CarLight[]): string {
  return lights.map((light, i) => `${i + 1}: ${light.current}`).join(" | ");
}
