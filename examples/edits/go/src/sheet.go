// Package sheet is a small spreadsheet: cells hold texts, numbers or formulas
// such as "=SUM(A1:B3) * 1.19". Formulas are parsed once and evaluated on
// demand; a cell that depends on itself shows an error instead of looping.
package sheet

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Limits of a sheet.
const (
	MaxColumns = 26 * 26
	MaxRows    = 9999
)

// ---------------------------------------------------------------------------
// References

// Ref is the position of one cell, counted from zero.
type Ref struct {
	Col, Row int
}

// ParseRef reads positions such as "A1" and "BC27".
func ParseRef(text string) (Ref, error) {
	i := 0
	col := 0
	for i < len(text) && text[i] >= 'A' && text[i] <= 'Z' {
		col = col*26 + int(text[i]-'A') + 1
		i++
	}
	row, err := strconv.Atoi(text[i:])
	if i == 0 || err != nil {
		return Ref{}, fmt.Errorf("bad cell position %q", text)
	}
	if col > MaxColumns || row < 1 || row > MaxRows {
		return Ref{}, fmt.Errorf("cell position %q is out of range", text)
	}
	return Ref{Col: col - 1, Row: row - 1}, nil
}

func (r Ref) String() string {
	return columnName(r.Col) + strconv.Itoa(r.Row+1)
}

func columnName(col int) string {
	name := ""
	for col >= 0 {
		name = string(rune('A'+col%26)) + name
		col = col/26 - 1
	}
	return name
}

// Range is a box of cells, corners included.
type Range struct {
	From, To Ref
}

// normalize swaps the corners so that From is the upper left one.
func (r Range) normalize() Range {
	if r.From.Col > r.To.Col {
		r.From.Col, r.To.Col = r.To.Col, r.From.Col
	}
	if r.From.Row > r.To.Row {
		r.From.Row, r.To.Row = r.To.Row, r.From.Row
	}
	return r
}

func (r Range) String() string {
	return r.From.String() + ":" + r.To.String()
}

// Contains reports whether a cell lies in the range.
func (r Range) Contains(ref Ref) bool {
	return ref.Col >= r.From.Col && ref.Col <= r.To.Col &&
		ref.Row >= r.From.Row && ref.Row <= r.To.Row
}

// Cells lists the positions row by row.
func (r Range) Cells() []Ref {
	var refs []Ref
	for row := r.From.Row; row <= r.To.Row; row++ {
		for col := r.From.Col; col <= r.To.Col; col++ {
			refs = append(refs, Ref{Col: col, Row: row})
		}
	}
	return refs
}

// ---------------------------------------------------------------------------
// Values

// Value is what a cell shows: nil, a float64, a string or a bool.
type Value any

// Errors that show up in cells.
var (
	ErrCycle  = errors.New("#CYCLE!")
	ErrDivide = errors.New("#DIV/0!")
	ErrType   = errors.New("#VALUE!")
	ErrName   = errors.New("#NAME?")
	ErrArgs   = errors.New("#ARGS!")
)

// toNumber converts a value for arithmetic. Empty cells count as zero.
func toNumber(v Value) (float64, error) {
	switch v := v.(type) {
	case nil:
		return 0, nil
	case float64:
		return v, nil
	case bool:
		if v {
			return 1, nil
		}
		return 0, nil
	default:
		return 0, ErrType
	}
}

func toText(v Value) string {
	switch v := v.(type) {
	case nil:
		return ""
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	case bool:
		if v {
			return "TRUE"
		}
		return "FALSE"
	case string:
		return v
	default:
		return fmt.Sprint(v)
	}
}

func toBool(v Value) (bool, error) {
	if b, ok := v.(bool); ok {
		return b, nil
	}
	n, err := toNumber(v)
	return n != 0, err
}

// ---------------------------------------------------------------------------
// Tokens

type tokenKind int

const (
	tokenEOF tokenKind = iota
	tokenNumber
	tokenString
	tokenRef
	tokenName
	tokenOperator
)

