/**
 * A spreadsheet engine: cell addresses, a formula language, functions,
 * dependency tracking and recalculation. Everything is synchronous and
 * without I/O, so that the user interface may call it on each key press.
 */

// =====================================================================
// Values
// =====================================================================

export type ErrorCode = "#DIV/0!" | "#VALUE!" | "#REF!" | "#NAME?" | "#CYCLE!" | "#N/A";

/** An error is an ordinary value here: it travels through formulas. */
export class CellError {
  constructor(
    readonly code: ErrorCode,
    readonly detail = "",
  ) {}

  toString(): string {
    return this.code;
  }
}

export type Scalar = number | string | boolean | null | CellError;
export type Value = Scalar | Scalar[][];

export function isError(value: Value): value is CellError {
  return value instanceof CellError;
}

/** Converts a value to a number the way spreadsheets do it. */
export function toNumber(value: Scalar): number | CellError {
  if (value instanceof CellError) {
    return value;
  }
  if (value === null || value === "") {
    return 0;
  }
  if (typeof value === "boolean") {
    return value ? 1 : 0;
  }
  const number = Number(value);
  return Number.isNaN(number) ? new CellError("#VALUE!", `"${value}" is not a number`) : number;
}

/** What the cell shows when no number format is set. */
export function toText(value: Scalar): string {
  if (value === null) {
    return "";
  }
  if (typeof value === "boolean") {
    return value ? "TRUE" : "FALSE";
  }
  return String(value);
}

export function toBoolean(value: Scalar): boolean | CellError {
  if (value instanceof CellError) {
    return value;
  }
  if (typeof value === "string") {
    const upper = value.toUpperCase();
    if (upper === "TRUE") return true;
    if (upper === "FALSE") return false;
    return new CellError("#VALUE!", `"${value}" is not a truth value`);
  }
  return Boolean(value);
}

/** A range used where one value is expected counts as its first cell. */
function single(value: Value): Scalar {
  return Array.isArray(value) ? (value[0]?.[0] ?? null) : value;
}

// =====================================================================
// Addresses
// =====================================================================

/** "A" -> 0, "Z" -> 25, "AA" -> 26 */
export function columnIndex(letters: string): number {
  let index = 0;
  for (const letter of letters.toUpperCase()) {
    index = index * 26 + (letter.charCodeAt(0) - 64);
  }
  return index - 1;
}

/** The opposite of columnIndex. */
export function columnLetters(index: number): string {
  let letters = "";
  let rest = index + 1;
  while (rest > 0) {
    const digit = (rest - 1) % 26;
    letters = String.fromCharCode(65 + digit) + letters;
    rest = Math.floor((rest - 1) / 26);
  }
  return letters;
}

/** Position of a cell, counted from zero. */
export class CellRef {
  constructor(
    readonly column: number,
    readonly row: number,
    readonly columnFixed = false,
    readonly rowFixed = false,
  ) {}

  static parse(text: string): CellRef {
    const match = /^(\$?)([A-Za-z]{1,3})(\$?)([0-9]+)$/.exec(text);
    if (!match) {
      throw new FormulaError(`not a cell address: ${text}`, 0);
    }
    return new CellRef(columnIndex(match[2]), Number(match[4]) - 1, match[1] !== "", match[3] !== "");
  }

  /** A key for maps; it ignores the dollar signs. */
  get key(): string {
    return `${columnLetters(this.column)}${this.row + 1}`;
  }

  /** The address after a copy by so many columns and rows. */
  moved(columns: number, rows: number): CellRef {
    return new CellRef(
      this.columnFixed ? this.column : this.column + columns,
      this.rowFixed ? this.row : this.row + rows,
      this.columnFixed,
      this.rowFixed,
    );
  }

  toString(): string {
    const column = (this.columnFixed ? "$" : "") + columnLetters(this.column);
    const row = (this.rowFixed ? "$" : "") + String(this.row + 1);
    return column + row;
  }
}

/** A rectangle of cells, such as B2:D9. */
export class RangeRef {
  constructor(
    readonly from: CellRef,
    readonly to: CellRef,
  ) {}

  get width(): number {
    return Math.abs(this.to.column - this.from.column) + 1;
  }

