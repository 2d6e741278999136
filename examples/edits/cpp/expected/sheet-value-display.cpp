/*
 * spreadsheet.cpp - the core of a small spreadsheet.
 *
 * A sheet is a grid of cells. A cell holds a text, a number or a formula.
 * Formulas begin with '=' and may use + - * / ^, comparisons, cell names
 * (B7), ranges (A1:C3) and functions. Values are computed when they are
 * asked for and kept until a cell changes that they depend on.
 *
 * The parts of this file, from the bottom up:
 *   - names of cells and ranges
 *   - values
 *   - the lexer and the parser for formulas
 *   - the tree of a formula and its evaluation
 *   - the sheet itself, undo, and CSV
 */
#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <istream>
#include <map>
#include <memory>
#include <numeric>
#include <ostream>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace sheet {

// ---------------------------------------------------------------------------
// Names of cells
// ---------------------------------------------------------------------------

struct CellRef {
    int column = 0; // 0 is A
    int row = 0;    // 0 is the row that is shown as 1

    bool operator<(const CellRef& other) const
    {
        return row != other.row ? row < other.row : column < other.column;
    }

    bool operator==(const CellRef& other) const
    {
        return row == other.row && column == other.column;
    }
};

struct Range {
    CellRef first;
    CellRef last;

    bool contains(const CellRef& ref) const
    {
        return ref.column >= first.column && ref.column <= last.column &&
               ref.row >= first.row && ref.row <= last.row;
    }

    std::size_t size() const
    {
        return static_cast<std::size_t>(last.column - first.column + 1) *
               static_cast<std::size_t>(last.row - first.row + 1);
    }
};

/// "A", "Z", "AA", ... for 0, 25, 26, ...
std::string column_name(int column)
{
    std::string name;
    for (++column; column > 0; column = (column - 1) / 26)
        name.insert(name.begin(), static_cast<char>('A' + (column - 1) % 26));
    return name;
}

std::string to_text(const CellRef& ref)
{
    return column_name(ref.column) + std::to_string(ref.row + 1);
}

std::string to_text(const Range& range)
{
    return to_text(range.first) + ":" + to_text(range.last);
}

/// Reads "B7"; false when the text is not the name of a cell.
bool parse_ref(const std::string& text, CellRef& out)
{
    std::size_t i = 0;
    int column = 0;
    while (i < text.size() && std::isalpha(static_cast<unsigned char>(text[i]))) {
        column = column * 26 + (std::toupper(static_cast<unsigned char>(text[i])) - 'A' + 1);
        ++i;
    }
    if (i == 0 || i > 2 || i == text.size())
        return false;
    int row = 0;
    for (; i < text.size(); ++i) {
        if (!std::isdigit(static_cast<unsigned char>(text[i])))
            return false;
        row = row * 10 + (text[i] - '0');
    }
    out.column = column - 1;
    out.row = row - 1;
    return row > 0;
}

// ---------------------------------------------------------------------------
// Values
// ---------------------------------------------------------------------------

enum class ErrorCode {
    None,
    Syntax,
    Reference,
    Division,
    Type,
    Loop
};

const char* error_text(ErrorCode code)
{
    switch (code) {
    case ErrorCode::None:
        return "";
    case ErrorCode::Syntax:
        return "#SYNTAX";
    case ErrorCode::Reference:
        return "#REF";
    case ErrorCode::Division:
        return "#DIV/0";
    case ErrorCode::Type:
        return "#TYPE";
    case ErrorCode::Loop:
        return "#LOOP";
    }
    return "#?";
}

/// What a cell shows: nothing, a number, a text, or an error.
class Value {
public:
    enum class Kind { Empty, Number, Text, Error };

    Value() = default;

    static Value number(double number)
    {
        Value value;
        value.kind_ = Kind::Number;
        value.number_ = number;
        return value;
    }

    static Value text(std::string text)
    {
        Value value;
        value.kind_ = Kind::Text;
        value.text_ = std::move(text);
        return value;
    }

    static Value error(ErrorCode code)
    {
        Value value;
        value.kind_ = Kind::Error;
        value.error_ = code;
        return value;
    }

    Kind kind() const { return kind_; }
    bool is_error() const { return kind_ == Kind::Error; }
    bool is_number() const { return kind_ == Kind::Number; }
    ErrorCode error_code() const { return error_; }

    /// The number of the value; an empty cell counts as 0.
    double as_number() const
    {
        return kind_ == Kind::Number ? number_ : 0.0;
    }

