static double parse_expr(calc *c) {
  double left = parse_term(c);
  for (;;) {
    if (accept(c, '+')) {
      left += parse_term(c);
    } else if (accept(c, '-')) {
      left -= parse_term(c);
    } else {
      return c->error ? 0.0 : left;
    }
  }
}