  get height(): number {
    return Math.abs(this.to.row - this.from.row) + 1;
  }

  /** All addresses, row by row. */
  *cells(): Generator<CellRef> {
    const left = Math.min(this.from.column, this.to.column);
    const top = Math.min(this.from.row, this.to.row);
    for (let row = top; row < top + this.height; row++) {
      for (let column = left; column < left + this.width; column++) {
        yield new CellRef(column, row);
      }
    }
  }

  moved(columns: number, rows: number): RangeRef {
    return new RangeRef(this.from.moved(columns, rows), this.to.moved(columns, rows));
  }

  toString(): string {
    return `${this.from}:${this.to}`;
  }
}

// =====================================================================
// Lexer
// =====================================================================

/** The formula could not be read. */
export class FormulaError extends Error {
  constructor(
    message: string,
    readonly position: number,
  ) {
    super(message);
    this.name = "FormulaError";
  }
}

type TokenKind = "number" | "string" | "name" | "ref" | "operator" | "end";

interface Token {
  kind: TokenKind;
  text: string;
  position: number;
}

const OPERATORS = ["<=", ">=", "<>", "+", "-", "*", "/", "^", "&", "=", "<", ">", "(", ")", ",", ":", "%"];

export class Lexer {
  private pos = 0;

  constructor(private readonly source: string) {}

  tokens(): Token[] {
    const tokens: Token[] = [];
    for (;;) {
      const token = this.next();
      tokens.push(token);
      if (token.kind === "end") {
        return tokens;
      }
    }
  }

  private next(): Token {
    this.skipSpace();
    const position = this.pos;
    if (position >= this.source.length) {
      return { kind: "end", text: "", position };
    }
    const char = this.source[position];
    if (/[0-9.]/.test(char)) {
      return this.number();
    }
    if (char === '"') {
      return this.string();
    }
    if (/[A-Za-z_$]/.test(char)) {
      return this.word();
    }
    const operator = OPERATORS.find((op) => this.source.startsWith(op, position));
    if (!operator) {
      throw new FormulaError(`unexpected character '${char}'`, position);
    }
    this.pos += operator.length;
    return { kind: "operator", text: operator, position };
  }

  private skipSpace(): void {
    while (/\s/.test(this.source[this.pos] ?? "")) {
      this.pos++;
    }
  }

  private number(): Token {
    const position = this.pos;
    const match = /^(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?/.exec(this.source.slice(position));
    if (!match) {
      throw new FormulaError("malformed number", position);
    }
    this.pos += match[0].length;
    return { kind: "number", text: match[0], position };
  }

  /** A quote inside a string is written twice. */
  private string(): Token {
    const position = this.pos;
    let text = "";
    this.pos++;
    while (this.pos < this.source.length) {
      const char = this.source[this.pos++];
      if (char !== '"') {
        text += char;
        continue;
      }
      if (this.source[this.pos] !== '"') {
        return { kind: "string", text, position };
      }
      text += '"';
      this.pos++;
    }
    throw new FormulaError("string is not closed", position);
  }

  private word(): Token {
    const position = this.pos;
    const match = /^[A-Za-z_$][\w.$]*/.exec(this.source.slice(position)) as RegExpExecArray;
    const text = match[0];
    this.pos += text.length;
    const isRef = /^\$?[A-Za-z]{1,3}\$?[0-9]+$/.test(text);
    return { kind: isRef ? "ref" : "name", text, position };
  }
}

// =====================================================================
// Syntax tree and parser
// =====================================================================

export type Expr =
  | { type: "literal"; value: Scalar }
  | { type: "ref"; ref: CellRef }
  | { type: "range"; range: RangeRef }
  | { type: "unary"; op: string; operand: Expr }
  | { type: "binary"; op: string; left: Expr; right: Expr }
  | { type: "call"; name: string; args: Expr[] };

/** Higher binds tighter. */
const PRECEDENCE: Record<string, number> = {
  "=": 1,
  "<>": 1,
  "<": 1,
  ">": 1,
  "<=": 1,
  ">=": 1,
  "&": 2,
  "+": 3,
  "-": 3,
  "*": 4,
  "/": 4,
  "^": 5,
};

export class Parser {
  private readonly tokens: Token[];
  private index = 0;