    std::string display() const
    {
        switch (kind_) {
        case Kind::Empty:
            return "";
        case Kind::Text:
            return text_;
        case Kind::Error:
            return error_text(error_);
        case Kind::Number:
            break;
        }
        if (std::isnan(number_))
            return error_text(ErrorCode::Type);
        char buffer[40];
        std::snprintf(buffer, sizeof buffer, "%.10g", number_);
        return buffer;
    }

private:
    Kind kind_ = Kind::Empty;
    double number_ = 0.0;
    std::string text_;
    ErrorCode error_ = ErrorCode::None;
};

// ---------------------------------------------------------------------------
// The lexer
// ---------------------------------------------------------------------------

class FormulaError : public std::runtime_error {
public:
    explicit FormulaError(const std::string& what) : std::runtime_error(what) {}
};

enum class Tok { Number, Text, Name, Symbol, End };

struct Token {
    Tok kind = Tok::End;
    std::string text;
    double number = 0.0;
};

class Lexer {
public:
    explicit Lexer(std::string input) : input_(std::move(input)) { advance(); }

    const Token& current() const { return current_; }

    void advance()
    {
        while (pos_ < input_.size() && input_[pos_] == ' ')
            ++pos_;
        if (pos_ == input_.size()) {
            current_ = Token{};
            return;
        }
        char c = input_[pos_];
        if (std::isdigit(static_cast<unsigned char>(c)) || c == '.')
            read_number();
        else if (std::isalpha(static_cast<unsigned char>(c)))
            read_name();
        else if (c == '"')
            read_text();
        else
            read_symbol();
    }

    bool at(const std::string& symbol) const
    {
        return current_.kind == Tok::Symbol && current_.text == symbol;
    }

    bool accept(const std::string& symbol)
    {
        if (!at(symbol))
            return false;
        advance();
        return true;
    }

    void expect(const std::string& symbol)
    {
        if (!accept(symbol))
            throw FormulaError("expected " + symbol);
    }

private:
    void read_number()
    {
        const char* start = input_.c_str() + pos_;
        char* end = nullptr;
        current_.kind = Tok::Number;
        current_.number = std::strtod(start, &end);
        if (end == start)
            throw FormulaError("bad number");
        pos_ += static_cast<std::size_t>(end - start);
    }

    void read_name()
    {
        current_.kind = Tok::Name;
        current_.text.clear();
        while (pos_ < input_.size() && std::isalnum(static_cast<unsigned char>(input_[pos_])))
            current_.text.push_back(input_[pos_++]);
    }

    void read_text()
    {
        current_.kind = Tok::Text;
        current_.text.clear();
        ++pos_;
        while (pos_ < input_.size() && input_[pos_] != '"')
            current_.text.push_back(input_[pos_++]);
        if (pos_ == input_.size())
            throw FormulaError("text without end");
        ++pos_;
    }

    void read_symbol()
    {
        static const char* const doubles[] = {"<=", ">=", "<>"};
        current_.kind = Tok::Symbol;
        for (const char* symbol : doubles) {
            if (input_.compare(pos_, 2, symbol) == 0) {
                current_.text = symbol;
                pos_ += 2;
                return;
            }
        }
        current_.text = input_.substr(pos_++, 1);
    }

    std::string input_;
    std::size_t pos_ = 0;
    Token current_;
};

// ---------------------------------------------------------------------------
// The tree of a formula
// ---------------------------------------------------------------------------

/// Gives a node the values of other cells while it is evaluated.
class Context {
public:
    virtual ~Context() = default;
    virtual Value value_of(const CellRef& ref) = 0;
};

class Node {
public:
    virtual ~Node() = default;
    virtual Value eval(Context& context) const = 0;
    virtual void collect(std::set<CellRef>& refs) const = 0;
};

using NodePtr = std::unique_ptr<Node>;

class ConstantNode : public Node {
public:
    explicit ConstantNode(Value value) : value_(std::move(value)) {}

    Value eval(Context&) const override { return value_; }
    void collect(std::set<CellRef>&) const override {}

private:
    Value value_;
};

class RefNode : public Node {
public:
    explicit RefNode(CellRef ref) : ref_(ref) {}

    Value eval(Context& context) const override
    {
        return context.value_of(ref_);
    }

    void collect(std::set<CellRef>& refs) const override
    {
        refs.insert(ref_);
    }

private:
    CellRef ref_;
};

class NegateNode : public Node {
public:
    explicit NegateNode(NodePtr inner) : inner_(std::move(inner)) {}

    Value eval(Context& context) const override
    {
        Value value = inner_->eval(context);
        if (value.is_error())
            return value;
        return Value::number(-value.as_number());
    }

