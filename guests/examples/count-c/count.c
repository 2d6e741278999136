#include "count.h"

/* A JSON text that is read from front to back. */
struct reader {
    const char *at;
    const char *end;
};

struct counts {
    size_t bytes;
    size_t lines;
    size_t words;
};

static void skip_blanks(struct reader *json) {
    while (json->at < json->end && (*json->at == ' ' || *json->at == '\t' || *json->at == '\n' || *json->at == '\r')) {
        json->at++;
    }
}

/* Takes one character if it comes next. */
static int take(struct reader *json, char wanted) {
    skip_blanks(json);
    if (json->at == json->end || *json->at != wanted) {
        return 0;
    }
    json->at++;
    return 1;
}

/* The value of four hexadecimal digits, or -1. */
static int hexadecimal(struct reader *json) {
    int value = 0;
    if (json->end - json->at < 4) {
        return -1;
    }
    for (int digit = 0; digit < 4; digit++) {
        char c = *json->at++;
        int number = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
        if (number < 0) {
            return -1;
        }
        value = value * 16 + number;
    }
    return value;
}

/* Reads what follows a backslash: the character that is meant, with *bytes as many as it has in UTF-8; -1 when it is
 * no escape. */
static int escape(struct reader *json, size_t *bytes) {
    static const char plain[] = "\"\\/bfnrt";
    static const char meant[] = "\"\\/\b\f\n\r\t";
    if (json->at == json->end) {
        return -1;
    }
    char c = *json->at++;
    *bytes = 1;
    if (c == 'u') {
        int value = hexadecimal(json);
        /* Each half of a surrogate pair counts as two of its four bytes. */
        *bytes = value < 0x80 ? 1 : value < 0x800 || (value >= 0xd800 && value <= 0xdfff) ? 2 : 3;
        return value;
    }
    for (int at = 0; plain[at] != 0; at++) {
        if (plain[at] == c) {
            return meant[at];
        }
    }
    return -1;
}

/* Reads a string and measures it. Returns whether it is one. */
static int string(struct reader *json, struct counts *counts) {
    int in_word = 0;
    int last = '\n';
    *counts = (struct counts){0, 0, 0};
    if (!take(json, '"')) {
        return 0;
    }
    while (json->at < json->end && *json->at != '"') {
        size_t bytes = 1;
        int c = (unsigned char)*json->at++;
        if (c == '\\') {
            c = escape(json, &bytes);
        }
        if (c < 0) {
            return 0;
        }
        int blank = c == ' ' || c == '\t' || c == '\n' || c == '\r';
        counts->bytes += bytes;
        counts->lines += c == '\n';
        counts->words += !blank && !in_word;
        in_word = !blank;
        last = c;
    }
    counts->lines += last != '\n';
    return take(json, '"');
}

/* Passes over a value of any kind. Returns whether there was one. */
static int skip_value(struct reader *json) {
    struct counts ignored;
    int depth = 0;
    do {
        skip_blanks(json);
        if (json->at == json->end) {
            return 0;
        }
        char c = *json->at;
        if (c == '"') {
            if (!string(json, &ignored)) {
                return 0;
            }
            continue;
        }
        if (depth == 0 && (c == ',' || c == '}' || c == ']')) {
            return 0;
        }
        depth += (c == '{' || c == '[') - (c == '}' || c == ']');
        json->at++;
        /* A number or a word ends before what may follow a value. */
        while (depth == 0 && c != '}' && c != ']' && json->at < json->end && *json->at != ',' && *json->at != '}' && *json->at != ']') {
            json->at++;
        }
    } while (depth > 0);
    return 1;
}

/* Finds the member `text` of an object and measures it. */
static int read_text(struct reader *json, struct counts *counts) {
    int found = 0;
    if (!take(json, '{')) {
        return 0;
    }
    if (take(json, '}')) {
        return 0;
    }
    do {
        struct counts ignored;
        skip_blanks(json);
        const char *key = json->at + 1;
        if (!string(json, &ignored)) {
            return 0;
        }
        int is_text = json->at - key == 5 && key[0] == 't' && key[1] == 'e' && key[2] == 'x' && key[3] == 't';
        if (!take(json, ':')) {
            return 0;
        }
        skip_blanks(json);
        int is_string = json->at < json->end && *json->at == '"';
        if (is_text && is_string) {
            found = string(json, counts);
        } else if (skip_value(json)) {
            found = found && !is_text;
        } else {
            return 0;
        }
    } while (take(json, ','));
    return take(json, '}') && found;
}

static char *write_text(char *at, const char *text) {
    while (*text != 0) {
        *at++ = *text++;
    }
    return at;
}

static char *write_number(char *at, size_t number) {
    char digits[20];
    int count = 0;
    do {
        digits[count++] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    while (count > 0) {
        *at++ = digits[--count];
    }
    return at;
}

size_t count_answer(const char *input, size_t length, char answer[COUNT_ANSWER], int *refused) {
    struct reader json = {input, input + length};
    struct counts counts;
    char *at = answer;
    *refused = !read_text(&json, &counts);
    if (*refused) {
        at = write_text(at, "{\"success\":false,\"reason\":\"invalid_input\",");
        at = write_text(at, "\"message\":\"expected an object with a string `text`\"}");
        return (size_t)(at - answer);
    }
    at = write_number(write_text(at, "{\"bytes\":"), counts.bytes);
    at = write_number(write_text(at, ",\"lines\":"), counts.lines);
    at = write_number(write_text(at, ",\"words\":"), counts.words);
    at = write_text(at, "}");
    return (size_t)(at - answer);
}
