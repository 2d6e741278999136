const FUNCTIONS = {
  // ... existing code ...

  AVERAGE(...args) {
    const numbers = numbersOf(args);
    if (numbers.length === 0) {
      throw new FormulaError('#DIV/0!');
    }
    return FUNCTIONS.SUM(numbers) / numbers.length;
  },

  // ... existing code ...
};