type token struct {
	kind tokenKind
	text string
	pos  int
}

func (t token) String() string {
	if t.kind == tokenEOF {
		return "end of formula"
	}
	return strconv.Quote(t.text)
}

// SyntaxError is a mistake in a formula.
type SyntaxError struct {
	Pos int
	Msg string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("position %d: %s", e.Pos+1, e.Msg)
}

type lexer struct {
	input string
	pos   int
}

func (l *lexer) peek() rune {
	if l.pos >= len(l.input) {
		return -1
	}
	r, _ := utf8.DecodeRuneInString(l.input[l.pos:])
	return r
}

// takeWhile moves over all runes that fit and returns them.
func (l *lexer) takeWhile(fits func(rune) bool) string {
	start := l.pos
	for r := l.peek(); r >= 0 && fits(r); r = l.peek() {
		l.pos += utf8.RuneLen(r)
	}
	return l.input[start:l.pos]
}

func (l *lexer) next() (token, error) {
	l.takeWhile(unicode.IsSpace)
	pos := l.pos
	r := l.peek()
	switch {
	case r < 0:
		return token{kind: tokenEOF, pos: pos}, nil
	case unicode.IsDigit(r) || r == '.':
		text := l.takeWhile(func(r rune) bool { return unicode.IsDigit(r) || r == '.' })
		return token{kind: tokenNumber, text: text, pos: pos}, nil
	case r == '"':
		return l.quoted()
	case unicode.IsLetter(r):
		return l.word(), nil
	}
	for _, op := range []string{"<=", ">=", "<>"} {
		if strings.HasPrefix(l.input[pos:], op) {
			l.pos += len(op)
			return token{kind: tokenOperator, text: op, pos: pos}, nil
		}
	}
	if strings.ContainsRune("+-*/^&=<>(),:", r) {
		l.pos++
		return token{kind: tokenOperator, text: string(r), pos: pos}, nil
	}
	return token{}, &SyntaxError{Pos: pos, Msg: fmt.Sprintf("unexpected %q", r)}
}

// quoted reads a text in quotes; two quotes stand for one.
func (l *lexer) quoted() (token, error) {
	pos := l.pos
	var text strings.Builder
	l.pos++
	for {
		part := l.takeWhile(func(r rune) bool { return r != '"' })
		text.WriteString(part)
		if l.peek() < 0 {
			return token{}, &SyntaxError{Pos: pos, Msg: "text without closing quote"}
		}
		l.pos++
		if l.peek() != '"' {
			return token{kind: tokenString, text: text.String(), pos: pos}, nil
		}
		text.WriteByte('"')
		l.pos++
	}
}

// word reads a cell position or a name.
func (l *lexer) word() token {
	pos := l.pos
	text := l.takeWhile(func(r rune) bool {
		return unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_'
	})
	upper := strings.ToUpper(text)
	if _, err := ParseRef(upper); err == nil {
		return token{kind: tokenRef, text: upper, pos: pos}
	}
	return token{kind: tokenName, text: upper, pos: pos}
}

func tokenize(input string) ([]token, error) {
	l := &lexer{input: input}
	var tokens []token
	for {
		t, err := l.next()
		if err != nil {
			return nil, err
		}
		tokens = append(tokens, t)
		if t.kind == tokenEOF {
			return tokens, nil
		}
	}
}

// ---------------------------------------------------------------------------
// Syntax tree

// scope is what an expression may ask for while it is evaluated.
type scope interface {
	cell(ref Ref) (Value, error)
	cells(r Range) ([]Value, error)
}

type expr interface {
	eval(s scope) (Value, error)
	// refs calls visit for every range the expression reads.
	refs(visit func(Range))
}

type literal struct {
	value Value
}

func (e literal) eval(scope) (Value, error) { return e.value, nil }

func (e literal) refs(func(Range)) {}

type cellExpr struct {
	ref Ref
}

func (e cellExpr) eval(s scope) (Value, error) {
	return s.cell(e.ref)
}

func (e cellExpr) refs(visit func(Range)) {
	visit(Range{From: e.ref, To: e.ref})
}