  constructor(source: string) {
    this.tokens = new Lexer(source).tokens();
  }

  parse(): Expr {
    const expr = this.expression(0);
    const rest = this.peek();
    if (rest.kind !== "end") {
      throw new FormulaError(`unexpected "${rest.text}"`, rest.position);
    }
    return expr;
  }

  /** Precedence climbing. */
  private expression(minimum: number): Expr {
    let left = this.unary();
    for (;;) {
      const token = this.peek();
      const precedence = token.kind === "operator" ? PRECEDENCE[token.text] : undefined;
      if (precedence === undefined || precedence < minimum) {
        return left;
      }
      this.next();
      const right = this.expression(precedence + 1);
      left = { type: "binary", op: token.text, left, right };
    }
  }

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

  private postfix(): Expr {
    let expr = this.primary();
    while (this.accept("%")) {
      expr = { type: "unary", op: "%", operand: expr };
    }
    return expr;
  }

  private primary(): Expr {
    const token = this.next();
    switch (token.kind) {
      case "number":
        return { type: "literal", value: Number(token.text) };
      case "string":
        return { type: "literal", value: token.text };
      case "ref":
        return this.reference(token);
      case "name":
        return this.nameOrCall(token);
      case "operator":
        if (token.text === "(") {
          const inner = this.expression(0);
          this.expect(")");
          return inner;
        }
        break;
    }
    throw new FormulaError(`unexpected "${token.text}"`, token.position);
  }

  private reference(token: Token): Expr {
    const from = CellRef.parse(token.text);
    if (!this.accept(":")) {
      return { type: "ref", ref: from };
    }
    const end = this.next();
    if (end.kind !== "ref") {
      throw new FormulaError("a range needs a second address", end.position);
    }
    return { type: "range", range: new RangeRef(from, CellRef.parse(end.text)) };
  }

  private nameOrCall(token: Token): Expr {
    const upper = token.text.toUpperCase();
    if (!this.accept("(")) {
      if (upper === "TRUE" || upper === "FALSE") {
        return { type: "literal", value: upper === "TRUE" };
      }
      return { type: "literal", value: new CellError("#NAME?", token.text) };
    }
    const args: Expr[] = [];
    if (!this.accept(")")) {
      do {
        args.push(this.expression(0));
      } while (this.accept(","));
      this.expect(")");
    }
    return { type: "call", name: upper, args };
  }

  private peek(): Token {
    return this.tokens[this.index];
  }

  private next(): Token {
    const token = this.tokens[this.index];
    if (token.kind !== "end") {
      this.index++;
    }
    return token;
  }

  private accept(operator: string): boolean {
    const token = this.peek();
    if (token.kind !== "operator" || token.text !== operator) {
      return false;
    }
    this.index++;
    return true;
  }

  private expect(operator: string): void {
    const token = this.peek();
    if (!this.accept(operator)) {
      throw new FormulaError(`expected "${operator}"`, token.position);
    }
  }
}

/** Writes a tree as a formula again; used when formulas are copied. */
export function printExpr(expr: Expr): string {
  switch (expr.type) {
    case "literal":
      return typeof expr.value === "string" ? `"${expr.value.replace(/"/g, '""')}"` : toText(expr.value);
    case "ref":
      return expr.ref.toString();
    case "range":
      return expr.range.toString();
    case "unary":
      return expr.op === "%" ? `${printExpr(expr.operand)}%` : `${expr.op}${printExpr(expr.operand)}`;
    case "binary":
      return `(${printExpr(expr.left)}${expr.op}${printExpr(expr.right)})`;
    case "call":
      return `${expr.name}(${expr.args.map(printExpr).join(",")})`;
  }
}

/** All cells that an expression reads. */
export function collectRefs(expr: Expr, into: Set<string> = new Set()): Set<string> {
  switch (expr.type) {
    case "ref":
      into.add(expr.ref.key);
      break;
    case "range":
      for (const cell of expr.range.cells()) {
        into.add(cell.key);
      }
      break;
    case "unary":
      collectRefs(expr.operand, into);
      break;
    case "binary":
      collectRefs(expr.left, into);
      collectRefs(expr.right, into);
      break;
    case "call":
      expr.args.forEach((arg) => collectRefs(arg, into));
      break;
  }
  return into;
}

// =====================================================================
// Functions
// =====================================================================

/** A function that can be called in formulas. */
export interface FormulaFunction {
  readonly name: string;
  minArgs(): number;
  call(args: Value[]): Scalar;
}

/** All numbers in the arguments; text inside of ranges is skipped. */
function numbersIn(args: Value[]): number[] | CellError {
  const numbers: number[] = [];
  for (const arg of args) {
    const scalars = Array.isArray(arg) ? arg.flat() : [arg];
    for (const scalar of scalars) {
      if (scalar instanceof CellError) {
        return scalar;
      }
      if (typeof scalar === "number") {
        numbers.push(scalar);
      }
    }
  }
  return numbers;
}

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

class AverageFunction implements FormulaFunction {
  readonly name = "AVERAGE";

