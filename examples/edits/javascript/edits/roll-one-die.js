  roll(dice) {
    const match = /^(\d*)d(\d+)([+-]\d+)?$/.exec(dice);
    if (!match) {
      throw new RangeError(`bad dice ${dice}`);
    }
    let sum = Number(match[3] ?? 0);
    for (let i = 0; i < Number(match[1] || 1); i++) {
      sum += this.between(1, Number(match[2]));
    }
    return sum;
  }
