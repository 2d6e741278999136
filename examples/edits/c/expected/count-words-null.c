/* Breaks paragraphs into lines of a given width. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

struct wrap_options {
    int width;
    int indent;
    int justify;
};

struct wrapper {
    const struct wrap_options *options;
    FILE *out;
    char line[1024];
    int used;
    int words;
};

static void begin_line(struct wrapper *w)
{
    w->used = 0;
    w->words = 0;
    for (int i = 0; i < w->options->indent; i++)
        w->line[w->used++] = ' ';
}

static void flush_line(struct wrapper *w)
{
    if (w->words == 0)
        return;
    fwrite(w->line, 1, (size_t)w->used, w->out);
    fputc('\n', w->out);
    begin_line(w);
}

/* Widens the gaps of a line until it fills the width. */
static void justify_line(struct wrapper *w)
{
    int missing = w->options->width - w->used;
    int gaps = w->words - 1;
    int pos = w->options->indent;

    while (missing > 0 && gaps > 0) {
        int share = (missing + gaps - 1) / gaps;

        while (w->line[pos] != ' ')
            pos++;
        memmove(w->line + pos + share, w->line + pos,
                (size_t)(w->used - pos));
        memset(w->line + pos, ' ', (size_t)share);
        w->used += share;
        missing -= share;
        pos += share + 1;
        gaps--;
    }
}

static void add_word(struct wrapper *w, const char *word, int length)
{
    int needed = length + (w->words > 0 ? 1 : 0);

    if (w->words > 0 && w->used + needed > w->options->width) {
        if (w->options->justify)
            justify_line(w);
        flush_line(w);
    }
    if (w->words > 0)
        w->line[w->used++] = ' ';
    memcpy(w->line + w->used, word, (size_t)length);
    w->used += length;
    w->words++;
}

/* Wraps one paragraph; blanks and line ends in `text` separate words. */
void wrap_paragraph(const char *text, const struct wrap_options *options,
                    FILE *out)
{
    struct wrapper w = {0};

    w.options = options;
    w.out = out;
    begin_line(&w);
    while (*text != '\0') {
        const char *start;

        while (isspace((unsigned char)*text))
            text++;
        start = text;
        while (*text != '\0' && !isspace((unsigned char)*text))
            text++;
        if (text > start)
            add_word(&w, start, (int)(text - start));
    }
    flush_line(&w);
}

/* Counts the words of a text, as `wrap_paragraph` sees them. */
int count_words(const char *text)
{
    int words = 0;
    int inside = 0;

    if (text == NULL)
        return 0;
    for (; *text != '\0'; text++) {
        if (isspace((unsigned char)*text)) {
            inside = 0;
        } else if (!inside) {
            inside = 1;
            words++;
        }
    }
    return words;
}
