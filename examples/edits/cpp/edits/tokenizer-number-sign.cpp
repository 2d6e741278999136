// ... existing code ...

Token Tokenizer::number() {
  std::size_t start = pos_;
  if (peek() == '-') {
    ++pos_;
  }
  while (!done() && (std::isdigit(static_cast<unsigned char>(peek())) ||
                     peek() == '.')) {
    ++pos_;
  }
  std::string text(text_.substr(start, pos_ - start));
  return Token{Kind::Number, text, std::strtod(text.c_str(), nullptr), start};
}

// ... existing code ...
