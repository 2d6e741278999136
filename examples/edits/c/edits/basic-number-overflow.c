static void lex_number(struct lexer *lex)
{
    long value = 0;

    while (isdigit((unsigned char)*lex->pos)) {
        int digit = *lex->pos - '0';

        if (value > (LONG_MAX - digit) / 10)
            value = LONG_MAX;
        else
            value = value * 10 + digit;
        lex->pos++;
    }
    lex->token = T_NUMBER;
    lex->number = value;
}