    void collect(std::set<CellRef>& refs) const override
    {
        inner_->collect(refs);
    }

private:
    NodePtr inner_;
};

class BinaryNode : public Node {
public:
    BinaryNode(std::string op, NodePtr left, NodePtr right)
        : op_(std::move(op)), left_(std::move(left)), right_(std::move(right))
    {
    }

    Value eval(Context& context) const override
    {
        Value left = left_->eval(context);
        if (left.is_error())
            return left;
        Value right = right_->eval(context);
        if (right.is_error())
            return right;
        return compute(left.as_number(), right.as_number());
    }

    void collect(std::set<CellRef>& refs) const override
    {
        left_->collect(refs);
        right_->collect(refs);
    }

private:
    Value compute(double a, double b) const
    {
        if (op_ == "+")
            return Value::number(a + b);
        if (op_ == "-")
            return Value::number(a - b);
        if (op_ == "*")
            return Value::number(a * b);
        if (op_ == "/")
            return b == 0 ? Value::error(ErrorCode::Division) : Value::number(a / b);
        if (op_ == "^")
            return Value::number(std::pow(a, b));
        if (op_ == "=")
            return Value::number(a == b);
        if (op_ == "<>")
            return Value::number(a != b);
        if (op_ == "<")
            return Value::number(a < b);
        if (op_ == "<=")
            return Value::number(a <= b);
        if (op_ == ">")
            return Value::number(a > b);
        return Value::number(a >= b);
    }

    std::string op_;
    NodePtr left_;
    NodePtr right_;
};

/// A call such as SUM(A1:A9). Ranges are only allowed here.
class CallNode : public Node {
public:
    explicit CallNode(std::string name) : name_(std::move(name)) {}

    void add_argument(NodePtr node) { arguments_.push_back(std::move(node)); }
    void add_range(Range range) { ranges_.push_back(range); }

    Value eval(Context& context) const override
    {
        if (name_ == "IF")
            return eval_if(context);
        std::vector<double> numbers;
        for (const NodePtr& argument : arguments_) {
            Value value = argument->eval(context);
            if (value.is_error())
                return value;
            numbers.push_back(value.as_number());
        }
        for (const Range& range : ranges_) {
            for (int row = range.first.row; row <= range.last.row; ++row) {
                for (int column = range.first.column; column <= range.last.column; ++column) {
                    Value value = context.value_of(CellRef{column, row});
                    if (value.is_error())
                        return value;
                    if (value.is_number())
                        numbers.push_back(value.as_number());
                }
            }
        }
        return reduce(numbers);
    }

    void collect(std::set<CellRef>& refs) const override
    {
        for (const NodePtr& argument : arguments_)
            argument->collect(refs);
        for (const Range& range : ranges_) {
            for (int row = range.first.row; row <= range.last.row; ++row)
                for (int column = range.first.column; column <= range.last.column; ++column)
                    refs.insert(CellRef{column, row});
        }
    }

private:
    /// Only the branch that is chosen is evaluated.
    Value eval_if(Context& context) const
    {
        if (arguments_.size() != 3)
            return Value::error(ErrorCode::Syntax);
        Value condition = arguments_[0]->eval(context);
        if (condition.is_error())
            return condition;
        return arguments_[condition.as_number() != 0 ? 1 : 2]->eval(context);
    }

    Value reduce(const std::vector<double>& numbers) const
    {
        double sum = std::accumulate(numbers.begin(), numbers.end(), 0.0);
        if (name_ == "SUM")
            return Value::number(sum);
        if (name_ == "COUNT")
            return Value::number(static_cast<double>(numbers.size()));
        if (numbers.empty())
            return Value::error(ErrorCode::Type);
        if (name_ == "AVG")
            return Value::number(sum / static_cast<double>(numbers.size()));
        if (name_ == "MIN")
            return Value::number(*std::min_element(numbers.begin(), numbers.end()));
        if (name_ == "MAX")
            return Value::number(*std::max_element(numbers.begin(), numbers.end()));
        if (name_ == "ABS")
            return Value::number(std::fabs(numbers.front()));
        return Value::error(ErrorCode::Syntax);
    }

    std::string name_;
    std::vector<NodePtr> arguments_;
    std::vector<Range> ranges_;
};

// ---------------------------------------------------------------------------
// The parser
// ---------------------------------------------------------------------------

class Parser {
public:
    explicit Parser(const std::string& input) : lexer_(input) {}

