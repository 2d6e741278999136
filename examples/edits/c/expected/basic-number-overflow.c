/*
 * minibas.c - a small line-numbered BASIC.
 *
 * The program is kept as text lines, ordered by their numbers. A line is
 * tokenized each time it is run, which is slow but keeps everything in one
 * page of data structures.
 *
 * Statements: PRINT, LET, IF .. THEN, GOTO, GOSUB, RETURN, FOR .. TO .. STEP,
 *             NEXT, INPUT, DIM, REM, END
 * Commands:   RUN, LIST, NEW, SAVE "file", LOAD "file", QUIT
 * Values:     64 bit integers; variables A to Z; arrays A() to Z()
 */
#include <ctype.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef MINIBAS_FIXED_SEED
#define FIRST_SEED 12345u
#else
#include <time.h>
#define FIRST_SEED ((unsigned)time(NULL))
#endif

#define MAX_LINES 1000
#define LINE_LEN 160
#define MAX_GOSUB 32
#define MAX_FOR 16
#define NAME_COUNT 26

/* ==================================================================
 * Types
 * ================================================================== */

enum token {
    T_END,
    T_NUMBER,
    T_STRING,
    T_VAR,
    T_WORD,
    T_PUNCT
};

enum keyword {
    K_NONE,
    K_PRINT,
    K_LET,
    K_IF,
    K_THEN,
    K_GOTO,
    K_GOSUB,
    K_RETURN,
    K_FOR,
    K_TO,
    K_STEP,
    K_NEXT,
    K_INPUT,
    K_DIM,
    K_REM,
    K_END,
    K_AND,
    K_OR,
    K_NOT
};

struct keyword_entry {
    const char *text;
    enum keyword keyword;
};

struct line {
    int number;
    char text[LINE_LEN];
};

struct for_frame {
    int variable;
    long limit;
    long step;
    int line_index;       /* index of the FOR line */
};

struct array {
    long *cells;
    long size;
};

struct lexer {
    const char *pos;
    enum token token;
    enum keyword keyword;
    long number;
    int variable;         /* 0 for A, 25 for Z */
    char punct[3];
    char text[LINE_LEN];
};

struct basic {
    struct line lines[MAX_LINES];
    int line_count;
    long variables[NAME_COUNT];
    struct array arrays[NAME_COUNT];
    int gosub_stack[MAX_GOSUB];
    int gosub_depth;
    struct for_frame for_stack[MAX_FOR];
    int for_depth;
    int current;          /* index of the line that runs */
    int jump;             /* index of the line to run next, or -1 */
    bool running;
    bool failed;
    unsigned seed;
    FILE *in;
    FILE *out;
    struct lexer lex;
};

static long expression(struct basic *b);

static const struct keyword_entry keywords[] = {
    {"PRINT", K_PRINT},   {"LET", K_LET},       {"IF", K_IF},
    {"THEN", K_THEN},     {"GOTO", K_GOTO},     {"GOSUB", K_GOSUB},
    {"RETURN", K_RETURN}, {"FOR", K_FOR},       {"TO", K_TO},
    {"STEP", K_STEP},     {"NEXT", K_NEXT},     {"INPUT", K_INPUT},
    {"DIM", K_DIM},       {"REM", K_REM},       {"END", K_END},
    {"AND", K_AND},       {"OR", K_OR},         {"NOT", K_NOT},
};

/* ==================================================================
 * Errors
 * ================================================================== */

/* Reports an error once and stops the program. */
static void error(struct basic *b, const char *message)
{
    if (b->failed)
        return;
    b->failed = true;
    if (b->running)
        fprintf(b->out, "? %s in line %d\n", message,
                b->lines[b->current].number);
    else
        fprintf(b->out, "? %s\n", message);
    b->running = false;
}

/* ==================================================================
 * Tokens
 * ================================================================== */

static enum keyword lookup_keyword(const char *text)
{
    size_t count = sizeof keywords / sizeof keywords[0];

    for (size_t i = 0; i < count; i++) {
        if (strcmp(keywords[i].text, text) == 0)
            return keywords[i].keyword;
    }
    return K_NONE;
}

static void lex_number(struct lexer *lex)
{
    long value = 0;

    while (isdigit((unsigned char)*lex->pos)) {
        int digit = *lex->pos - '0';

        if (value > (LONG_MAX - digit) / 10)
            value = LONG_MAX;
        else
            value = value * 10 + digit;
        lex->pos++;
    }
    lex->token = T_NUMBER;
    lex->number = value;
}

