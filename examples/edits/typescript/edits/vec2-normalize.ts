normalize(): Vec2 {
	const length = this.length;
	if (length === 0) {
		throw new Error("the zero vector has no direction");
	}
	return this.scale(1 / length);
}
