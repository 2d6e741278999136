//! A calculator language: numbers, variables, functions and conditions.
//!
//! The stages are independent of each other:
//!
//! * [`lex`] turns text into tokens,
//! * [`Parser`] turns tokens into an [`Expr`],
//! * [`fold`] simplifies an expression without knowing any variable,
//! * [`Env`] evaluates it.
//!
//! ```text
//! let r = 2; if(r > 1, pi * r ^ 2, 0)
//! ```

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fmt;

/// Deepest nesting that the parser accepts.
const MAX_DEPTH: usize = 64;

/// Byte range in the source text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span {
    pub start: usize,
    pub end: usize,
}

impl Span {
    fn new(start: usize, end: usize) -> Self {
        Span { start, end }
    }

    fn join(self, other: Span) -> Span {
        Span {
            start: self.start.min(other.start),
            end: self.end.max(other.end),
        }
    }
}

// ---------------------------------------------------------------------------
// Errors

/// Everything that can go wrong between text and value.
#[derive(Debug, Clone, PartialEq)]
pub enum Error {
    UnknownChar {
        at: usize,
        found: char,
    },
    BadNumber {
        span: Span,
    },
    Unexpected {
        span: Span,
        found: String,
    },
    UnexpectedEnd,
    TooDeep {
        span: Span,
    },
    UnknownName(String),
    UnknownFunction(String),
    WrongCount {
        name: String,
        wanted: usize,
        got: usize,
    },
    DivisionByZero,
    NotABool(f64),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::UnknownChar { at, found } => write!(f, "{at}: unknown character {found:?}"),
            Error::BadNumber { span } => write!(f, "{}: not a number", span.start),
            Error::Unexpected { span, found } => {
                write!(f, "{}: did not expect {found}", span.start)
            }
            Error::UnexpectedEnd => f.write_str("the expression ends too early"),
            Error::TooDeep { span } => write!(f, "{}: nested too deeply", span.start),
            Error::UnknownName(name) => write!(f, "no variable is called {name}"),
            Error::UnknownFunction(name) => write!(f, "no function is called {name}"),
            Error::WrongCount { name, wanted, got } => {
                write!(f, "{name} takes {wanted} values, not {got}")
            }
            Error::DivisionByZero => f.write_str("division by zero"),
            Error::NotABool(value) => write!(f, "{value} is neither true nor false"),
        }
    }
}

impl std::error::Error for Error {}

pub type Result<T> = std::result::Result<T, Error>;

// ---------------------------------------------------------------------------
// Tokens

#[derive(Debug, Clone, PartialEq)]
pub enum TokenKind {
    Number(f64),
    Name(String),
    Let,
    Plus,
    Minus,
    Star,
    Slash,
    Percent,
    Caret,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    EqualEqual,
    NotEqual,
    Assign,
    Bang,
    And,
    Or,
    Open,
    Close,
    Comma,
    Semicolon,
}

impl fmt::Display for TokenKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            TokenKind::Number(value) => return write!(f, "{value}"),
            TokenKind::Name(name) => return f.write_str(name),
            TokenKind::Let => "let",
            TokenKind::Plus => "+",
            TokenKind::Minus => "-",
            TokenKind::Star => "*",
            TokenKind::Slash => "/",
            TokenKind::Percent => "%",
            TokenKind::Caret => "^",
            TokenKind::Less => "<",
            TokenKind::LessEqual => "<=",
            TokenKind::Greater => ">",
            TokenKind::GreaterEqual => ">=",
            TokenKind::EqualEqual => "==",
            TokenKind::NotEqual => "!=",
            TokenKind::Assign => "=",
            TokenKind::Bang => "!",
            TokenKind::And => "&&",
            TokenKind::Or => "||",
            TokenKind::Open => "(",
            TokenKind::Close => ")",
            TokenKind::Comma => ",",
            TokenKind::Semicolon => ";",
        };
        f.write_str(text)
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Token {
    pub kind: TokenKind,
    pub span: Span,
}

/// Walks over the text by characters, one ahead.
struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    fn new(text: &'a str) -> Self {
        Cursor { text, at: 0 }
    }

    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    fn eat(&mut self, wanted: char) -> bool {
        if self.peek() == Some(wanted) {
            self.next();
            true
        } else {
            false
        }
    }

    fn take_while(&mut self, accept: impl Fn(char) -> bool) -> &'a str {
        let start = self.at;
        while self.peek().is_some_and(&accept) {
            self.next();
        }
        &self.text[start..self.at]
    }
}

