int inv_audit(const struct inventory *inv, FILE *out)
{
    int wrong = 0;

    for (int i = 0; i < inv->item_count; i++) {
        int sum = 0;

        // ... existing code ...
        if (sum != inv->items[i].on_hand) {
            wrong++;
#ifdef INV_VERBOSE
            fprintf(out, "%s: books %d, bins %d\n", inv->items[i].code,
                    inv->items[i].on_hand, sum);
#else
            fprintf(out, "%s differs\n", inv->items[i].code);
#endif
        }
    }
    return wrong;
}