// rangeExpr only makes sense as an argument of a function.
type rangeExpr struct {
	cells Range
}

func (e rangeExpr) eval(scope) (Value, error) {
	return nil, ErrType
}

func (e rangeExpr) refs(visit func(Range)) {
	visit(e.cells)
}

type negation struct {
	inner expr
}

func (e negation) eval(s scope) (Value, error) {
	v, err := e.inner.eval(s)
	if err != nil {
		return nil, err
	}
	n, err := toNumber(v)
	if err != nil {
		return nil, err
	}
	return -n, nil
}

func (e negation) refs(visit func(Range)) {
	e.inner.refs(visit)
}

type binary struct {
	op          string
	left, right expr
}

func (e binary) eval(s scope) (Value, error) {
	left, err := e.left.eval(s)
	if err != nil {
		return nil, err
	}
	right, err := e.right.eval(s)
	if err != nil {
		return nil, err
	}
	switch e.op {
	case "&":
		return toText(left) + toText(right), nil
	case "=", "<>", "<", "<=", ">", ">=":
		return compare(e.op, left, right)
	default:
		return arithmetic(e.op, left, right)
	}
}

func (e binary) refs(visit func(Range)) {
	e.left.refs(visit)
	e.right.refs(visit)
}

func arithmetic(op string, left, right Value) (Value, error) {
	a, err := toNumber(left)
	if err != nil {
		return nil, err
	}
	b, err := toNumber(right)
	if err != nil {
		return nil, err
	}
	switch op {
	case "+":
		return a + b, nil
	case "-":
		return a - b, nil
	case "*":
		return a * b, nil
	case "/":
		if b == 0 {
			return nil, ErrDivide
		}
		return a / b, nil
	case "^":
		return math.Pow(a, b), nil
	}
	return nil, fmt.Errorf("unknown operator %s", op)
}

// compare works on two numbers or on two texts; texts ignore case.
func compare(op string, left, right Value) (Value, error) {
	var order int
	leftText, leftIsText := left.(string)
	rightText, rightIsText := right.(string)
	if leftIsText && rightIsText {
		order = strings.Compare(strings.ToLower(leftText), strings.ToLower(rightText))
	} else {
		a, err := toNumber(left)
		if err != nil {
			return nil, err
		}
		b, err := toNumber(right)
		if err != nil {
			return nil, err
		}
		switch {
		case a < b:
			order = -1
		case a > b:
			order = 1
		}
	}
	switch op {
	case "=":
		return order == 0, nil
	case "<>":
		return order != 0, nil
	case "<":
		return order < 0, nil
	case "<=":
		return order <= 0, nil
	case ">":
		return order > 0, nil
	default:
		return order >= 0, nil
	}
}

type call struct {
	name string
	args []expr
}

func (e call) eval(s scope) (Value, error) {
	if e.name == "IF" {
		return e.evalIf(s)
	}
	f, ok := functions[e.name]
	if !ok {
		return nil, ErrName
	}
	var values []Value
	for _, arg := range e.args {
		if r, ok := arg.(rangeExpr); ok {
			cells, err := s.cells(r.cells)
			if err != nil {
				return nil, err
			}
			values = append(values, cells...)
			continue
		}
		v, err := arg.eval(s)
		if err != nil {
			return nil, err
		}
		values = append(values, v)
	}
	return f(values)
}

// evalIf evaluates only the branch that is taken.
func (e call) evalIf(s scope) (Value, error) {
	if len(e.args) != 3 {
		return nil, ErrArgs
	}
	v, err := e.args[0].eval(s)
	if err != nil {
		return nil, err
	}
	yes, err := toBool(v)
	if err != nil {
		return nil, err
	}
	if yes {
		return e.args[1].eval(s)
	}
	return e.args[2].eval(s)
}

func (e call) refs(visit func(Range)) {
	for _, arg := range e.args {
		arg.refs(visit)
	}
}

// ---------------------------------------------------------------------------
// Parser

