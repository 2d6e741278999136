/*
 * inventory.c - stock keeping for a small warehouse.
 *
 * The module keeps three tables in memory: items, bins and movements. An
 * item is a kind of thing we sell, a bin is a place on a shelf, and a
 * movement is a line in the journal. Stock never changes without a line in
 * the journal, so that the state can be rebuilt at any time.
 *
 * Money is in cents, dates are days since 2000-01-01.
 */
#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INV_MAX_ITEMS 512
#define INV_MAX_BINS 128
#define INV_CODE_LEN 12
#define INV_NAME_LEN 40

enum inv_error {
    INV_OK = 0,
    INV_FULL,
    INV_UNKNOWN_ITEM,
    INV_UNKNOWN_BIN,
    INV_BAD_CODE,
    INV_NOT_ENOUGH,
    INV_NO_MEMORY,
    INV_IO
};

enum inv_kind {
    MOVE_RECEIVE,
    MOVE_PICK,
    MOVE_TRANSFER,
    MOVE_CORRECTION
};

struct item {
    char code[INV_CODE_LEN + 1];
    char name[INV_NAME_LEN + 1];
    long price_cents;
    int reorder_level;
    int on_hand;
    bool discontinued;
};

struct bin {
    int aisle;
    int shelf;
    int item;          /* index into items, or -1 */
    int quantity;
    int capacity;
};

struct movement {
    enum inv_kind kind;
    int day;
    int item;
    int from_bin;      /* -1 when it comes from outside */
    int to_bin;        /* -1 when it leaves the house */
    int quantity;
};

struct inventory {
    struct item items[INV_MAX_ITEMS];
    int item_count;
    struct bin bins[INV_MAX_BINS];
    int bin_count;
    struct movement *journal;
    size_t journal_len;
    size_t journal_cap;
    int today;
};

/* ==================================================================
 * Set-up
 * ================================================================== */

void inv_init(struct inventory *inv, int today)
{
    memset(inv, 0, sizeof *inv);
    inv->today = today;
}

void inv_dispose(struct inventory *inv)
{
    free(inv->journal);
    inv->journal = NULL;
    inv->journal_len = 0;
    inv->journal_cap = 0;
}

const char *inv_error_text(enum inv_error error)
{
    switch (error) {
    case INV_OK:           return "ok";
    case INV_FULL:         return "table is full";
    case INV_UNKNOWN_ITEM: return "no such item";
    case INV_UNKNOWN_BIN:  return "no such bin";
    case INV_BAD_CODE:     return "malformed item code";
    case INV_NOT_ENOUGH:   return "not enough stock";
    case INV_NO_MEMORY:    return "out of memory";
    case INV_IO:           return "write failed";
    }
    return "?";
}

/* ==================================================================
 * Items
 * ================================================================== */

/* A code is two capital letters, a dash, and one to nine digits. */
static bool valid_code(const char *code)
{
    size_t n = strlen(code);

    if (n < 4 || n > INV_CODE_LEN)
        return false;
    if (!isupper((unsigned char)code[0]) || !isupper((unsigned char)code[1]))
        return false;
    if (code[2] != '-')
        return false;
    for (size_t i = 3; i < n; i++) {
        if (!isdigit((unsigned char)code[i]))
            return false;
    }
    return true;
}

/* Index of the item with this code, or -1. */
int inv_find_item(const struct inventory *inv, const char *code)
{
    for (int i = 0; i < inv->item_count; i++) {
        if (strcmp(inv->items[i].code, code) == 0)
            return i;
    }
    return -1;
}

enum inv_error inv_add_item(struct inventory *inv, const char *code,
                            const char *name, long price_cents,
                            int reorder_level)
{
    struct item *item;

    if (!valid_code(code))
        return INV_BAD_CODE;
    if (inv->item_count == INV_MAX_ITEMS)
        return INV_FULL;
    item = &inv->items[inv->item_count++];
    memset(item, 0, sizeof *item);
    strcpy(item->code, code);
    strncpy(item->name, name, INV_NAME_LEN);
    item->price_cents = price_cents;
    item->reorder_level = reorder_level;
    return INV_OK;
}

enum inv_error inv_set_price(struct inventory *inv, const char *code,
                             long price_cents)
{
    int index = inv_find_item(inv, code);

    if (index < 0)
        return INV_UNKNOWN_ITEM;
    inv->items[index].price_cents = price_cents;
    return INV_OK;
}

