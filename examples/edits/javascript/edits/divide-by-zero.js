function calculate(operator, left, right) {
  if (operator === '&') {
    return String(left ?? '') + String(right ?? '');
  }
  // ... existing code ...
  const b = toNumber(right);
  if (operator === '/' && b === 0) {
    throw new FormulaError('#DIV/0!');
  }
  switch (operator) {
    // ... existing code ...
    default:
      return a / b;
  }
}
