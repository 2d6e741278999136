#include <stddef.h>

static int limit(int value, const char *name) {
    return value;
}

void reset(struct cart *cart) {
}