/// Splits the text into tokens; white space and `# comments` disappear.
pub fn lex(text: &str) -> Result<Vec<Token>> {
    let mut cursor = Cursor::new(text);
    let mut tokens = Vec::new();
    while let Some(c) = cursor.peek() {
        let start = cursor.at;
        if c.is_whitespace() {
            cursor.next();
            continue;
        }
        if c == '#' {
            cursor.take_while(|c| c != '\n');
            continue;
        }
        let kind = if c.is_ascii_digit() || c == '.' {
            number(&mut cursor)?
        } else if c.is_alphabetic() || c == '_' {
            let word = cursor.take_while(|c| c.is_alphanumeric() || c == '_');
            match word {
                "let" => TokenKind::Let,
                _ => TokenKind::Name(word.to_owned()),
            }
        } else {
            symbol(&mut cursor)?
        };
        let span = Span::new(start, cursor.at);
        tokens.push(Token { kind, span });
    }
    Ok(tokens)
}

fn number(cursor: &mut Cursor<'_>) -> Result<TokenKind> {
    let start = cursor.at;
    let digits = cursor.take_while(|c| c.is_ascii_digit() || c == '.');
    match digits.parse::<f64>() {
        Ok(value) => Ok(TokenKind::Number(value)),
        Err(_) => Err(Error::BadNumber {
            span: Span::new(start, cursor.at),
        }),
    }
}

fn symbol(cursor: &mut Cursor<'_>) -> Result<TokenKind> {
    let at = cursor.at;
    let found = cursor.next().ok_or(Error::UnexpectedEnd)?;
    let kind = match found {
        '+' => TokenKind::Plus,
        '-' => TokenKind::Minus,
        '*' => TokenKind::Star,
        '/' => TokenKind::Slash,
        '%' => TokenKind::Percent,
        '^' => TokenKind::Caret,
        '(' => TokenKind::Open,
        ')' => TokenKind::Close,
        ',' => TokenKind::Comma,
        ';' => TokenKind::Semicolon,
        '<' if cursor.eat('=') => TokenKind::LessEqual,
        '<' => TokenKind::Less,
        '>' if cursor.eat('=') => TokenKind::GreaterEqual,
        '>' => TokenKind::Greater,
        '=' if cursor.eat('=') => TokenKind::EqualEqual,
        '=' => TokenKind::Assign,
        '!' if cursor.eat('=') => TokenKind::NotEqual,
        '!' => TokenKind::Bang,
        '&' if cursor.eat('&') => TokenKind::And,
        '|' if cursor.eat('|') => TokenKind::Or,
        _ => return Err(Error::UnknownChar { at, found }),
    };
    Ok(kind)
}

