class Item {
  constructor(type, count = 1, quality = 0) {
    if (!(type in ITEM_TYPES)) {
      throw new RangeError(`unknown item ${type}`);
    }
    this.type = type;
    this.count = count;
    this.quality = quality;
  }

  get data() {
    return ITEM_TYPES[this.type];
  }

  get weight() {
    return this.data.weight * this.count;
  }

  describe() {
    const name = this.quality > 0 ? `fine ${this.type}` : this.type;
    return this.count === 1 ? `a ${name}` : `${this.count} ${name}s`;
  }
}
