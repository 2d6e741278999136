enum ini_status ini_parse(FILE *file, ini_handler handler, void *user,
                          int *bad_line)
{
    char line[INI_MAX_LINE];
    // ... existing code ...
    while (fgets(line, sizeof line, file) != NULL) {
        // ... existing code ...
        if (status != INI_OK) {
            if (bad_line != NULL)
                *bad_line = number;
            return status;
        }
    }
    if (bad_line != NULL)
        *bad_line = 0;
    return INI_OK;
}