// ---------------------------------------------------------------------------
// Syntax tree

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnaryOp {
    Negate,
    Not,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BinaryOp {
    Add,
    Sub,
    Mul,
    Div,
    Rem,
    Pow,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Equal,
    NotEqual,
    And,
    Or,
}

impl BinaryOp {
    fn from_token(kind: &TokenKind) -> Option<BinaryOp> {
        let op = match kind {
            TokenKind::Plus => BinaryOp::Add,
            TokenKind::Minus => BinaryOp::Sub,
            TokenKind::Star => BinaryOp::Mul,
            TokenKind::Slash => BinaryOp::Div,
            TokenKind::Percent => BinaryOp::Rem,
            TokenKind::Caret => BinaryOp::Pow,
            TokenKind::Less => BinaryOp::Less,
            TokenKind::LessEqual => BinaryOp::LessEqual,
            TokenKind::Greater => BinaryOp::Greater,
            TokenKind::GreaterEqual => BinaryOp::GreaterEqual,
            TokenKind::EqualEqual => BinaryOp::Equal,
            TokenKind::NotEqual => BinaryOp::NotEqual,
            TokenKind::And => BinaryOp::And,
            TokenKind::Or => BinaryOp::Or,
            _ => return None,
        };
        Some(op)
    }

    /// Higher binds tighter.
    fn precedence(self) -> u8 {
        match self {
            BinaryOp::Or => 1,
            BinaryOp::And => 2,
            BinaryOp::Equal | BinaryOp::NotEqual => 3,
            BinaryOp::Less | BinaryOp::LessEqual => 4,
            BinaryOp::Greater | BinaryOp::GreaterEqual => 4,
            BinaryOp::Add | BinaryOp::Sub => 5,
            BinaryOp::Mul | BinaryOp::Div | BinaryOp::Rem => 6,
            BinaryOp::Pow => 8,
        }
    }

    fn is_right_associative(self) -> bool {
        self == BinaryOp::Pow
    }

    fn symbol(self) -> &'static str {
        match self {
            BinaryOp::Add => "+",
            BinaryOp::Sub => "-",
            BinaryOp::Mul => "*",
            BinaryOp::Div => "/",
            BinaryOp::Rem => "%",
            BinaryOp::Pow => "^",
            BinaryOp::Less => "<",
            BinaryOp::LessEqual => "<=",
            BinaryOp::Greater => ">",
            BinaryOp::GreaterEqual => ">=",
            BinaryOp::Equal => "==",
            BinaryOp::NotEqual => "!=",
            BinaryOp::And => "&&",
            BinaryOp::Or => "||",
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub enum Expr {
    Number(f64),
    Name(String),
    Unary(UnaryOp, Box<Expr>),
    Binary(BinaryOp, Box<Expr>, Box<Expr>),
    Call(String, Vec<Expr>),
    /// `let name = value; body`
    Let(String, Box<Expr>, Box<Expr>),
}

impl Expr {
    fn binary(op: BinaryOp, left: Expr, right: Expr) -> Expr {
        Expr::Binary(op, Box::new(left), Box::new(right))
    }

    /// Names that must be known before the expression can be evaluated.
    pub fn free_names(&self) -> BTreeSet<&str> {
        let mut names = BTreeSet::new();
        self.collect_names(&mut names);
        names
    }

    fn collect_names<'a>(&'a self, names: &mut BTreeSet<&'a str>) {
        match self {
            Expr::Number(_) => {}
            Expr::Name(name) => {
                names.insert(name);
            }
            Expr::Unary(_, inner) => inner.collect_names(names),
            Expr::Binary(_, left, right) => {
                left.collect_names(names);
                right.collect_names(names);
            }
            Expr::Call(_, args) => {
                for arg in args {
                    arg.collect_names(names);
                }
            }
            Expr::Let(name, value, body) => {
                value.collect_names(names);
                let mut inner = body.free_names();
                inner.remove(name.as_str());
                names.extend(inner);
            }
        }
    }

    /// Number of nodes, a rough measure of cost.
    pub fn size(&self) -> usize {
        1 + match self {
            Expr::Number(_) | Expr::Name(_) => 0,
            Expr::Unary(_, inner) => inner.size(),
            Expr::Binary(_, left, right) => left.size() + right.size(),
            Expr::Call(_, args) => args.iter().map(Expr::size).sum(),
            Expr::Let(_, value, body) => value.size() + body.size(),
        }
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Expr::Number(value) => write!(f, "{value}"),
            Expr::Name(name) => f.write_str(name),
            Expr::Unary(UnaryOp::Negate, inner) => write!(f, "-{inner}"),
            Expr::Unary(UnaryOp::Not, inner) => write!(f, "!{inner}"),
            Expr::Binary(op, left, right) => write!(f, "({left} {} {right})", op.symbol()),
            Expr::Call(name, args) => {
                write!(f, "{name}(")?;
                for (i, arg) in args.iter().enumerate() {
                    if i > 0 {
                        f.write_str(", ")?;
                    }
                    write!(f, "{arg}")?;
                }
                f.write_str(")")
            }
            Expr::Let(name, value, body) => write!(f, "let {name} = {value}; {body}"),
        }
    }
}

// ---------------------------------------------------------------------------
// Parser

/// Precedence climbing over a list of tokens.
pub struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
}

impl Parser {
    pub fn new(tokens: Vec<Token>) -> Self {
        Parser {
            tokens,
            at: 0,
            depth: 0,
        }
    }

