/** An immutable point or direction in the plane. */
export class Vec2 {
	static readonly ZERO = new Vec2(0, 0);

	constructor(
		readonly x: number,
		readonly y: number,
	) {}

	/** Makes a vector from an angle in radians. */
	static fromAngle(angle: number, length = 1): Vec2 {
		return new Vec2(Math.cos(angle) * length, Math.sin(angle) * length);
	}

	get length(): number {
		return Math.sqrt(this.x * this.x + this.y * this.y);
	}

	add(other: Vec2): Vec2 {
		return new Vec2(this.x + other.x, this.y + other.y);
	}

	subtract(other: Vec2): Vec2 {
		return new Vec2(this.x - other.x, this.y - other.y);
	}

	scale(factor: number): Vec2 {
		return new Vec2(this.x * factor, this.y * factor);
	}

	/** The same direction with length one. */
	normalize(): Vec2 {
		return this.scale(1 / this.length);
	}

	equals(other: Vec2): boolean {
		return this.x === other.x && this.y === other.y;
	}
}

export function distance(a: Vec2, b: Vec2): number {
	return Math.hypot(a.x - b.x, a.y - b.y);
}