/* A discontinued item can be sold out but not bought any more. */
enum inv_error inv_discontinue(struct inventory *inv, const char *code)
{
    int index = inv_find_item(inv, code);

    if (index < 0)
        return INV_UNKNOWN_ITEM;
    inv->items[index].discontinued = true;
    return INV_OK;
}

/* ==================================================================
 * Bins
 * ================================================================== */

/* Returns the number of the new bin, or -1. */
int inv_add_bin(struct inventory *inv, int aisle, int shelf, int capacity)
{
    struct bin *bin;

    if (inv->bin_count == INV_MAX_BINS)
        return -1;
    bin = &inv->bins[inv->bin_count];
    bin->aisle = aisle;
    bin->shelf = shelf;
    bin->item = -1;
    bin->quantity = 0;
    bin->capacity = capacity;
    return inv->bin_count++;
}

static bool valid_bin(const struct inventory *inv, int bin)
{
    return bin >= 0 && bin < inv->bin_count;
}

/* How many pieces of the item still fit into the bin. */
static int room_for(const struct inventory *inv, int bin, int item)
{
    const struct bin *b = &inv->bins[bin];

    if (b->item >= 0 && b->item != item)
        return 0;
    return b->capacity - b->quantity;
}

/* The first bin with room for the whole quantity, or -1. */
int inv_suggest_bin(const struct inventory *inv, int item, int quantity)
{
    for (int i = 0; i < inv->bin_count; i++) {
        if (room_for(inv, i, item) >= quantity)
            return i;
    }
    return -1;
}

static void put_into(struct inventory *inv, int bin, int item, int quantity)
{
    inv->bins[bin].item = item;
    inv->bins[bin].quantity += quantity;
}

static void take_from(struct inventory *inv, int bin, int quantity)
{
    inv->bins[bin].quantity -= quantity;
    if (inv->bins[bin].quantity == 0)
        inv->bins[bin].item = -1;
}

/* ==================================================================
 * Journal
 * ================================================================== */

static enum inv_error journal_add(struct inventory *inv, enum inv_kind kind,
                                  int item, int from_bin, int to_bin,
                                  int quantity)
{
    struct movement *m;

    if (inv->journal_len == inv->journal_cap) {
        size_t cap = inv->journal_cap ? inv->journal_cap * 2 : 64;
        struct movement *grown = realloc(inv->journal, cap * sizeof *grown);

        if (grown == NULL)
            return INV_NO_MEMORY;
        inv->journal = grown;
        inv->journal_cap = cap;
    }
    m = &inv->journal[inv->journal_len++];
    m->kind = kind;
    m->day = inv->today;
    m->item = item;
    m->from_bin = from_bin;
    m->to_bin = to_bin;
    m->quantity = quantity;
    return INV_OK;
}

/* Takes goods in from a supplier. */
enum inv_error inv_receive(struct inventory *inv, const char *code, int bin,
                           int quantity)
{
    int item = inv_find_item(inv, code);
    enum inv_error error;

    if (item < 0)
        return INV_UNKNOWN_ITEM;
    if (!valid_bin(inv, bin))
        return INV_UNKNOWN_BIN;
    if (room_for(inv, bin, item) < quantity)
        return INV_FULL;
    error = journal_add(inv, MOVE_RECEIVE, item, -1, bin, quantity);
    if (error != INV_OK)
        return error;
    put_into(inv, bin, item, quantity);
    inv->items[item].on_hand += quantity;
    return INV_OK;
}

/*
 * Takes goods out for a customer. Goods are taken from as many bins as
 * are needed, in the order of the bins.
 */
enum inv_error inv_pick(struct inventory *inv, const char *code, int quantity)
{
    int item = inv_find_item(inv, code);

    if (item < 0)
        return INV_UNKNOWN_ITEM;
    if (inv->items[item].on_hand < quantity)
        return INV_NOT_ENOUGH;
    for (int i = 0; i < inv->bin_count && quantity > 0; i++) {
        int part = inv->bins[i].quantity;
        enum inv_error error;

        if (inv->bins[i].item != item)
            continue;
        if (part > quantity)
            part = quantity;
        error = journal_add(inv, MOVE_PICK, item, i, -1, part);
        if (error != INV_OK)
            return error;
        take_from(inv, i, part);
        inv->items[item].on_hand -= part;
        quantity -= part;
    }
    return INV_OK;
}