    /// Parses the whole input; anything left over is an error.
    pub fn parse(mut self) -> Result<Expr> {
        let expr = self.statement()?;
        match self.next() {
            None => Ok(expr),
            Some(token) => Err(unexpected(&token)),
        }
    }

    fn peek(&self) -> Option<&TokenKind> {
        self.tokens.get(self.at).map(|token| &token.kind)
    }

    fn next(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.at).cloned()?;
        self.at += 1;
        Some(token)
    }

    fn eat(&mut self, wanted: &TokenKind) -> bool {
        let found = self.peek() == Some(wanted);
        if found {
            self.at += 1;
        }
        found
    }

    fn expect(&mut self, wanted: &TokenKind) -> Result<Span> {
        let token = self.next().ok_or(Error::UnexpectedEnd)?;
        if token.kind == *wanted {
            Ok(token.span)
        } else {
            Err(unexpected(&token))
        }
    }

    fn statement(&mut self) -> Result<Expr> {
        if !self.eat(&TokenKind::Let) {
            return self.expression(0);
        }
        let token = self.next().ok_or(Error::UnexpectedEnd)?;
        let TokenKind::Name(name) = token.kind else {
            return Err(unexpected(&token));
        };
        self.expect(&TokenKind::Assign)?;
        let value = self.expression(0)?;
        self.expect(&TokenKind::Semicolon)?;
        let body = self.statement()?;
        Ok(Expr::Let(name, Box::new(value), Box::new(body)))
    }

    fn expression(&mut self, floor: u8) -> Result<Expr> {
        let mut left = self.unary()?;
        while let Some(op) = self.peek().and_then(BinaryOp::from_token) {
            let precedence = op.precedence();
            if precedence < floor {
                break;
            }
            self.at += 1;
            let next_floor = if op.is_right_associative() {
                precedence
            } else {
                precedence + 1
            };
            let right = self.expression(next_floor)?;
            left = Expr::binary(op, left, right);
        }
        Ok(left)
    }

    fn unary(&mut self) -> Result<Expr> {
        if self.eat(&TokenKind::Minus) {
            let inner = self.unary()?;
            return Ok(Expr::Unary(UnaryOp::Negate, Box::new(inner)));
        }
        if self.eat(&TokenKind::Bang) {
            let inner = self.unary()?;
            return Ok(Expr::Unary(UnaryOp::Not, Box::new(inner)));
        }
        self.primary()
    }

    fn primary(&mut self) -> Result<Expr> {
        let token = self.next().ok_or(Error::UnexpectedEnd)?;
        match token.kind {
            TokenKind::Number(value) => Ok(Expr::Number(value)),
            TokenKind::Name(name) => {
                if self.eat(&TokenKind::Open) {
                    let args = self.arguments()?;
                    Ok(Expr::Call(name, args))
                } else {
                    Ok(Expr::Name(name))
                }
            }
            TokenKind::Open => {
                self.enter(token.span)?;
                let inner = self.statement()?;
                self.expect(&TokenKind::Close)?;
                self.depth -= 1;
                Ok(inner)
            }
            _ => Err(unexpected(&token)),
        }
    }

    fn arguments(&mut self) -> Result<Vec<Expr>> {
        let mut args = Vec::new();
        if self.eat(&TokenKind::Close) {
            return Ok(args);
        }
        loop {
            args.push(self.expression(0)?);
            if self.eat(&TokenKind::Comma) {
                continue;
            }
            self.expect(&TokenKind::Close)?;
            return Ok(args);
        }
    }

    fn enter(&mut self, span: Span) -> Result<()> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Error::TooDeep { span });
        }
        Ok(())
    }
}

fn unexpected(token: &Token) -> Error {
    Error::Unexpected {
        span: token.span,
        found: token.kind.to_string(),
    }
}

/// Short cut for text to tree.
pub fn parse(text: &str) -> Result<Expr> {
    Parser::new(lex(text)?).parse()
}

// ---------------------------------------------------------------------------
// Constant folding