    NodePtr parse()
    {
        NodePtr node = comparison();
        if (lexer_.current().kind != Tok::End)
            throw FormulaError("text after the formula");
        return node;
    }

private:
    NodePtr comparison()
    {
        static const char* const operators[] = {"=", "<>", "<", "<=", ">", ">="};
        NodePtr left = sum();
        for (const char* op : operators) {
            if (lexer_.accept(op))
                return std::make_unique<BinaryNode>(op, std::move(left), sum());
        }
        return left;
    }

    NodePtr sum()
    {
        NodePtr left = product();
        while (lexer_.at("+") || lexer_.at("-")) {
            std::string op = lexer_.current().text;
            lexer_.advance();
            left = std::make_unique<BinaryNode>(op, std::move(left), product());
        }
        return left;
    }

    NodePtr product()
    {
        NodePtr left = power();
        while (lexer_.at("*") || lexer_.at("/")) {
            std::string op = lexer_.current().text;
            lexer_.advance();
            left = std::make_unique<BinaryNode>(op, std::move(left), power());
        }
        return left;
    }

    NodePtr power()
    {
        NodePtr base = unary();
        if (lexer_.accept("^"))
            return std::make_unique<BinaryNode>("^", std::move(base), power());
        return base;
    }

    NodePtr unary()
    {
        if (lexer_.accept("-"))
            return std::make_unique<NegateNode>(unary());
        return primary();
    }

    NodePtr primary()
    {
        Token token = lexer_.current();
        switch (token.kind) {
        case Tok::Number:
            lexer_.advance();
            return std::make_unique<ConstantNode>(Value::number(token.number));
        case Tok::Text:
            lexer_.advance();
            return std::make_unique<ConstantNode>(Value::text(token.text));
        case Tok::Name:
            lexer_.advance();
            return lexer_.at("(") ? call(token.text) : reference(token.text);
        case Tok::Symbol:
        case Tok::End:
            break;
        }
        lexer_.expect("(");
        NodePtr inner = comparison();
        lexer_.expect(")");
        return inner;
    }

    NodePtr reference(const std::string& name)
    {
        CellRef ref;
        if (!parse_ref(name, ref))
            throw FormulaError("unknown name " + name);
        return std::make_unique<RefNode>(ref);
    }

    NodePtr call(const std::string& name)
    {
        auto node = std::make_unique<CallNode>(upper(name));
        lexer_.expect("(");
        if (lexer_.accept(")"))
            return node;
        do {
            argument(*node);
        } while (lexer_.accept(","));
        lexer_.expect(")");
        return node;
    }

    /// An argument is a range when a cell name is followed by a colon.
    void argument(CallNode& node)
    {
        Lexer saved = lexer_;
        CellRef first;
        if (lexer_.current().kind == Tok::Name && parse_ref(lexer_.current().text, first)) {
            lexer_.advance();
            if (lexer_.accept(":")) {
                CellRef last;
                if (!parse_ref(lexer_.current().text, last))
                    throw FormulaError("bad range");
                lexer_.advance();
                node.add_range(Range{first, last});
                return;
            }
        }
        lexer_ = std::move(saved);
        node.add_argument(comparison());
    }

    static std::string upper(std::string text)
    {
        for (char& c : text)
            c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
        return text;
    }

    Lexer lexer_;
};

// ---------------------------------------------------------------------------
// The sheet
// ---------------------------------------------------------------------------

/// One cell: the text that was typed in, and what was made from it.
struct Cell {
    std::string input;
    NodePtr formula;
    Value cached;
    bool valid = false;
    bool busy = false;
};

class Sheet : private Context {
public:
    void set(const CellRef& ref, const std::string& input);
    void clear(const CellRef& ref);
    std::string input(const CellRef& ref) const;
    Value value(const CellRef& ref);
    Range used_range() const;
    std::size_t cell_count() const { return cells_.size(); }

    bool undo();

    void read_csv(std::istream& in);
    void write_csv(std::ostream& out);

private:
    struct Change {
        CellRef ref;
        std::string before;
    };

    Value value_of(const CellRef& ref) override;
    void store(const CellRef& ref, const std::string& input);
    void invalidate(const CellRef& ref);
    static Value literal(const std::string& input);

    std::map<CellRef, Cell> cells_;
    std::map<CellRef, std::set<CellRef>> users_;
    std::vector<Change> changes_;
};

void Sheet::set(const CellRef& ref, const std::string& input)
{
    changes_.push_back(Change{ref, this->input(ref)});
    store(ref, input);
}

void Sheet::clear(const CellRef& ref)
{
    set(ref, "");
}

