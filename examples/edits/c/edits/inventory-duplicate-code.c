// ... existing code ...

enum inv_error {
    INV_OK = 0,
    INV_FULL,
    INV_UNKNOWN_ITEM,
    INV_UNKNOWN_BIN,
    INV_BAD_CODE,
    INV_DUPLICATE,
    INV_NOT_ENOUGH,
    INV_NO_MEMORY,
    INV_IO
};

// ... existing code ...

const char *inv_error_text(enum inv_error error)
{
    switch (error) {
    case INV_OK:           return "ok";
    case INV_FULL:         return "table is full";
    case INV_UNKNOWN_ITEM: return "no such item";
    case INV_UNKNOWN_BIN:  return "no such bin";
    case INV_BAD_CODE:     return "malformed item code";
    case INV_DUPLICATE:    return "item code is taken";
    case INV_NOT_ENOUGH:   return "not enough stock";
    case INV_NO_MEMORY:    return "out of memory";
    case INV_IO:           return "write failed";
    }
    return "?";
}

// ... existing code ...

enum inv_error inv_add_item(struct inventory *inv, const char *code,
                            const char *name, long price_cents,
                            int reorder_level)
{
    struct item *item;

    if (!valid_code(code))
        return INV_BAD_CODE;
    if (inv_find_item(inv, code) >= 0)
        return INV_DUPLICATE;
    if (inv->item_count == INV_MAX_ITEMS)
        return INV_FULL;
    // ... existing code ...
}

// ... existing code ...
