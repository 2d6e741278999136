// calc.c - evaluates arithmetic expressions with variables.
//
//   expr   := term (('+' | '-') term)*
//   term   := factor (('*' | '/' | '%') factor)*
//   factor := '-' factor | power
//   power  := atom ('^' factor)?
//   atom   := number | name | name '(' expr (',' expr)* ')' | '(' expr ')'
#include <ctype.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_NAME 16
#define MAX_VARS 32
#define MAX_ARGS 4

typedef enum {
  TOK_END,
  TOK_NUMBER,
  TOK_NAME,
  TOK_SYMBOL,
  TOK_BAD
} token_kind;

typedef struct {
  token_kind kind;
  double number;
  char name[MAX_NAME];
  char symbol;
} token;

typedef struct {
  char name[MAX_NAME];
  double value;
} variable;

typedef struct {
  const char *text;
  const char *pos;
  token tok;
  const char *error;
  variable vars[MAX_VARS];
  int var_count;
} calc;

static double parse_expr(calc *c);

// ---- errors ---------------------------------------------------------------

static double fail(calc *c, const char *message) {
  if (!c->error) {
    c->error = message;
  }
  return 0.0;
}

// ---- tokens ---------------------------------------------------------------

static void read_number(calc *c) {
  char *end;
  c->tok.kind = TOK_NUMBER;
  c->tok.number = strtod(c->pos, &end);
  c->pos = end;
}

static void read_name(calc *c) {
  int n = 0;
  c->tok.kind = TOK_NAME;
  while (isalnum((unsigned char)*c->pos) || *c->pos == '_') {
    if (n < MAX_NAME - 1) {
      c->tok.name[n++] = *c->pos;
    }
    c->pos++;
  }
  c->tok.name[n] = '\0';
}

static void next_token(calc *c) {
  while (isspace((unsigned char)*c->pos)) {
    c->pos++;
  }
  if (*c->pos == '\0') {
    c->tok.kind = TOK_END;
  } else if (isdigit((unsigned char)*c->pos) || *c->pos == '.') {
    read_number(c);
  } else if (isalpha((unsigned char)*c->pos)) {
    read_name(c);
  } else if (strchr("+-*/%^(),=", *c->pos)) {
    c->tok.kind = TOK_SYMBOL;
    c->tok.symbol = *c->pos++;
  } else {
    c->tok.kind = TOK_BAD;
  }
}

static bool at_symbol(const calc *c, char symbol) {
  return c->tok.kind == TOK_SYMBOL && c->tok.symbol == symbol;
}

static bool accept(calc *c, char symbol) {
  if (!at_symbol(c, symbol)) {
    return false;
  }
  next_token(c);
  return true;
}

// ---- variables ------------------------------------------------------------

static variable *find_var(calc *c, const char *name) {
  for (int i = 0; i < c->var_count; i++) {
    if (strcmp(c->vars[i].name, name) == 0) {
      return &c->vars[i];
    }
  }
  return NULL;
}

// Sets a variable and makes it when it is new.
bool calc_set(calc *c, const char *name, double value) {
  variable *var = find_var(c, name);
  if (!var) {
    if (c->var_count == MAX_VARS) {
      return false;
    }
    var = &c->vars[c->var_count++];
    strncpy(var->name, name, MAX_NAME - 1);
    var->name[MAX_NAME - 1] = '\0';
  }
  var->value = value;
  return true;
}

// ---- functions ------------------------------------------------------------

static double call(calc *c, const char *name, const double *args, int count) {
  if (strcmp(name, "sqrt") == 0 && count == 1) {
    return args[0] < 0 ? fail(c, "root of a negative number") : sqrt(args[0]);
  }
  if (strcmp(name, "abs") == 0 && count == 1) {
    return fabs(args[0]);
  }
  if (strcmp(name, "floor") == 0 && count == 1) {
    return floor(args[0]);
  }
  if (strcmp(name, "min") == 0 && count == 2) {
    return args[0] < args[1] ? args[0] : args[1];
  }
  if (strcmp(name, "max") == 0 && count == 2) {
    return args[0] > args[1] ? args[0] : args[1];
  }
  return fail(c, "unknown function");
}

// ---- the grammar ----------------------------------------------------------

static double parse_call(calc *c, const char *name) {
  double args[MAX_ARGS];
  int count = 0;
  do {
    if (count == MAX_ARGS) {
      return fail(c, "too many arguments");
    }
    args[count++] = parse_expr(c);
  } while (accept(c, ','));
  if (!accept(c, ')')) {
    return fail(c, "')' expected");
  }
  return call(c, name, args, count);
}

static double parse_atom(calc *c) {
  if (c->tok.kind == TOK_NUMBER) {
    double value = c->tok.number;
    next_token(c);
    return value;
  }
  if (c->tok.kind == TOK_NAME) {
    char name[MAX_NAME];
    strcpy(name, c->tok.name);
    next_token(c);
    if (accept(c, '(')) {
      return parse_call(c, name);
    }
    variable *var = find_var(c, name);
    return var ? var->value : fail(c, "unknown variable");
  }
  if (accept(c, '(')) {
    double value = parse_expr(c);
    if (!accept(c, ')')) {
      return fail(c, "')' expected");
    }
    return value;
  }
  return fail(c, "number expected");
}

static double parse_factor(calc *c) {
  if (accept(c, '-')) {
    return -parse_factor(c);
  }
  double base = parse_atom(c);
  if (accept(c, '^')) {
    return pow(base, parse_factor(c));
  }
  return base;
}

static double parse_term(calc *c) {
  double left = parse_factor(c);
  for (;;) {
    if (accept(c, '*')) {
      left *= parse_factor(c);
    } else if (accept(c, '/')) {
      double right = parse_factor(c);
      left = right != 0 ? left / right : fail(c, "division by zero");
    } else if (accept(c, '%')) {
      left = fmod(left, parse_factor(c));
    } else {
      return left;
    }
  }
}

static double parse_expr(calc *c) {
  double left = parse_term(c);
  for (;;) {
    if (accept(c, '+')) {
      left += parse_term(c);
    } else if (accept(c, '-')) {
      left -= parse_term(c);
    } else {
      return left;
    }
  }
}

// ---- entry points ---------------------------------------------------------

void calc_init(calc *c) {
  memset(c, 0, sizeof *c);
  calc_set(c, "pi", 3.14159265358979);
}

// Evaluates one expression. On failure the result is false and the message
// can be read with `calc_error`.
bool calc_eval(calc *c, const char *text, double *result) {
  c->text = text;
  c->pos = text;
  c->error = NULL;
  next_token(c);
  *result = parse_expr(c);
  if (!c->error && c->tok.kind != TOK_END) {
    fail(c, "text after the expression");
  }
  return c->error == NULL;
}

const char *calc_error(const calc *c) {
  return c->error ? c->error : "no error";
}

#ifdef CALC_MAIN
int main(int argc, char **argv) {
  calc c;
  calc_init(&c);
  for (int i = 1; i < argc; i++) {
    double value;
    if (calc_eval(&c, argv[i], &value)) {
      printf("%g\n", value);
    } else {
      printf("error: %s\n", calc_error(&c));
    }
  }
  return 0;
}
#endif
