'use strict';

/**
 * The calculating core of a spreadsheet.
 *
 * Cells are set as text, like a user types them. Text that starts with '='
 * is a formula. A sheet keeps track of which cell depends on which, so that
 * a change recalculates only what it has to.
 *
 *     const sheet = new Sheet();
 *     sheet.set('A1', '4');
 *     sheet.set('A2', '=A1 * 2 + SUM(B1:B3)');
 *     sheet.get('A2');
 */

// ---------------------------------------------------------------------
// Addresses
// ---------------------------------------------------------------------

/** 'A' is 0, 'Z' is 25, 'AA' is 26. */
function columnIndex(letters) {
  let index = 0;
  for (const letter of letters.toUpperCase()) {
    index = index * 26 + (letter.charCodeAt(0) - 64);
  }
  return index - 1;
}

function columnName(index) {
  let name = '';
  let rest = index + 1;
  while (rest > 0) {
    const digit = (rest - 1) % 26;
    name = String.fromCharCode(65 + digit) + name;
    rest = Math.floor((rest - 1) / 26);
  }
  return name;
}

function parseAddress(text) {
  const match = /^([A-Za-z]{1,3})(\d+)$/.exec(text);
  if (!match) {
    throw new FormulaError('#REF!', `bad address ${text}`);
  }
  return { column: columnIndex(match[1]), row: Number(match[2]) - 1 };
}

function formatAddress({ column, row }) {
  return columnName(column) + (row + 1);
}

/** All addresses of the rectangle between two corners, row by row. */
function expandRange(from, to) {
  const a = parseAddress(from);
  const b = parseAddress(to);
  const addresses = [];
  for (let row = Math.min(a.row, b.row); row <= Math.max(a.row, b.row); row++) {
    for (let col = Math.min(a.column, b.column); col <= Math.max(a.column, b.column); col++) {
      addresses.push(formatAddress({ column: col, row }));
    }
  }
  return addresses;
}

// ---------------------------------------------------------------------
// Errors
// ---------------------------------------------------------------------

/** An error that shows in the cell as its code. */
class FormulaError extends Error {
  constructor(code, message = code) {
    super(message);
    this.name = 'FormulaError';
    this.code = code;
  }

  toString() {
    return this.code;
  }
}

// ---------------------------------------------------------------------
// Formulas: text to tree
// ---------------------------------------------------------------------

const TOKEN = /\s*(?:(\d+(?:\.\d+)?)|("(?:[^"]|"")*")|([A-Za-z]{1,3}\d+)|([A-Za-z]+)|(<=|>=|<>|[-+*\/^&=<>(),:]))/y;

function tokenize(text) {
  const tokens = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.length) {
    const start = TOKEN.lastIndex;
    if (text.slice(start).trim() === '') {
      break;
    }
    const match = TOKEN.exec(text);
    if (!match) {
      throw new FormulaError('#SYNTAX!', `unexpected text at ${start}`);
    }
    const [, number, string, address, name, symbol] = match;
    if (number !== undefined) {
      tokens.push({ type: 'number', value: Number(number) });
    } else if (string !== undefined) {
      tokens.push({ type: 'string', value: string.slice(1, -1).replace(/""/g, '"') });
    } else if (address !== undefined) {
      tokens.push({ type: 'address', value: address.toUpperCase() });
    } else if (name !== undefined) {
      tokens.push({ type: 'name', value: name.toUpperCase() });
    } else {
      tokens.push({ type: 'symbol', value: symbol });
    }
  }
  return tokens;
}

const PRECEDENCE = {
  '=': 1,
  '<>': 1,
  '<': 1,
  '<=': 1,
  '>': 1,
  '>=': 1,
  '&': 2,
  '+': 3,
  '-': 3,
  '*': 4,
  '/': 4,
  '^': 5,
};

class FormulaParser {
  constructor(text) {
    this.tokens = tokenize(text);
    this.index = 0;
  }

  parse() {
    const tree = this.binary(0);
    if (this.index < this.tokens.length) {
      throw new FormulaError('#SYNTAX!', 'text after the formula');
    }
    return tree;
  }

  peek() {
    return this.tokens[this.index];
  }

  accept(symbol) {
    const token = this.peek();
    if (token && token.type === 'symbol' && token.value === symbol) {
      this.index++;
      return true;
    }
    return false;
  }