type parser struct {
	tokens []token
	pos    int
}

// parseFormula reads a formula without its equals sign.
func parseFormula(input string) (expr, error) {
	tokens, err := tokenize(input)
	if err != nil {
		return nil, err
	}
	p := &parser{tokens: tokens}
	e, err := p.expression(0)
	if err != nil {
		return nil, err
	}
	if t := p.peek(); t.kind != tokenEOF {
		return nil, p.unexpected(t)
	}
	return e, nil
}

func (p *parser) peek() token {
	return p.tokens[p.pos]
}

func (p *parser) next() token {
	t := p.tokens[p.pos]
	if t.kind != tokenEOF {
		p.pos++
	}
	return t
}

// accept moves on if the next token is the given operator.
func (p *parser) accept(op string) bool {
	t := p.peek()
	if t.kind != tokenOperator || t.text != op {
		return false
	}
	p.pos++
	return true
}

func (p *parser) expect(op string) error {
	if !p.accept(op) {
		t := p.peek()
		return &SyntaxError{Pos: t.pos, Msg: fmt.Sprintf("expected %q, found %v", op, t)}
	}
	return nil
}

func (p *parser) unexpected(t token) error {
	return &SyntaxError{Pos: t.pos, Msg: "unexpected " + t.String()}
}

// precedence of the binary operators; higher binds tighter.
var precedence = map[string]int{
	"=": 1, "<>": 1, "<": 1, "<=": 1, ">": 1, ">=": 1,
	"&": 2,
	"+": 3, "-": 3,
	"*": 4, "/": 4,
	"^": 5,
}

func (p *parser) expression(floor int) (expr, error) {
	left, err := p.unary()
	if err != nil {
		return nil, err
	}
	for {
		t := p.peek()
		level, ok := precedence[t.text]
		if t.kind != tokenOperator || !ok || level <= floor {
			return left, nil
		}
		p.next()
		right, err := p.expression(level)
		if err != nil {
			return nil, err
		}
		left = binary{op: t.text, left: left, right: right}
	}
}

func (p *parser) unary() (expr, error) {
	if p.accept("-") {
		inner, err := p.unary()
		if err != nil {
			return nil, err
		}
		return negation{inner: inner}, nil
	}
	return p.primary()
}

func (p *parser) primary() (expr, error) {
	t := p.next()
	switch t.kind {
	case tokenNumber:
		n, err := strconv.ParseFloat(t.text, 64)
		if err != nil {
			return nil, &SyntaxError{Pos: t.pos, Msg: "bad number " + t.text}
		}
		return literal{value: n}, nil
	case tokenString:
		return literal{value: t.text}, nil
	case tokenRef:
		return p.reference(t)
	case tokenName:
		return p.named(t)
	}
	if t.text == "(" {
		inner, err := p.expression(0)
		if err != nil {
			return nil, err
		}
		return inner, p.expect(")")
	}
	return nil, p.unexpected(t)
}

func (p *parser) reference(t token) (expr, error) {
	from, err := ParseRef(t.text)
	if err != nil {
		return nil, &SyntaxError{Pos: t.pos, Msg: err.Error()}
	}
	if !p.accept(":") {
		return cellExpr{ref: from}, nil
	}
	t = p.next()
	if t.kind != tokenRef {
		return nil, p.unexpected(t)
	}
	to, err := ParseRef(t.text)
	if err != nil {
		return nil, &SyntaxError{Pos: t.pos, Msg: err.Error()}
	}
	return rangeExpr{cells: Range{From: from, To: to}.normalize()}, nil
}

// named is a truth value or the call of a function.
func (p *parser) named(t token) (expr, error) {
	switch t.text {
	case "TRUE":
		return literal{value: true}, nil
	case "FALSE":
		return literal{value: false}, nil
	}
	if err := p.expect("("); err != nil {
		return nil, err
	}
	c := call{name: t.text}
	if p.accept(")") {
		return c, nil
	}
	for {
		arg, err := p.expression(0)
		if err != nil {
			return nil, err
		}
		c.args = append(c.args, arg)
		if !p.accept(",") {
			return c, p.expect(")")
		}
	}
}

