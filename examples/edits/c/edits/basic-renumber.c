// ... existing code ...

static void list_program(const struct basic *b, FILE *out)
{
    for (int i = 0; i < b->line_count; i++)
        fprintf(out, "%d %s\n", b->lines[i].number, b->lines[i].text);
}

/* Gives the lines new numbers: 10, 20, 30. Jump targets are not changed. */
static void renumber(struct basic *b)
{
    for (int i = 0; i < b->line_count; i++)
        b->lines[i].number = (i + 1) * 10;
}

// ... existing code ...

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
        else if (strcmp(word, "RENUM") == 0)
            renumber(b);
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

// ... existing code ...
