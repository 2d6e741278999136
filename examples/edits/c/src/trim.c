#include <ctype.h>
#include <string.h>

// Removes blanks at the end of the string, in place.
void trim_right(char *s) {
    size_t n = strlen(s);
    while (n > 0 && isspace((unsigned char)s[n - 1])) {
        n--;
    }
    s[n] = '\0';
}

// Removes blanks at the start of the string, in place.
void trim_left(char *s) {
    size_t skip = 0;
    while (isspace((unsigned char)s[skip])) {
        skip++;
    }
    memmove(s, s + skip, strlen(s + skip) + 1);
}

void trim(char *s) {
    trim_right(s);
    trim_left(s);
}

// Makes runs of blanks one space wide.
void squeeze(char *s) {
    char *out = s;
    int in_blank = 0;
    for (; *s; s++) {
        if (*s == ' ') {
            if (!in_blank) {
                *out++ = ' ';
            }
            in_blank = 1;
        } else {
            *out++ = *s;
            in_blank = 0;
        }
    }
    *out = '\0';
}
