evaluateCell(cell) {
  const read = (address) => {
    const other = this.cells.get(address);
    if (other === cell) {
      throw new FormulaError('#CYCLE!', 'the cell reads itself');
    }
    if (other && other.error) {
      throw other.error;
    }
    return other ? other.value : null;
  };
  try {
    cell.value = evaluate(cell.tree, read);
    cell.error = null;
  } catch (error) {
    cell.value = null;
    cell.error = error;
  }
}
