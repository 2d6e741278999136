static enum ini_status parse_pair(char *p, const char *section,
                                  ini_handler handler, void *user)
{
    char *equals = strpbrk(p, "=:");
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
