private unary(): Expr {
  const token = this.peek();
  if (token.kind === "operator" && (token.text === "-" || token.text === "+")) {
    this.next();
    const operand = this.unary();
    // A plus sign changes nothing.
    return token.text === "+" ? operand : { type: "unary", op: "-", operand };
  }
  return this.postfix();
}
