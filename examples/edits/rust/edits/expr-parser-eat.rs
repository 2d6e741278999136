fn eat(&mut self, wanted: &TokenKind) -> bool {
    if self.peek() != Some(wanted) {
        return false;
    }
    self.at += 1;
    true
}
