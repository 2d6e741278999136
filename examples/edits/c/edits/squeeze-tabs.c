void squeeze(char *s) {
    char *out = s;
    int in_blank = 0;
    for (; *s; s++) {
        if (isspace((unsigned char)*s)) {
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
