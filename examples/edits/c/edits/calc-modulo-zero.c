static double parse_term(calc *c) {
  double left = parse_factor(c);
  for (;;) {
    if (accept(c, '*')) {
      left *= parse_factor(c);
    } else if (accept(c, '/')) {
      double right = parse_factor(c);
      left = right != 0 ? left / right : fail(c, "division by zero");
    } else if (accept(c, '%')) {
      double right = parse_factor(c);
      left = right != 0 ? fmod(left, right) : fail(c, "modulo by zero");
    } else {
      return left;
    }
  }
}