  minArgs(): number {
    return 1;
  }

  call(args: Value[]): Scalar {
    const numbers = numbersIn(args);
    if (numbers instanceof CellError) {
      return numbers;
    }
    if (numbers.length === 0) {
      return new CellError("#DIV/0!");
    }
    return numbers.reduce((a, b) => a + b, 0) / numbers.length;
  }
}

class IfFunction implements FormulaFunction {
  readonly name = "IF";

  minArgs(): number {
    return 2;
  }

  call(args: Value[]): Scalar {
    const condition = toBoolean(single(args[0]));
    if (condition instanceof CellError) {
      return condition;
    }
    if (condition) {
      return single(args[1]);
    }
    return args.length > 2 ? single(args[2]) : false;
  }
}

class RoundFunction implements FormulaFunction {
  readonly name = "ROUND";

  minArgs(): number {
    return 1;
  }

  call(args: Value[]): Scalar {
    const number = toNumber(single(args[0]));
    if (number instanceof CellError) {
      return number;
    }
    const digits = args.length > 1 ? toNumber(single(args[1])) : 0;
    if (digits instanceof CellError) {
      return digits;
    }
    const factor = 10 ** digits;
    return Math.round(number * factor) / factor;
  }
}

/** Looks a value up in the first column of a range. */
class VLookupFunction implements FormulaFunction {
  readonly name = "VLOOKUP";

  minArgs(): number {
    return 3;
  }

  call(args: Value[]): Scalar {
    const [wanted, table, column] = args;
    if (!Array.isArray(table)) {
      return new CellError("#VALUE!", "the second argument must be a range");
    }
    const index = toNumber(single(column));
    if (index instanceof CellError) {
      return index;
    }
    const key = toText(single(wanted));
    const row = table.find((candidate) => toText(candidate[0]) === key);
    if (!row) {
      return new CellError("#N/A");
    }
    return row[index - 1] ?? new CellError("#REF!");
  }
}

export class FunctionRegistry {
  private readonly byName = new Map<string, FormulaFunction>();

  /** A registry with all built-in functions. */
  static standard(): FunctionRegistry {
    const registry = new FunctionRegistry();
    registry.add(new SumFunction());
    registry.add(new AverageFunction());
    registry.add(new IfFunction());
    registry.add(new RoundFunction());
    registry.add(new VLookupFunction());
    return registry;
  }

  add(fn: FormulaFunction): void {
    this.byName.set(fn.name, fn);
  }

  call(name: string, args: Value[]): Scalar {
    const fn = this.byName.get(name);
    if (!fn) {
      return new CellError("#NAME?", name);
    }
    if (args.length < fn.minArgs()) {
      return new CellError("#VALUE!", `${name} needs ${fn.minArgs()} arguments`);
    }
    return fn.call(args);
  }
}

// =====================================================================
// Evaluation
// =====================================================================

export type CellReader = (ref: CellRef) => Scalar;

export class Evaluator {
  constructor(
    private readonly read: CellReader,
    private readonly functions: FunctionRegistry,
  ) {}