/* Moves goods from one bin to another one. */
enum inv_error inv_transfer(struct inventory *inv, int from, int to,
                            int quantity)
{
    enum inv_error error;
    int item;

    if (!valid_bin(inv, from) || !valid_bin(inv, to))
        return INV_UNKNOWN_BIN;
    item = inv->bins[from].item;
    if (item < 0 || inv->bins[from].quantity < quantity)
        return INV_NOT_ENOUGH;
    if (room_for(inv, to, item) < quantity)
        return INV_FULL;
    error = journal_add(inv, MOVE_TRANSFER, item, from, to, quantity);
    if (error != INV_OK)
        return error;
    take_from(inv, from, quantity);
    put_into(inv, to, item, quantity);
    return INV_OK;
}

/* Sets the quantity of a bin after it was counted by hand. */
enum inv_error inv_correct(struct inventory *inv, int bin, int counted)
{
    int item;
    int difference;
    enum inv_error error;

    if (!valid_bin(inv, bin))
        return INV_UNKNOWN_BIN;
    item = inv->bins[bin].item;
    if (item < 0)
        return INV_UNKNOWN_ITEM;
    difference = counted - inv->bins[bin].quantity;
    if (difference == 0)
        return INV_OK;
    error = journal_add(inv, MOVE_CORRECTION, item, -1, bin, difference);
    if (error != INV_OK)
        return error;
    inv->bins[bin].quantity = counted;
    inv->items[item].on_hand += difference;
    return INV_OK;
}

/* ==================================================================
 * Reports
 * ================================================================== */

/* Value of everything in the house, in cents. */
long inv_total_value(const struct inventory *inv)
{
    long total = 0;

    for (int i = 0; i < inv->item_count; i++)
        total += inv->items[i].price_cents * inv->items[i].on_hand;
    return total;
}

/* Fills `out` with items to buy again; returns how many there are. */
int inv_reorder_list(const struct inventory *inv, int *out, int max)
{
    int found = 0;

    for (int i = 0; i < inv->item_count && found < max; i++) {
        const struct item *item = &inv->items[i];

        if (!item->discontinued && item->on_hand <= item->reorder_level)
            out[found++] = i;
    }
    return found;
}

static const char *kind_text(enum inv_kind kind)
{
    switch (kind) {
    case MOVE_RECEIVE:    return "receive";
    case MOVE_PICK:       return "pick";
    case MOVE_TRANSFER:   return "transfer";
    case MOVE_CORRECTION: return "correction";
    }
    return "?";
}

enum inv_error inv_print_journal(const struct inventory *inv, FILE *out)
{
    for (size_t i = 0; i < inv->journal_len; i++) {
        const struct movement *m = &inv->journal[i];

        fprintf(out, "%6d  %-10s  %-12s  %5d", m->day, kind_text(m->kind),
                inv->items[m->item].code, m->quantity);
        if (m->from_bin >= 0)
            fprintf(out, "  from %d", m->from_bin);
        if (m->to_bin >= 0)
            fprintf(out, "  to %d", m->to_bin);
        fputc('\n', out);
    }
    return ferror(out) ? INV_IO : INV_OK;
}

/* Pieces of an item that were picked in the last `days` days. */
int inv_recent_picks(const struct inventory *inv, int item, int days)
{
    int picked = 0;

    for (size_t i = inv->journal_len; i > 0; i--) {
        const struct movement *m = &inv->journal[i - 1];

        if (m->day <= inv->today - days)
            break;
        if (m->kind == MOVE_PICK && m->item == item)
            picked += m->quantity;
    }
    return picked;
}

/* ==================================================================
 * Checking
 * ================================================================== */

/*
 * Compares the stock of each item with the sum of its bins. Returns the
 * number of items that do not agree.
 */
int inv_audit(const struct inventory *inv, FILE *out)
{
    int wrong = 0;

    for (int i = 0; i < inv->item_count; i++) {
        int sum = 0;

        for (int b = 0; b < inv->bin_count; b++) {
            if (inv->bins[b].item == i)
                sum += inv->bins[b].quantity;
        }
        if (sum != inv->items[i].on_hand) {
            wrong++;
#ifdef INV_VERBOSE
            fprintf(out, "%s: books %d, bins %d\n", inv->items[i].code,
                    inv->items[i].on_hand, sum);
#else
            fprintf(out, "%s\n", inv->items[i].code);
#endif
        }
    }
    return wrong;
}
