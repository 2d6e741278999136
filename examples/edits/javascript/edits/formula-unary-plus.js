  unary() {
    if (this.accept('-')) {
      return { type: 'negate', operand: this.unary() };
    }
    if (this.accept('+')) {
      return this.unary();
    }
    return this.primary();
  }