// ---------------------------------------------------------------------------
// Functions

// function gets its values with all ranges already spread out.
type function func(values []Value) (Value, error)

var functions = map[string]function{
	"SUM":     sum,
	"COUNT":   count,
	"AVERAGE": average,
	"MIN":     extreme(func(a, b float64) bool { return a < b }),
	"MAX":     extreme(func(a, b float64) bool { return a > b }),
	"ROUND":   round,
	"LEN":     length,
	"CONCAT":  concat,
}

// numbers leaves out everything that is not a number.
func numbers(values []Value) []float64 {
	var found []float64
	for _, v := range values {
		if n, ok := v.(float64); ok {
			found = append(found, n)
		}
	}
	return found
}

func sum(values []Value) (Value, error) {
	total := 0.0
	for _, n := range numbers(values) {
		total += n
	}
	return total, nil
}

func count(values []Value) (Value, error) {
	return float64(len(numbers(values))), nil
}

func average(values []Value) (Value, error) {
	found := numbers(values)
	if len(found) == 0 {
		return nil, ErrDivide
	}
	total := 0.0
	for _, n := range found {
		total += n
	}
	return total / float64(len(found)), nil
}

// extreme builds MIN and MAX.
func extreme(better func(a, b float64) bool) function {
	return func(values []Value) (Value, error) {
		best := 0.0
		for i, n := range numbers(values) {
			if i == 0 || better(n, best) {
				best = n
			}
		}
		return best, nil
	}
}

func round(values []Value) (Value, error) {
	if len(values) == 0 || len(values) > 2 {
		return nil, ErrArgs
	}
	n, err := toNumber(values[0])
	if err != nil {
		return nil, err
	}
	digits := 0.0
	if len(values) == 2 {
		if digits, err = toNumber(values[1]); err != nil {
			return nil, err
		}
	}
	scale := math.Pow(10, digits)
	return math.Round(n*scale) / scale, nil
}

func length(values []Value) (Value, error) {
	if len(values) != 1 {
		return nil, ErrArgs
	}
	return float64(len(toText(values[0]))), nil
}

func concat(values []Value) (Value, error) {
	var out strings.Builder
	for _, v := range values {
		out.WriteString(toText(v))
	}
	return out.String(), nil
}

// ---------------------------------------------------------------------------
// Sheet

type cell struct {
	input   string
	formula expr // nil for constants
	value   Value
	err     error
	state   cellState
}

type cellState int

const (
	stale cellState = iota
	busy
	fresh
)

// Sheet is not safe for concurrent use.
type Sheet struct {
	grid  map[Ref]*cell
	evals int
}

// New returns an empty sheet.
func New() *Sheet {
	return &Sheet{grid: make(map[Ref]*cell)}
}

// Set changes the input of a cell. An empty input clears it.
func (s *Sheet) Set(at, input string) error {
	ref, err := ParseRef(at)
	if err != nil {
		return err
	}
	if input == "" {
		delete(s.grid, ref)
		s.invalidate()
		return nil
	}
	c := &cell{input: input}
	if formula, ok := strings.CutPrefix(input, "="); ok {
		c.formula, err = parseFormula(formula)
		if err != nil {
			return fmt.Errorf("%v: %w", ref, err)
		}
	} else {
		c.value = constant(input)
	}
	s.grid[ref] = c
	s.invalidate()
	return nil
}

// constant guesses the type of an input without equals sign.
func constant(input string) Value {
	if n, err := strconv.ParseFloat(input, 64); err == nil {
		return n
	}
	switch strings.ToUpper(input) {
	case "TRUE":
		return true
	case "FALSE":
		return false
	}
	return input
}

// invalidate forgets all results.
func (s *Sheet) invalidate() {
	for _, c := range s.grid {
		if c.formula != nil {
			c.state = stale
		}
	}
}

