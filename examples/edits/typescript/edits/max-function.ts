// ... existing code ...

class SumFunction implements FormulaFunction {
  readonly name = "SUM";

  minArgs(): number {
    return 1;
  }

  call(args: Value[]): Scalar {
    const numbers = numbersIn(args);
    return numbers instanceof CellError ? numbers : numbers.reduce((a, b) => a + b, 0);
  }
}

class MaxFunction implements FormulaFunction {
  readonly name = "MAX";

  minArgs(): number {
    return 1;
  }

  call(args: Value[]): Scalar {
    const numbers = numbersIn(args);
    return numbers instanceof CellError ? numbers : Math.max(...numbers);
  }
}

// ... existing code ...

export class FunctionRegistry {
  // ... existing code ...

  static standard(): FunctionRegistry {
    const registry = new FunctionRegistry();
    registry.add(new SumFunction());
    registry.add(new MaxFunction());
    registry.add(new AverageFunction());
    registry.add(new IfFunction());
    registry.add(new RoundFunction());
    registry.add(new VLookupFunction());
    return registry;
  }

  // ... existing code ...
}

// ... existing code ...
