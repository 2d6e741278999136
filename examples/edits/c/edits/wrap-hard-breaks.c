static void add_word(struct wrapper *w, const char *word, int length)
{
    int needed = length + (w->words > 0 ? 1 : 0);

    if (length > (int)sizeof w->line - w->options->indent)
        return;
    if (w->words > 0 && w->used + needed > w->options->width) {
        // ... existing code ...
    }
    // ... existing code ...
}
