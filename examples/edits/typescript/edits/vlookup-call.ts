  call(args: Value[]): Scalar {
    const [wanted, table, column] = args;
    if (!Array.isArray(table)) {
      return new CellError("#VALUE!", "the second argument must be a range");
    }
    const index = toNumber(single(column));
    if (index instanceof CellError) {
      return index;
    }
    const key = toText(single(wanted)).toLowerCase();
    const row = table.find((candidate) => toText(candidate[0]).toLowerCase() === key);
    if (!row) {
      return new CellError("#N/A", `"${key}" was not found`);
    }
    return row[index - 1] ?? new CellError("#REF!");
  }
