namespace text {

// ... existing code ...

std::string excerpt(std::string_view body, std::size_t limit) {
  if (body.size() <= limit) {
    return std::string(body);
  }
  std::size_t end = limit;
  while (end > 0 && is_word(body[end])) {
    --end;
  }
  while (end > 0 && !is_word(body[end - 1])) {
    --end;
  }
  return std::string(body.substr(0, end)) + "...";
}

}  // namespace text