  expect(symbol) {
    if (!this.accept(symbol)) {
      throw new FormulaError('#SYNTAX!', `expected ${symbol}`);
    }
  }

  /** Precedence climbing; all operators lean to the left. */
  binary(level) {
    let left = this.unary();
    for (;;) {
      const token = this.peek();
      const strength = token && token.type === 'symbol' ? PRECEDENCE[token.value] : undefined;
      if (strength === undefined || strength <= level) {
        return left;
      }
      this.index++;
      const right = this.binary(strength);
      left = { type: 'binary', operator: token.value, left, right };
    }
  }

  unary() {
    if (this.accept('-')) {
      return { type: 'negate', operand: this.unary() };
    }
    return this.primary();
  }

  primary() {
    const token = this.peek();
    if (!token) {
      throw new FormulaError('#SYNTAX!', 'formula ends too early');
    }
    if (this.accept('(')) {
      const inner = this.binary(0);
      this.expect(')');
      return inner;
    }
    this.index++;
    switch (token.type) {
      case 'number':
      case 'string':
        return { type: 'constant', value: token.value };
      case 'address':
        return this.reference(token.value);
      case 'name':
        return this.call(token.value);
      default:
        throw new FormulaError('#SYNTAX!', `unexpected ${token.value}`);
    }
  }

  reference(address) {
    if (!this.accept(':')) {
      return { type: 'cell', address };
    }
    const end = this.peek();
    if (!end || end.type !== 'address') {
      throw new FormulaError('#SYNTAX!', 'range without end');
    }
    this.index++;
    return { type: 'range', addresses: expandRange(address, end.value) };
  }

  call(name) {
    const args = [];
    this.expect('(');
    if (!this.accept(')')) {
      do {
        args.push(this.binary(0));
      } while (this.accept(','));
      this.expect(')');
    }
    return { type: 'call', name, args };
  }
}

/** The addresses a formula reads. */
function collectReferences(tree, found = new Set()) {
  switch (tree.type) {
    case 'cell':
      found.add(tree.address);
      break;
    case 'range':
      tree.addresses.forEach((address) => found.add(address));
      break;
    case 'negate':
      collectReferences(tree.operand, found);
      break;
    case 'binary':
      collectReferences(tree.left, found);
      collectReferences(tree.right, found);
      break;
    case 'call':
      tree.args.forEach((arg) => collectReferences(arg, found));
      break;
  }
  return found;
}

// ---------------------------------------------------------------------
// Functions
// ---------------------------------------------------------------------

function toNumber(value) {
  if (value === null || value === '') {
    return 0;
  }
  if (typeof value === 'boolean') {
    return value ? 1 : 0;
  }
  const number = Number(value);
  if (Number.isNaN(number)) {
    throw new FormulaError('#VALUE!', `${value} is not a number`);
  }
  return number;
}

/** Only the numbers of a list of arguments, ranges flattened. */
function numbersOf(args) {
  return args.flat().filter((value) => typeof value === 'number');
}

const FUNCTIONS = {
  SUM(...args) {
    return numbersOf(args).reduce((sum, value) => sum + value, 0);
  },

  COUNT(...args) {
    return numbersOf(args).length;
  },

  AVERAGE(...args) {
    const numbers = numbersOf(args);
    return FUNCTIONS.SUM(numbers) / numbers.length;
  },

  MIN(...args) {
    return Math.min(...numbersOf(args));
  },

  MAX(...args) {
    return Math.max(...numbersOf(args));
  },

  ROUND(value, places = 0) {
    const factor = 10 ** places;
    return Math.round(toNumber(value) * factor) / factor;
  },

  IF(condition, yes, no = false) {
    return condition ? yes : no;
  },

  LEN(text) {
    return String(text ?? '').length;
  },

  UPPER(text) {
    return String(text ?? '').toUpperCase();
  },
};

// ---------------------------------------------------------------------
// Evaluation
// ---------------------------------------------------------------------

function compare(operator, left, right) {
  switch (operator) {
    case '=':
      return left === right;
    case '<>':
      return left !== right;
    case '<':
      return left < right;
    case '<=':
      return left <= right;
    case '>':
      return left > right;
    default:
      return left >= right;
  }
}