  evaluate(expr: Expr): Value {
    switch (expr.type) {
      case "literal":
        return expr.value;
      case "ref":
        return this.read(expr.ref);
      case "range":
        return this.range(expr.range);
      case "unary":
        return this.unary(expr.op, expr.operand);
      case "binary":
        return this.binary(expr.op, expr.left, expr.right);
      case "call":
        return this.functions.call(
          expr.name,
          expr.args.map((arg) => this.evaluate(arg)),
        );
    }
  }

  private range(range: RangeRef): Scalar[][] {
    const rows: Scalar[][] = [];
    let row: Scalar[] = [];
    for (const ref of range.cells()) {
      row.push(this.read(ref));
      if (row.length === range.width) {
        rows.push(row);
        row = [];
      }
    }
    return rows;
  }

  private unary(op: string, operand: Expr): Scalar {
    const number = toNumber(single(this.evaluate(operand)));
    if (number instanceof CellError) {
      return number;
    }
    switch (op) {
      case "-":
        return -number;
      case "%":
        return number / 100;
      default:
        return number;
    }
  }

  private binary(op: string, leftExpr: Expr, rightExpr: Expr): Scalar {
    const left = single(this.evaluate(leftExpr));
    const right = single(this.evaluate(rightExpr));
    if (left instanceof CellError) {
      return left;
    }
    if (right instanceof CellError) {
      return right;
    }
    switch (op) {
      case "&":
        return toText(left) + toText(right);
      case "=":
        return compare(left, right) === 0;
      case "<>":
        return compare(left, right) !== 0;
      case "<":
        return compare(left, right) < 0;
      case ">":
        return compare(left, right) > 0;
      case "<=":
        return compare(left, right) <= 0;
      case ">=":
        return compare(left, right) >= 0;
      default:
        return this.arithmetic(op, left, right);
    }
  }

  private arithmetic(op: string, left: Scalar, right: Scalar): Scalar {
    const a = toNumber(left);
    const b = toNumber(right);
    if (a instanceof CellError) return a;
    if (b instanceof CellError) return b;
    switch (op) {
      case "+":
        return a + b;
      case "-":
        return a - b;
      case "*":
        return a * b;
      case "/":
        return a / b;
      case "^":
        return a ** b;
      default:
        return new CellError("#VALUE!", `unknown operator ${op}`);
    }
  }
}

/** Numbers are smaller than text, text is smaller than truth values. */
function compare(left: Scalar, right: Scalar): number {
  const rank = (value: Scalar) => (typeof value === "boolean" ? 2 : typeof value === "string" ? 1 : 0);
  if (rank(left) !== rank(right)) {
    return rank(left) - rank(right);
  }
  if (typeof left === "string" && typeof right === "string") {
    return left.localeCompare(right, undefined, { sensitivity: "base" });
  }
  return Number(left) - Number(right);
}

// =====================================================================
// Sheet
// =====================================================================

interface Cell {
  /** What the user typed. */
  input: string;
  /** Set if the input is a formula. */
  expr: Expr | null;
  value: Scalar;
}

export type ChangeListener = (keys: string[]) => void;

/** A grid of cells that keeps its values up to date. */
export class Sheet {
  private readonly cells = new Map<string, Cell>();
  /** For each cell the formulas that read it. */
  private readonly dependents = new Map<string, Set<string>>();
  private readonly listeners = new Set<ChangeListener>();
  private readonly evaluator: Evaluator;

  constructor(
    readonly name: string,
    functions: FunctionRegistry = FunctionRegistry.standard(),
  ) {
    this.evaluator = new Evaluator((ref) => this.valueAt(ref.key), functions);
  }

  /** Types something into a cell. An empty text clears it. */
  set(address: string, input: string): void {
    const key = CellRef.parse(address).key;
    this.unlink(key);
    if (input === "") {
      this.cells.delete(key);
    } else {
      this.cells.set(key, this.read(input));
      this.link(key);
    }
    this.recalculate(key);
  }

  get(address: string): Scalar {
    return this.valueAt(CellRef.parse(address).key);
  }

  inputOf(address: string): string {
    return this.cells.get(CellRef.parse(address).key)?.input ?? "";
  }

