// ... existing code ...

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