function calculate(operator, left, right) {
  if (operator === '&') {
    return String(left ?? '') + String(right ?? '');
  }
  if (PRECEDENCE[operator] === 1) {
    return compare(operator, left, right);
  }
  const a = toNumber(left);
  const b = toNumber(right);
  switch (operator) {
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '*':
      return a * b;
    case '^':
      return a ** b;
    default:
      return a / b;
  }
}

/** Value of a tree; `read` gives the value of another cell. */
function evaluate(tree, read) {
  switch (tree.type) {
    case 'constant':
      return tree.value;
    case 'cell':
      return read(tree.address);
    case 'range':
      return tree.addresses.map(read);
    case 'negate':
      return -toNumber(evaluate(tree.operand, read));
    case 'binary':
      return calculate(tree.operator, evaluate(tree.left, read), evaluate(tree.right, read));
    case 'call': {
      const func = FUNCTIONS[tree.name];
      if (!func) {
        throw new FormulaError('#NAME?', `no function ${tree.name}`);
      }
      return func(...tree.args.map((arg) => evaluate(arg, read)));
    }
    default:
      throw new TypeError(`unknown node ${tree.type}`);
  }
}

// ---------------------------------------------------------------------
// Cells and sheets
// ---------------------------------------------------------------------

class Cell {
  constructor(text) {
    this.text = text;
    this.tree = null;
    this.value = null;
    this.error = null;
    this.parse();
  }

  parse() {
    if (this.text.startsWith('=')) {
      try {
        this.tree = new FormulaParser(this.text.slice(1)).parse();
      } catch (error) {
        this.error = error;
      }
      return;
    }
    const trimmed = this.text.trim();
    const number = Number(trimmed);
    this.value = trimmed !== '' && !Number.isNaN(number) ? number : this.text;
  }

  get references() {
    return this.tree ? collectReferences(this.tree) : new Set();
  }
}

class Sheet {
  constructor() {
    this.cells = new Map();
    this.dependents = new Map();
    this.listeners = [];
  }

  onChange(listener) {
    this.listeners.push(listener);
  }

  set(address, text) {
    const key = formatAddress(parseAddress(address));
    this.unlink(key);
    if (text === '') {
      this.cells.delete(key);
    } else {
      this.cells.set(key, new Cell(text));
      this.link(key);
    }
    this.recalculate(key);
  }

  /** The value of a cell, or the code of its error. */
  get(address) {
    const cell = this.cells.get(formatAddress(parseAddress(address)));
    if (!cell) {
      return null;
    }
    return cell.error ? cell.error.toString() : cell.value;
  }

  link(key) {
    for (const reference of this.cells.get(key).references) {
      if (!this.dependents.has(reference)) {
        this.dependents.set(reference, new Set());
      }
      this.dependents.get(reference).add(key);
    }
  }

  unlink(key) {
    const cell = this.cells.get(key);
    if (!cell) {
      return;
    }
    for (const reference of cell.references) {
      this.dependents.get(reference)?.delete(key);
    }
  }

  /** The cell and all that depend on it, in an order that works. */
  affected(key) {
    const order = [];
    const visited = new Set();
    const visit = (address) => {
      if (visited.has(address)) {
        return;
      }
      visited.add(address);
      for (const other of this.dependents.get(address) ?? []) {
        visit(other);
      }
      order.unshift(address);
    };
    visit(key);
    return order;
  }

  recalculate(key) {
    const order = this.affected(key);
    for (const address of order) {
      const cell = this.cells.get(address);
      if (cell && cell.tree) {
        this.evaluateCell(cell);
      }
    }
    for (const listener of this.listeners) {
      listener(order);
    }
  }

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

  /** The used part of the sheet as lines of tab-separated values. */
  toTsv() {
    let rows = 0;
    let columns = 0;
    for (const key of this.cells.keys()) {
      const { row, column } = parseAddress(key);
      rows = Math.max(rows, row + 1);
      columns = Math.max(columns, column + 1);
    }
    const lines = [];
    for (let row = 0; row < rows; row++) {
      const values = [];
      for (let column = 0; column < columns; column++) {
        values.push(this.get(formatAddress({ column, row })) ?? '');
      }
      lines.push(values.join('\t'));
    }
    return lines.join('\n');
  }
}

module.exports = {
  Sheet,
  FormulaError,
  columnIndex,
  columnName,
  expandRange,
  tokenize,
  FormulaParser,
};