/// Replaces parts that have no names in them by their values.
pub fn fold(expr: Expr) -> Expr {
    match expr {
        Expr::Unary(op, inner) => match (op, fold(*inner)) {
            (UnaryOp::Negate, Expr::Number(value)) => Expr::Number(-value),
            (op, inner) => Expr::Unary(op, Box::new(inner)),
        },
        Expr::Binary(op, left, right) => {
            let (left, right) = (fold(*left), fold(*right));
            match (&left, &right) {
                (Expr::Number(a), Expr::Number(b)) => match apply(op, *a, *b) {
                    Ok(value) => Expr::Number(value),
                    // Division by zero is reported at run time.
                    Err(_) => Expr::binary(op, left, right),
                },
                _ => Expr::binary(op, left, right),
            }
        }
        Expr::Call(name, args) => Expr::Call(name, args.into_iter().map(fold).collect()),
        Expr::Let(name, value, body) => {
            Expr::Let(name, Box::new(fold(*value)), Box::new(fold(*body)))
        }
        other => other,
    }
}

// ---------------------------------------------------------------------------
// Evaluation

fn truth(value: bool) -> f64 {
    if value {
        1.0
    } else {
        0.0
    }
}

fn as_bool(value: f64) -> Result<bool> {
    if value == 1.0 {
        Ok(true)
    } else if value == 0.0 {
        Ok(false)
    } else {
        Err(Error::NotABool(value))
    }
}

fn apply(op: BinaryOp, a: f64, b: f64) -> Result<f64> {
    let value = match op {
        BinaryOp::Add => a + b,
        BinaryOp::Sub => a - b,
        BinaryOp::Mul => a * b,
        BinaryOp::Div | BinaryOp::Rem if b == 0.0 => return Err(Error::DivisionByZero),
        BinaryOp::Div => a / b,
        BinaryOp::Rem => a.rem_euclid(b),
        BinaryOp::Pow => a.powf(b),
        BinaryOp::Less => truth(a < b),
        BinaryOp::LessEqual => truth(a <= b),
        BinaryOp::Greater => truth(a > b),
        BinaryOp::GreaterEqual => truth(a >= b),
        BinaryOp::Equal => truth(a == b),
        BinaryOp::NotEqual => truth(a != b),
        BinaryOp::And => truth(as_bool(a)? && as_bool(b)?),
        BinaryOp::Or => truth(as_bool(a)? || as_bool(b)?),
    };
    Ok(value)
}

/// Functions that come with the language.
pub mod builtins {
    use super::{Error, Result};

    type Body = fn(&[f64]) -> f64;

    /// Name, number of values, body. Zero means "one or more".
    pub(super) const TABLE: &[(&str, usize, Body)] = &[
        ("abs", 1, |v| v[0].abs()),
        ("sqrt", 1, |v| v[0].sqrt()),
        ("floor", 1, |v| v[0].floor()),
        ("ceil", 1, |v| v[0].ceil()),
        ("sin", 1, |v| v[0].sin()),
        ("cos", 1, |v| v[0].cos()),
        ("hypot", 2, |v| v[0].hypot(v[1])),
        ("min", 0, smallest),
        ("max", 0, largest),
        ("mean", 0, mean),
    ];

    fn smallest(values: &[f64]) -> f64 {
        values.iter().copied().fold(f64::INFINITY, f64::min)
    }

    fn largest(values: &[f64]) -> f64 {
        values.iter().copied().fold(f64::NEG_INFINITY, f64::max)
    }

    fn mean(values: &[f64]) -> f64 {
        values.iter().sum::<f64>() / values.len() as f64
    }

    /// Calls a built-in function by name.
    pub fn call(name: &str, values: &[f64]) -> Result<f64> {
        let Some((_, wanted, body)) = TABLE.iter().find(|(known, _, _)| *known == name) else {
            return Err(Error::UnknownFunction(name.to_owned()));
        };
        let fits = match wanted {
            0 => !values.is_empty(),
            n => values.len() == *n,
        };
        if !fits {
            return Err(Error::WrongCount {
                name: name.to_owned(),
                wanted: (*wanted).max(1),
                got: values.len(),
            });
        }
        Ok(body(values))
    }

    pub fn names() -> impl Iterator<Item = &'static str> {
        TABLE.iter().map(|(name, _, _)| *name)
    }
}

/// Variables, innermost scope last.
pub struct Env {
    scopes: Vec<BTreeMap<String, f64>>,
}

