enum ini_status ini_write_value(FILE *file, const struct ini_tree *tree)
{
    const struct ini_node *node = tree->first;
    // ... existing code ...
    if (fputs(node->value, file) == EOF)
        return INI_WRITE_FAILED;
    fflush(file);
    // ... existing code ...
}