/* Reads a string; the closing quote may be missing at the end of a line. */
static void lex_string(struct lexer *lex)
{
    size_t n = 0;

    lex->pos++;
    while (*lex->pos != '\0' && *lex->pos != '"')
        lex->text[n++] = *lex->pos++;
    if (*lex->pos == '"')
        lex->pos++;
    lex->text[n] = '\0';
    lex->token = T_STRING;
}

/* Reads a variable (one letter) or a word (more letters). */
static void lex_word(struct lexer *lex)
{
    size_t n = 0;

    while (isalpha((unsigned char)*lex->pos))
        lex->text[n++] = (char)toupper((unsigned char)*lex->pos++);
    lex->text[n] = '\0';
    if (n == 1) {
        lex->token = T_VAR;
        lex->variable = lex->text[0] - 'A';
    } else {
        lex->token = T_WORD;
        lex->keyword = lookup_keyword(lex->text);
    }
}

static void lex_punct(struct lexer *lex)
{
    lex->token = T_PUNCT;
    lex->punct[0] = *lex->pos++;
    lex->punct[1] = '\0';
    if (lex->punct[0] == '<' && (*lex->pos == '=' || *lex->pos == '>')) {
        lex->punct[1] = *lex->pos++;
        lex->punct[2] = '\0';
    } else if (lex->punct[0] == '>' && *lex->pos == '=') {
        lex->punct[1] = *lex->pos++;
        lex->punct[2] = '\0';
    }
}

static void advance(struct basic *b)
{
    struct lexer *lex = &b->lex;

    while (*lex->pos == ' ' || *lex->pos == '\t')
        lex->pos++;
    lex->keyword = K_NONE;
    if (*lex->pos == '\0' || *lex->pos == '\n')
        lex->token = T_END;
    else if (isdigit((unsigned char)*lex->pos))
        lex_number(lex);
    else if (*lex->pos == '"')
        lex_string(lex);
    else if (isalpha((unsigned char)*lex->pos))
        lex_word(lex);
    else
        lex_punct(lex);
}

static void start_text(struct basic *b, const char *text)
{
    b->lex.pos = text;
    advance(b);
}

static bool at_punct(const struct basic *b, const char *punct)
{
    return b->lex.token == T_PUNCT && strcmp(b->lex.punct, punct) == 0;
}

static bool at_keyword(const struct basic *b, enum keyword keyword)
{
    return b->lex.token == T_WORD && b->lex.keyword == keyword;
}

static bool accept_punct(struct basic *b, const char *punct)
{
    if (!at_punct(b, punct))
        return false;
    advance(b);
    return true;
}

static bool accept_keyword(struct basic *b, enum keyword keyword)
{
    if (!at_keyword(b, keyword))
        return false;
    advance(b);
    return true;
}

static void expect_punct(struct basic *b, const char *punct)
{
    if (!accept_punct(b, punct))
        error(b, "syntax error");
}

static int expect_variable(struct basic *b)
{
    int variable = b->lex.variable;

    if (b->lex.token != T_VAR) {
        error(b, "variable expected");
        return 0;
    }
    advance(b);
    return variable;
}

/* ==================================================================
 * Arrays
 * ================================================================== */

static void array_free(struct array *array)
{
    free(array->cells);
    array->cells = NULL;
    array->size = 0;
}

static void array_dim(struct basic *b, int name, long size)
{
    struct array *array = &b->arrays[name];

    array_free(array);
    if (size < 0 || size > 100000) {
        error(b, "bad array size");
        return;
    }
    array->cells = calloc((size_t)size + 1, sizeof *array->cells);
    if (array->cells == NULL) {
        error(b, "out of memory");
        return;
    }
    array->size = size + 1;
}

/* The cell of an array, or NULL after an error. */
static long *array_cell(struct basic *b, int name, long index)
{
    struct array *array = &b->arrays[name];

    if (index < 0 || index >= array->size) {
        error(b, "subscript out of range");
        return NULL;
    }
    return &array->cells[index];
}

/* ==================================================================
 * Expressions
 * ================================================================== */

/* A simple linear generator; good enough for games. */
static long next_random(struct basic *b, long limit)
{
    b->seed = b->seed * 1103515245u + 12345u;
    if (limit <= 0)
        return 0;
    return (long)((b->seed >> 16) & 0x7fff) % limit;
}