impl Default for Env {
    fn default() -> Self {
        let mut globals = BTreeMap::new();
        globals.insert("pi".to_owned(), std::f64::consts::PI);
        globals.insert("true".to_owned(), 1.0);
        globals.insert("false".to_owned(), 0.0);
        Env {
            scopes: vec![globals],
        }
    }
}

impl Env {
    pub fn new() -> Self {
        Env::default()
    }

    pub fn set(&mut self, name: &str, value: f64) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.insert(name.to_owned(), value);
        }
    }

    pub fn lookup(&self, name: &str) -> Result<f64> {
        self.scopes
            .iter()
            .rev()
            .find_map(|scope| scope.get(name))
            .copied()
            .ok_or_else(|| Error::UnknownName(name.to_owned()))
    }

    pub fn eval(&mut self, expr: &Expr) -> Result<f64> {
        match expr {
            Expr::Number(value) => Ok(*value),
            Expr::Name(name) => self.lookup(name),
            Expr::Unary(op, inner) => {
                let value = self.eval(inner)?;
                match op {
                    UnaryOp::Negate => Ok(-value),
                    UnaryOp::Not => Ok(truth(!as_bool(value)?)),
                }
            }
            Expr::Binary(op, left, right) => self.eval_binary(*op, left, right),
            Expr::Call(name, args) if name == "if" => self.eval_if(args),
            Expr::Call(name, args) => {
                let mut values = Vec::with_capacity(args.len());
                for arg in args {
                    values.push(self.eval(arg)?);
                }
                builtins::call(name, &values)
            }
            Expr::Let(name, value, body) => {
                let value = self.eval(value)?;
                self.scopes.push(BTreeMap::new());
                self.set(name, value);
                let result = self.eval(body);
                self.scopes.pop();
                result
            }
        }
    }

    fn eval_binary(&mut self, op: BinaryOp, left: &Expr, right: &Expr) -> Result<f64> {
        let a = self.eval(left)?;
        let b = self.eval(right)?;
        apply(op, a, b)
    }

    /// Only the branch that is taken gets evaluated.
    fn eval_if(&mut self, args: &[Expr]) -> Result<f64> {
        let [condition, yes, no] = args else {
            return Err(Error::WrongCount {
                name: "if".to_owned(),
                wanted: 3,
                got: args.len(),
            });
        };
        let value = self.eval(condition)?;
        if as_bool(value)? {
            self.eval(yes)
        } else {
            self.eval(no)
        }
    }
}

/// Text to value with a fresh environment.
pub fn calculate(text: &str) -> Result<f64> {
    Env::new().eval(&parse(text)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> f64 {
        calculate(text).unwrap_or_else(|e| panic!("{text}: {e}"))
    }

    mod precedence {
        use super::*;

        #[test]
        fn product_before_sum() {
            assert_eq!(value("1 + 2 * 3"), 7.0);
            assert_eq!(value("(1 + 2) * 3"), 9.0);
        }

        #[test]
        fn power_is_right_associative() {
            assert_eq!(value("2 ^ 3 ^ 2"), 512.0);
        }

        #[test]
        fn minus_is_left_associative() {
            assert_eq!(value("10 - 4 - 3"), 3.0);
        }
    }

    mod names {
        use super::*;

        #[test]
        fn let_shadows() {
            assert_eq!(value("let x = 1; let x = x + 1; x * 10"), 20.0);
        }

        #[test]
        fn free_names_leave_out_bound_ones() {
            let expr = parse("let a = b; a + c").unwrap();
            let names: Vec<&str> = expr.free_names().into_iter().collect();
            assert_eq!(names, ["b", "c"]);
        }
    }

    #[test]
    fn lazy_if() {
        assert_eq!(value("if(2 > 1, 5, 1 / 0)"), 5.0);
    }

    #[test]
    fn folding_keeps_the_error() {
        let expr = fold(parse("x + 1 / 0").unwrap());
        assert_eq!(expr.to_string(), "(x + (1 / 0))");
    }

    #[test]
    fn reports_the_position() {
        let error = parse("1 + ) 2").unwrap_err();
        assert_eq!(error.to_string(), "4: did not expect )");
    }

    #[test]
    fn wrong_number_of_values() {
        let error = calculate("sqrt(1, 2)").unwrap_err();
        assert_eq!(error.to_string(), "sqrt takes 1 values, not 2");
    }
}