// Get returns the value of a cell.
func (s *Sheet) Get(at string) (Value, error) {
	ref, err := ParseRef(at)
	if err != nil {
		return nil, err
	}
	return s.cell(ref)
}

// cell implements scope.
func (s *Sheet) cell(ref Ref) (Value, error) {
	c, ok := s.grid[ref]
	if !ok {
		return nil, nil
	}
	if c.formula == nil {
		return c.value, nil
	}
	switch c.state {
	case busy:
		return nil, ErrCycle
	case stale:
		c.state = busy
		s.evals++
		c.value, c.err = c.formula.eval(s)
		c.state = fresh
	}
	return c.value, c.err
}

// cells implements scope.
func (s *Sheet) cells(r Range) ([]Value, error) {
	var values []Value
	for _, ref := range r.Cells() {
		v, err := s.cell(ref)
		if err != nil {
			return nil, err
		}
		values = append(values, v)
	}
	return values, nil
}

// Dependents lists the cells whose formulas read the given cell.
func (s *Sheet) Dependents(at string) ([]Ref, error) {
	target, err := ParseRef(at)
	if err != nil {
		return nil, err
	}
	found := make(map[Ref]bool)
	for ref, c := range s.grid {
		if c.formula == nil {
			continue
		}
		c.formula.refs(func(r Range) {
			if r.Contains(target) {
				found[ref] = true
			}
		})
	}
	return slices.SortedFunc(maps.Keys(found), compareRefs), nil
}

func compareRefs(a, b Ref) int {
	if a.Row != b.Row {
		return a.Row - b.Row
	}
	return a.Col - b.Col
}

// Bounds is the smallest range with all cells in it.
func (s *Sheet) Bounds() (Range, bool) {
	var bounds Range
	first := true
	for ref := range s.grid {
		if first {
			bounds = Range{From: ref, To: ref}
			first = false
			continue
		}
		bounds.From.Col = min(bounds.From.Col, ref.Col)
		bounds.From.Row = min(bounds.From.Row, ref.Row)
		bounds.To.Col = max(bounds.To.Col, ref.Col)
		bounds.To.Row = max(bounds.To.Row, ref.Row)
	}
	return bounds, !first
}

// Text is what a cell shows on the screen.
func (s *Sheet) Text(ref Ref) string {
	v, err := s.cell(ref)
	if err != nil {
		return err.Error()
	}
	return toText(v)
}

// Width is the number of runes that a column needs on the screen.
func (s *Sheet) Width(col int) int {
	width := utf8.RuneCountInString(columnName(col))
	for ref := range s.grid {
		if ref.Col == col {
			width = max(width, utf8.RuneCountInString(s.Text(ref)))
		}
	}
	return width
}

// Find returns the first cell, in reading order, that shows the text.
func (s *Sheet) Find(text string) (Ref, bool) {
	for _, ref := range slices.SortedFunc(maps.Keys(s.grid), compareRefs) {
		if strings.Contains(s.Text(ref), text) {
			return ref, true
		}
	}
	return Ref{}, false
}

// WriteTSV writes all cells with tabs between them.
func (s *Sheet) WriteTSV(w io.Writer) error {
	bounds, ok := s.Bounds()
	if !ok {
		return nil
	}
	for row := 0; row <= bounds.To.Row; row++ {
		texts := make([]string, bounds.To.Col+1)
		for col := range texts {
			text := s.Text(Ref{Col: col, Row: row})
			texts[col] = strings.NewReplacer("\t", " ", "\n", " ").Replace(text)
		}
		if _, err := fmt.Fprintln(w, strings.Join(texts, "\t")); err != nil {
			return err
		}
	}
	return nil
}

// ReadTSV puts the fields of a table into a sheet, from A1 on.
func ReadTSV(text string) (*Sheet, error) {
	s := New()
	for row, line := range strings.Split(strings.TrimRight(text, "\n"), "\n") {
		for col, field := range strings.Split(line, "\t") {
			ref := Ref{Col: col, Row: row}
			if err := s.Set(ref.String(), field); err != nil {
				return nil, err
			}
		}
	}
	return s, nil
}
