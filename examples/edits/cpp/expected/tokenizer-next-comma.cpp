// Splits the text of a query into tokens: words, quoted phrases, numbers
// with a unit, and the operators AND, OR and NOT.
#include <cctype>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace query {

enum class Kind {
  Word,
  Phrase,
  Number,
  Operator,
  Open,
  Close,
  End,
};

struct Token {
  Kind kind = Kind::End;
  std::string text;
  double number = 0.0;
  std::size_t offset = 0;
};

class SyntaxError : public std::runtime_error {
 public:
  SyntaxError(const std::string& message, std::size_t offset)
      : std::runtime_error(message), offset_(offset) {}

  std::size_t offset() const { return offset_; }

 private:
  std::size_t offset_;
};

class Tokenizer {
 public:
  explicit Tokenizer(std::string_view text) : text_(text) {}

  std::vector<Token> all();
  Token next();

 private:
  Token word();
  Token phrase();
  Token number();
  Token single(Kind kind);
  void skip_blanks();

  bool done() const { return pos_ >= text_.size(); }
  char peek() const { return text_[pos_]; }

  std::string_view text_;
  std::size_t pos_ = 0;
};

// Reads all tokens, with the end token as the last one.
std::vector<Token> Tokenizer::all() {
  std::vector<Token> tokens;
  do {
    tokens.push_back(next());
  } while (tokens.back().kind != Kind::End);
  return tokens;
}

Token Tokenizer::next() {
  skip_blanks();
  if (done()) {
    return Token{Kind::End, "", 0.0, pos_};
  }
  char c = peek();
  if (c == '(') {
    return single(Kind::Open);
  }
  if (c == ')') {
    return single(Kind::Close);
  }
  if (c == ',') {
    return single(Kind::Operator);
  }
  if (c == '"') {
    return phrase();
  }
  if (std::isdigit(static_cast<unsigned char>(c))) {
    return number();
  }
  return word();
}

Token Tokenizer::word() {
  std::size_t start = pos_;
  while (!done() && !std::isspace(static_cast<unsigned char>(peek())) &&
         peek() != '(' && peek() != ')') {
    ++pos_;
  }
  std::string text(text_.substr(start, pos_ - start));
  bool is_operator = text == "AND" || text == "OR" || text == "NOT";
  return Token{is_operator ? Kind::Operator : Kind::Word, text, 0.0, start};
}

Token Tokenizer::phrase() {
  std::size_t start = pos_++;
  std::string text;
  while (!done() && peek() != '"') {
    text.push_back(peek());
    ++pos_;
  }
  if (done()) {
    throw SyntaxError("phrase without closing quote", start);
  }
  ++pos_;
  return Token{Kind::Phrase, text, 0.0, start};
}

Token Tokenizer::number() {
  std::size_t start = pos_;
  while (!done() && (std::isdigit(static_cast<unsigned char>(peek())) ||
                     peek() == '.')) {
    ++pos_;
  }
  std::string text(text_.substr(start, pos_ - start));
  return Token{Kind::Number, text, std::strtod(text.c_str(), nullptr), start};
}

Token Tokenizer::single(Kind kind) {
  std::size_t start = pos_++;
  return Token{kind, std::string(1, text_[start]), 0.0, start};
}

void Tokenizer::skip_blanks() {
  while (!done() && std::isspace(static_cast<unsigned char>(peek()))) {
    ++pos_;
  }
}

}  // namespace query