std::string Sheet::input(const CellRef& ref) const
{
    auto found = cells_.find(ref);
    return found == cells_.end() ? "" : found->second.input;
}

// A text that is a number from its start to its end is a number.
Value Sheet::literal(const std::string& input)
{
    char* end = nullptr;
    double number = std::strtod(input.c_str(), &end);
    if (!input.empty() && *end == '\0')
        return Value::number(number);
    return Value::text(input);
}

// Puts the text into the cell and forgets all values that depend on it.
void Sheet::store(const CellRef& ref, const std::string& input)
{
    for (auto& entry : users_)
        entry.second.erase(ref);
    invalidate(ref);
    if (input.empty()) {
        cells_.erase(ref);
        return;
    }
    Cell& cell = cells_[ref];
    cell.input = input;
    cell.formula.reset();
    cell.valid = false;
    if (input[0] != '=') {
        cell.cached = literal(input);
        cell.valid = true;
        return;
    }
    try {
        cell.formula = Parser(input.substr(1)).parse();
        std::set<CellRef> refs;
        cell.formula->collect(refs);
        for (const CellRef& needed : refs)
            users_[needed].insert(ref);
    } catch (const FormulaError&) {
        cell.cached = Value::error(ErrorCode::Syntax);
        cell.valid = true;
    }
}

void Sheet::invalidate(const CellRef& ref)
{
    auto found = users_.find(ref);
    if (found == users_.end())
        return;
    for (const CellRef& user : found->second) {
        Cell& cell = cells_[user];
        if (!cell.valid)
            continue;
        cell.valid = false;
        invalidate(user);
    }
}

Value Sheet::value(const CellRef& ref)
{
    return value_of(ref);
}

// A cell that is asked for while it is being computed depends on itself.
Value Sheet::value_of(const CellRef& ref)
{
    auto found = cells_.find(ref);
    if (found == cells_.end())
        return Value();
    Cell& cell = found->second;
    if (cell.valid)
        return cell.cached;
    if (cell.busy)
        return Value::error(ErrorCode::Loop);
    cell.busy = true;
    cell.cached = cell.formula->eval(*this);
    cell.busy = false;
    cell.valid = true;
    return cell.cached;
}

// The smallest range from A1 on that holds all cells.
Range Sheet::used_range() const
{
    Range range;
    for (const auto& entry : cells_) {
        range.last.column = std::max(range.last.column, entry.first.column);
        range.last.row = std::max(range.last.row, entry.first.row);
    }
    return range;
}

/// Takes back the last change; false when there is none.
bool Sheet::undo()
{
    if (changes_.empty())
        return false;
    Change change = std::move(changes_.back());
    changes_.pop_back();
    store(change.ref, change.before);
    return true;
}

// ---------------------------------------------------------------------------
// CSV
// ---------------------------------------------------------------------------

namespace csv {

/// Splits one line; quotes may surround a field and are doubled inside.
std::vector<std::string> split(const std::string& line)
{
    std::vector<std::string> fields(1);
    bool quoted = false;
    for (std::size_t i = 0; i < line.size(); ++i) {
        char c = line[i];
        if (quoted && c == '"' && i + 1 < line.size() && line[i + 1] == '"') {
            fields.back().push_back('"');
            ++i;
        } else if (c == '"') {
            quoted = !quoted;
        } else if (c == ',' && !quoted) {
            fields.emplace_back();
        } else {
            fields.back().push_back(c);
        }
    }
    return fields;
}

std::string quote(const std::string& field)
{
    if (field.find_first_of(",\"\n") == std::string::npos)
        return field;
    std::string out = "\"";
    for (char c : field) {
        if (c == '"')
            out.push_back('"');
        out.push_back(c);
    }
    return out + "\"";
}

} // namespace csv

void Sheet::read_csv(std::istream& in)
{
    std::string line;
    for (int row = 0; std::getline(in, line); ++row) {
        std::vector<std::string> fields = csv::split(line);
        for (std::size_t column = 0; column < fields.size(); ++column)
            set(CellRef{static_cast<int>(column), row}, fields[column]);
    }
}

void Sheet::write_csv(std::ostream& out)
{
    Range range = used_range();
    for (int row = 0; row <= range.last.row; ++row) {
        for (int column = 0; column <= range.last.column; ++column) {
            if (column > 0)
                out << ',';
#ifdef SHEET_CSV_FORMULAS
            out << csv::quote(input(CellRef{column, row}));
#else
            out << csv::quote(value(CellRef{column, row}).display());
#endif
        }
        out << '\n';
    }
}

} // namespace sheet