static long builtin(struct basic *b, const char *name)
{
    char saved[LINE_LEN];
    long arg;

    strcpy(saved, name);
    advance(b);
    expect_punct(b, "(");
    arg = expression(b);
    expect_punct(b, ")");
    if (strcmp(saved, "ABS") == 0)
        return arg < 0 ? -arg : arg;
    if (strcmp(saved, "SGN") == 0)
        return (arg > 0) - (arg < 0);
    if (strcmp(saved, "RND") == 0)
        return next_random(b, arg);
    error(b, "unknown function");
    return 0;
}

static long primary(struct basic *b)
{
    long value = 0;

    if (b->lex.token == T_NUMBER) {
        value = b->lex.number;
        advance(b);
    } else if (b->lex.token == T_VAR) {
        int name = b->lex.variable;

        advance(b);
        if (accept_punct(b, "(")) {
            long *cell = array_cell(b, name, expression(b));

            value = cell != NULL ? *cell : 0;
            expect_punct(b, ")");
        } else {
            value = b->variables[name];
        }
    } else if (accept_punct(b, "(")) {
        value = expression(b);
        expect_punct(b, ")");
    } else if (b->lex.token == T_WORD && b->lex.keyword == K_NONE) {
        value = builtin(b, b->lex.text);
    } else {
        error(b, "value expected");
    }
    return value;
}

static long unary(struct basic *b)
{
    if (accept_punct(b, "-"))
        return -unary(b);
    if (accept_punct(b, "+"))
        return unary(b);
    return primary(b);
}

static long product(struct basic *b)
{
    long left = unary(b);

    while (!b->failed) {
        if (accept_punct(b, "*")) {
            left *= unary(b);
        } else if (accept_punct(b, "/")) {
            long right = unary(b);

            if (right == 0) {
                error(b, "division by zero");
                return 0;
            }
            left /= right;
        } else {
            break;
        }
    }
    return left;
}

static long sum(struct basic *b)
{
    long left = product(b);

    while (!b->failed) {
        if (accept_punct(b, "+"))
            left += product(b);
        else if (accept_punct(b, "-"))
            left -= product(b);
        else
            break;
    }
    return left;
}

/* Comparisons give 1 or 0. */
static long comparison(struct basic *b)
{
    long left = sum(b);

    if (accept_punct(b, "="))
        return left == sum(b);
    if (accept_punct(b, "<>"))
        return left != sum(b);
    if (accept_punct(b, "<="))
        return left <= sum(b);
    if (accept_punct(b, ">="))
        return left >= sum(b);
    if (accept_punct(b, "<"))
        return left < sum(b);
    if (accept_punct(b, ">"))
        return left > sum(b);
    return left;
}

static long negation(struct basic *b)
{
    if (accept_keyword(b, K_NOT))
        return !negation(b);
    return comparison(b);
}

static long conjunction(struct basic *b)
{
    long left = negation(b);

    while (accept_keyword(b, K_AND)) {
        long right = negation(b);

        left = left && right;
    }
    return left;
}

static long expression(struct basic *b)
{
    long left = conjunction(b);

    while (accept_keyword(b, K_OR)) {
        long right = conjunction(b);

        left = left || right;
    }
    return left;
}

/* ==================================================================
 * Program text
 * ================================================================== */

