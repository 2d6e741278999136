#include <cctype>
#include <string>
#include <string_view>

namespace text {

namespace {

bool is_word(char c) {
  return c == '_' || std::isalnum(static_cast<unsigned char>(c)) != 0;
}

char lower(char c) {
  return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
}

}  // namespace

// Turns a title into the last part of an address: "Hello, World" becomes
// "hello-world".
std::string slug(std::string_view title) {
  std::string out;
  for (char c : title) {
    if (is_word(c)) {
      out.push_back(lower(c));
    } else if (!out.empty() && out.back() != '-') {
      out.push_back('-');
    }
  }
  if (!out.empty() && out.back() == '-') {
    out.pop_back();
  }
  return out;
}

// Cuts a text at a word boundary.
std::string excerpt(std::string_view body, std::size_t limit) {
  if (body.size() <= limit) {
    return std::string(body);
  }
  std::size_t end = limit;
  while (end > 0 && is_word(body[end])) {
    --end;
  }
  return std::string(body.substr(0, end)) + "...";
}

}  // namespace text
