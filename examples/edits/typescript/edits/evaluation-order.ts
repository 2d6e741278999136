  private evaluationOrder(start: string): { order: string[]; cyclic: Set<string> } {
    const order: string[] = [];
    const cyclic = new Set<string>();
    // ... existing code ...
      if (done.has(key)) return;
      if (path.length > 10_000) {
        throw new RangeError(`more than 10000 formulas in a row at ${key}`);
      }
      path.push(key);
      // ... existing code ...
    };

    visit(start);
    return { order, cyclic };
  }