/* Index of the line with this number, or of the first one after it. */
static int find_line(const struct basic *b, int number)
{
    int low = 0;
    int high = b->line_count;

    while (low < high) {
        int middle = (low + high) / 2;

        if (b->lines[middle].number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void delete_line(struct basic *b, int index)
{
    memmove(&b->lines[index], &b->lines[index + 1],
            (size_t)(b->line_count - index - 1) * sizeof b->lines[0]);
    b->line_count--;
}

/* Stores a line, replaces it, or deletes it when the text is empty. */
static void store_line(struct basic *b, int number, const char *text)
{
    int index = find_line(b, number);
    bool exists = index < b->line_count && b->lines[index].number == number;

    if (*text == '\0') {
        if (exists)
            delete_line(b, index);
        return;
    }
    if (!exists) {
        if (b->line_count == MAX_LINES) {
            error(b, "program too long");
            return;
        }
        memmove(&b->lines[index + 1], &b->lines[index],
                (size_t)(b->line_count - index) * sizeof b->lines[0]);
        b->line_count++;
    }
    b->lines[index].number = number;
    strncpy(b->lines[index].text, text, LINE_LEN - 1);
    b->lines[index].text[LINE_LEN - 1] = '\0';
}

static void list_program(const struct basic *b, FILE *out)
{
    for (int i = 0; i < b->line_count; i++)
        fprintf(out, "%d %s\n", b->lines[i].number, b->lines[i].text);
}

static void new_program(struct basic *b)
{
    b->line_count = 0;
    memset(b->variables, 0, sizeof b->variables);
    for (int i = 0; i < NAME_COUNT; i++)
        array_free(&b->arrays[i]);
}

/* ==================================================================
 * Statements
 * ================================================================== */

static void statement(struct basic *b);

static void jump_to(struct basic *b, long number)
{
    int index;

    if (number < 0 || number > INT_MAX) {
        error(b, "bad line number");
        return;
    }
    index = find_line(b, (int)number);
    if (index == b->line_count || b->lines[index].number != number) {
        error(b, "no such line");
        return;
    }
    b->jump = index;
}

/* PRINT item {(, | ;) item}; a separator at the end keeps the line open. */
static void do_print(struct basic *b)
{
    bool newline = true;

    while (b->lex.token != T_END && !b->failed) {
        newline = true;
        if (b->lex.token == T_STRING) {
            fputs(b->lex.text, b->out);
            advance(b);
        } else {
            fprintf(b->out, "%ld", expression(b));
        }
        if (accept_punct(b, ",")) {
            fputc('\t', b->out);
            newline = false;
        } else if (accept_punct(b, ";")) {
            newline = false;
        } else {
            break;
        }
    }
    if (newline)
        fputc('\n', b->out);
}

static void do_let(struct basic *b)
{
    int name = expect_variable(b);

    if (accept_punct(b, "(")) {
        long *cell = array_cell(b, name, expression(b));

        expect_punct(b, ")");
        expect_punct(b, "=");
        long value = expression(b);
        if (cell != NULL)
            *cell = value;
    } else {
        expect_punct(b, "=");
        b->variables[name] = expression(b);
    }
}

/* IF condition THEN (line number | statement) */
static void do_if(struct basic *b)
{
    long condition = expression(b);

    if (!accept_keyword(b, K_THEN)) {
        error(b, "THEN expected");
        return;
    }
    if (!condition)
        return;
    if (b->lex.token == T_NUMBER)
        jump_to(b, b->lex.number);
    else
        statement(b);
}

static void do_gosub(struct basic *b)
{
    long target = expression(b);

    if (b->gosub_depth == MAX_GOSUB) {
        error(b, "GOSUB too deep");
        return;
    }
    b->gosub_stack[b->gosub_depth++] = b->current + 1;
    jump_to(b, target);
}

static void do_return(struct basic *b)
{
    if (b->gosub_depth == 0) {
        error(b, "RETURN without GOSUB");
        return;
    }
    b->jump = b->gosub_stack[--b->gosub_depth];
}

/* FOR v = first TO limit [STEP step] */
static void do_for(struct basic *b)
{
    struct for_frame frame;

    frame.variable = expect_variable(b);
    expect_punct(b, "=");
    b->variables[frame.variable] = expression(b);
    if (!accept_keyword(b, K_TO)) {
        error(b, "TO expected");
        return;
    }
    frame.limit = expression(b);
    frame.step = 1;
    if (accept_keyword(b, K_STEP))
        frame.step = expression(b);
    frame.line_index = b->current;
    if (b->for_depth == MAX_FOR) {
        error(b, "FOR too deep");
        return;
    }
    b->for_stack[b->for_depth++] = frame;
}

static void do_next(struct basic *b)
{
    int name = expect_variable(b);
    struct for_frame *frame;
    long value;

    while (b->for_depth > 0 &&
           b->for_stack[b->for_depth - 1].variable != name)
        b->for_depth--;
    if (b->for_depth == 0) {
        error(b, "NEXT without FOR");
        return;
    }
    frame = &b->for_stack[b->for_depth - 1];
    value = b->variables[name] += frame->step;
    if (frame->step >= 0 ? value <= frame->limit : value >= frame->limit)
        b->jump = frame->line_index + 1;
    else
        b->for_depth--;
}

static void do_input(struct basic *b)
{
    char answer[LINE_LEN];

    if (b->lex.token == T_STRING) {
        fputs(b->lex.text, b->out);
        advance(b);
        expect_punct(b, ";");
    }
    int name = expect_variable(b);
    fputs("? ", b->out);
    fflush(b->out);
    if (fgets(answer, sizeof answer, b->in) == NULL) {
        error(b, "end of input");
        return;
    }
    b->variables[name] = strtol(answer, NULL, 10);
}

static void do_dim(struct basic *b)
{
    do {
        int name = expect_variable(b);
        long size;

        expect_punct(b, "(");
        size = expression(b);
        expect_punct(b, ")");
        if (!b->failed)
            array_dim(b, name, size);
    } while (accept_punct(b, ","));
}

static void statement(struct basic *b)
{
    enum keyword keyword = b->lex.keyword;

    if (b->lex.token == T_VAR) {
        do_let(b);
        return;
    }
    if (b->lex.token != T_WORD) {
        error(b, "syntax error");
        return;
    }
    if (keyword == K_REM)
        return;
    advance(b);
    switch (keyword) {
    case K_PRINT:
        do_print(b);
        break;
    case K_LET:
        do_let(b);
        break;
    case K_IF:
        do_if(b);
        break;
    case K_GOTO:
        jump_to(b, expression(b));
        break;
    case K_GOSUB:
        do_gosub(b);
        break;
    case K_RETURN:
        do_return(b);
        break;
    case K_FOR:
        do_for(b);
        break;
    case K_NEXT:
        do_next(b);
        break;
    case K_INPUT:
        do_input(b);
        break;
    case K_DIM:
        do_dim(b);
        break;
    case K_END:
        b->running = false;
        break;
    default:
        error(b, "unknown statement");
        break;
    }
}

/* Runs the program from its first line. */
static void run_program(struct basic *b)
{
    b->gosub_depth = 0;
    b->for_depth = 0;
    b->current = 0;
    b->failed = false;
    b->running = true;
    memset(b->variables, 0, sizeof b->variables);
    while (b->running && b->current < b->line_count) {
        b->jump = -1;
        start_text(b, b->lines[b->current].text);
        statement(b);
        b->current = b->jump >= 0 ? b->jump : b->current + 1;
    }
    b->running = false;
}

/* ==================================================================
 * Files
 * ================================================================== */

static void save_program(struct basic *b, const char *path)
{
    FILE *file = fopen(path, "w");

    if (file == NULL) {
        error(b, "cannot write the file");
        return;
    }
    list_program(b, file);
    fclose(file);
}

static void enter_line(struct basic *b, char *text)
{
    char *rest;
    long number = strtol(text, &rest, 10);

    while (*rest == ' ')
        rest++;
    store_line(b, (int)number, rest);
}

static void load_program(struct basic *b, const char *path)
{
    char text[LINE_LEN];
    FILE *file = fopen(path, "r");

    if (file == NULL) {
        error(b, "cannot read the file");
        return;
    }
    new_program(b);
    while (fgets(text, sizeof text, file) != NULL) {
        text[strcspn(text, "\r\n")] = '\0';
        if (isdigit((unsigned char)text[0]))
            enter_line(b, text);
    }
    fclose(file);
}

/* ==================================================================
 * Command loop
 * ================================================================== */

/* Runs one command or one direct statement; false means to quit. */
static bool command(struct basic *b, char *text)
{
    b->failed = false;
    start_text(b, text);
    if (b->lex.token == T_END)
        return true;
    if (b->lex.token == T_NUMBER) {
        enter_line(b, text);
        return true;
    }
    if (b->lex.token == T_WORD && b->lex.keyword == K_NONE) {
        char word[LINE_LEN];

        strcpy(word, b->lex.text);
        advance(b);
        if (strcmp(word, "QUIT") == 0)
            return false;
        if (strcmp(word, "RUN") == 0)
            run_program(b);
        else if (strcmp(word, "LIST") == 0)
            list_program(b, b->out);
        else if (strcmp(word, "NEW") == 0)
            new_program(b);
        else if (strcmp(word, "SAVE") == 0 && b->lex.token == T_STRING)
            save_program(b, b->lex.text);
        else if (strcmp(word, "LOAD") == 0 && b->lex.token == T_STRING)
            load_program(b, b->lex.text);
        else
            error(b, "unknown command");
        return true;
    }
    statement(b);
    return true;
}

/* Reads commands until QUIT or the end of the input. */
void basic_repl(FILE *in, FILE *out)
{
    static struct basic b;
    char text[LINE_LEN];

    memset(&b, 0, sizeof b);
    b.seed = FIRST_SEED;
    b.in = in;
    b.out = out;
    for (;;) {
        fputs("> ", out);
        fflush(out);
        if (fgets(text, sizeof text, in) == NULL)
            break;
        text[strcspn(text, "\r\n")] = '\0';
        if (!command(&b, text))
            break;
    }
    new_program(&b);
}

#ifndef MINIBAS_NO_MAIN
int main(void)
{
    basic_repl(stdin, stdout);
    return 0;
}
#endif
