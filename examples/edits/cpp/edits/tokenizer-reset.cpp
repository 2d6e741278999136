// ... existing code ...

class Tokenizer {
 public:
  // ... existing code ...
  std::vector<Token> all();
  Token next();
  void reset();
  // ... existing code ...
};

// Reads all tokens, with the end token as the last one.
std::vector<Token> Tokenizer::all() {
  std::vector<Token> tokens;
  do {
    tokens.push_back(next());
  } while (tokens.back().kind != Kind::End);
  return tokens;
}

// Starts again at the first token.
void Tokenizer::reset() {
  pos_ = 0;
}

// ... existing code ...
