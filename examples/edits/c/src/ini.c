/*
 * Reader for simple INI files.
 *
 * Lines are "key = value", "[section]", or a comment that starts with ';'
 * or '#'. Values keep their inner blanks.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define INI_MAX_LINE 256
#define INI_MAX_NAME 64

typedef int (*ini_handler)(void *user, const char *section, const char *key,
                           const char *value);

enum ini_status {
    INI_OK = 0,
    INI_BAD_SECTION,
    INI_BAD_PAIR,
    INI_STOPPED
};

static char *skip_blanks(char *p)
{
    while (*p != '\0' && isspace((unsigned char)*p))
        p++;
    return p;
}

/* Cuts blanks and the line end off the end of `p`. */
static void strip_end(char *p)
{
    size_t n = strlen(p);

    while (n > 0 && isspace((unsigned char)p[n - 1]))
        n--;
    p[n] = '\0';
}

/* Copies a name and cuts it when it is too long. */
static void copy_name(char *into, const char *from)
{
    strncpy(into, from, INI_MAX_NAME - 1);
    into[INI_MAX_NAME - 1] = '\0';
}

/* Reads "[name]"; `p` points at the bracket. */
static enum ini_status parse_section(char *p, char *section)
{
    char *close = strchr(p, ']');

    if (close == NULL)
        return INI_BAD_SECTION;
    *close = '\0';
    p = skip_blanks(p + 1);
    strip_end(p);
    copy_name(section, p);
    return INI_OK;
}

/* Reads "key = value" and hands it to the handler. */
static enum ini_status parse_pair(char *p, const char *section,
                                  ini_handler handler, void *user)
{
    char *equals = strchr(p, '=');
    char *value;

    if (equals == NULL)
        return INI_BAD_PAIR;
    *equals = '\0';
    value = skip_blanks(equals + 1);
    strip_end(p);
    strip_end(value);
    if (*p == '\0')
        return INI_BAD_PAIR;
    if (handler(user, section, p, value) != 0)
        return INI_STOPPED;
    return INI_OK;
}

/*
 * Reads the whole file. `bad_line` gets the number of the line on which
 * reading stopped, or 0.
 */
enum ini_status ini_parse(FILE *file, ini_handler handler, void *user,
                          int *bad_line)
{
    char line[INI_MAX_LINE];
    char section[INI_MAX_NAME] = "";
    enum ini_status status = INI_OK;
    int number = 0;

    while (fgets(line, sizeof line, file) != NULL) {
        char *p = skip_blanks(line);

        number++;
        if (*p == '\0' || *p == ';' || *p == '#')
            continue;
        if (*p == '[')
            status = parse_section(p, section);
        else
            status = parse_pair(p, section, handler, user);
        if (status != INI_OK) {
            *bad_line = number;
            return status;
        }
    }
    *bad_line = 0;
    return INI_OK;
}

const char *ini_status_text(enum ini_status status)
{
    switch (status) {
    case INI_OK:          return "ok";
    case INI_BAD_SECTION: return "section without ']'";
    case INI_BAD_PAIR:    return "line without '='";
    case INI_STOPPED:     return "stopped by the handler";
    }
    return "unknown";
}
