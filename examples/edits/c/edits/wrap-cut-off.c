void wrap_paragraph(const char *text, const struct wrap_options *options,
                    FILE *out)
{
    struct wrapper w = {0};

    if (text == NULL || options == NULL)
        return;
    w.options = options;
    w.out = out;
    begin_line(&w);
    while (*text != '\0') {
        const char *start;

        while (isspace((unsigned
