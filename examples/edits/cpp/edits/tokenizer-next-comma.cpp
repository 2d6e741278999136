Token Tokenizer::next() {
  skip_blanks();
  // ... existing code ...
  if (c == ')') {
    return single(Kind::Close);
  }
  if (c == ',') {
    return single(Kind::Operator);
  }
  if (c == '"') {
    return phrase();
  }
  // ... existing code ...
}