  onChange(listener: ChangeListener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Copies a cell; relative addresses in its formula move along. */
  copy(fromAddress: string, toAddress: string): void {
    const from = CellRef.parse(fromAddress);
    const to = CellRef.parse(toAddress);
    const cell = this.cells.get(from.key);
    if (!cell) {
      this.set(toAddress, "");
      return;
    }
    if (!cell.expr) {
      this.set(toAddress, cell.input);
      return;
    }
    const moved = moveExpr(cell.expr, to.column - from.column, to.row - from.row);
    this.set(toAddress, "=" + printExpr(moved));
  }

  private valueAt(key: string): Scalar {
    return this.cells.get(key)?.value ?? null;
  }

  private read(input: string): Cell {
    if (input.startsWith("=")) {
      try {
        return { input, expr: new Parser(input.slice(1)).parse(), value: null };
      } catch (error) {
        const detail = error instanceof Error ? error.message : "";
        return { input, expr: null, value: new CellError("#NAME?", detail) };
      }
    }
    const number = Number(input);
    return { input, expr: null, value: Number.isNaN(number) ? input : number };
  }

  private link(key: string): void {
    const expr = this.cells.get(key)?.expr;
    if (!expr) return;
    for (const source of collectRefs(expr)) {
      const set = this.dependents.get(source) ?? new Set<string>();
      set.add(key);
      this.dependents.set(source, set);
    }
  }

  private unlink(key: string): void {
    const expr = this.cells.get(key)?.expr;
    if (!expr) return;
    for (const source of collectRefs(expr)) {
      this.dependents.get(source)?.delete(key);
    }
  }

  /** Computes the cell and everything that depends on it. */
  private recalculate(start: string): void {
    const { order, cyclic } = this.evaluationOrder(start);
    for (const key of order) {
      const cell = this.cells.get(key);
      if (!cell?.expr) continue;
      cell.value = cyclic.has(key) ? new CellError("#CYCLE!") : single(this.evaluator.evaluate(cell.expr));
    }
    for (const listener of this.listeners) {
      listener(order);
    }
  }

  /** Depth-first search; sources come before the formulas that read them. */
  private evaluationOrder(start: string): { order: string[]; cyclic: Set<string> } {
    const order: string[] = [];
    const cyclic = new Set<string>();
    const done = new Set<string>();
    const path: string[] = [];

    const visit = (key: string) => {
      const at = path.indexOf(key);
      if (at >= 0) {
        path.slice(at).forEach((member) => cyclic.add(member));
        return;
      }
      if (done.has(key)) return;
      path.push(key);
      for (const dependent of this.dependents.get(key) ?? []) {
        visit(dependent);
      }
      path.pop();
      done.add(key);
      order.unshift(key);
    };

    visit(start);
    return { order, cyclic };
  }
}

/** Moves all relative addresses of a formula. */
export function moveExpr(expr: Expr, columns: number, rows: number): Expr {
  switch (expr.type) {
    case "literal":
      return expr;
    case "ref":
      return { type: "ref", ref: expr.ref.moved(columns, rows) };
    case "range":
      return { type: "range", range: expr.range.moved(columns, rows) };
    case "unary":
      return { ...expr, operand: moveExpr(expr.operand, columns, rows) };
    case "binary":
      return {
        ...expr,
        left: moveExpr(expr.left, columns, rows),
        right: moveExpr(expr.right, columns, rows),
      };
    case "call":
      return { ...expr, args: expr.args.map((arg) => moveExpr(arg, columns, rows)) };
  }
}

/** Reads tab-separated text, e.g. from the clipboard, into a sheet. */
export function pasteText(sheet: Sheet, topLeft: string, text: string): number {
  const origin = CellRef.parse(topLeft);
  let count = 0;
  text.split(/\r?\n/).forEach((line, row) => {
    line.split("\t").forEach((input, column) => {
      sheet.set(origin.moved(column, row).key, input);
      count++;
    });
  });
  return count;
}

/** The opposite of pasteText: the values of a rectangle as text. */
export function copyText(sheet: Sheet, range: RangeRef): string {
  const lines: string[] = [];
  let line: string[] = [];
  for (const ref of range.cells()) {
    line.push(toText(sheet.get(ref.key)));
    if (line.length === range.width) {
      lines.push(line.join("\t"));
      line = [];
    }
  }
  return lines.join("\n");
}
