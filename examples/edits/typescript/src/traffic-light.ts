/** The lamps that can be lit at a crossing. */
export enum Lamp {
  Red = "red",
  RedAmber = "red-amber",
  Amber = "amber",
  Green = "green",
  Off = "off",
}

type Listener = (from: Lamp, to: Lamp) => void;

/** How long each state lasts, in milliseconds. */
const PHASE_MS: Record<Lamp, number> = {
  [Lamp.Red]: 20_000,
  [Lamp.RedAmber]: 1_500,
  [Lamp.Amber]: 3_000,
  [Lamp.Green]: 25_000,
  [Lamp.Off]: 0,
};

const NEXT: Record<Lamp, Lamp> = {
  [Lamp.Red]: Lamp.RedAmber,
  [Lamp.RedAmber]: Lamp.Green,
  [Lamp.Green]: Lamp.Amber,
  [Lamp.Amber]: Lamp.Red,
  [Lamp.Off]: Lamp.Red,
};

/** The light for cars. */
export class CarLight {
  private lamp = Lamp.Off;
  private elapsed = 0;
  private listeners: Listener[] = [];

  get current(): Lamp {
    return this.lamp;
  }

  onChange(listener: Listener): () => void {
    this.listeners.push(listener);
    return () => {
      this.listeners = this.listeners.filter((l) => l !== listener);
    };
  }

  /** Advances the clock; may pass several phases at once. */
  tick(ms: number): void {
    this.elapsed += ms;
    while (this.lamp !== Lamp.Off && this.elapsed >= PHASE_MS[this.lamp]) {
      this.elapsed -= PHASE_MS[this.lamp];
      this.enter(NEXT[this.lamp]);
    }
  }

  /** Switches the light on (it starts with red). */
  start(): void {
    if (this.lamp === Lamp.Off) {
      this.enter(Lamp.Red);
    }
  }

  stop(): void {
    this.elapsed = 0;
    this.enter(Lamp.Off);
  }

  private enter(next: Lamp): void {
    const previous = this.lamp;
    this.lamp = next;
    for (const listener of this.listeners) {
      listener(previous, next);
    }
  }
}

/** The light for pedestrians: green only while all cars have red. */
export class PedestrianLight {
  private requested = false;
  private green = false;

  constructor(private readonly cars: CarLight[]) {}

  /** Somebody pressed the button. */
  request(): void {
    this.requested = true;
  }

  tick(): void {
    const safe = this.cars.every((car) => car.current === Lamp.Red);
    this.green = safe && this.requested;
    if (this.green) {
      this.requested = false;
    }
  }

  get walk(): boolean {
    return this.green;
  }
}

/** Text for the control room, such as "red | red | green". */
export function describe(lights: CarLight[]): string {
  return lights.map((light) => light.current).join(" | ");
}
