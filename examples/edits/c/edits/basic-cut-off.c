static void statement(struct basic *b)
{
    enum keyword keyword = b->lex.keyword;

    if (b->lex.token == T_VAR) {
        do_let(b);
        return;
    }
    if (keyword == K_REM)
        return;
    advance(b);
    switch (keyword) {
    case K_PRINT:
        do_print(b);
        break;
    default:
        error(b, "unknown sta
