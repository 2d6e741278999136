/* Shopping cart totals. All money is in cents. */
#include <stddef.h>

#define MAX_LINES 32

struct cart_line {
    int sku;
    int quantity;
    long unit_cents;
};

struct cart {
    struct cart_line lines[MAX_LINES];
    size_t count;
};

/* Sum of all lines before discounts. */
long cart_subtotal(const struct cart *cart)
{
    long sum = 0;
    for (size_t i = 0; i < cart->count; i++)
        sum += cart->lines[i].quantity * cart->lines[i].unit_cents;
    return sum;
}

/*
 * Takes a percentage off an amount.
 * The result is rounded down to a whole cent.
 */
long apply_discount(long cents, int percent)
{
    if (percent < 0)
        percent = 0;
    if (percent > 100)
        percent = 100;
    return cents - cents * percent / 100;
}

/* Shipping is free from 50.00 on. */
long shipping_cost(long subtotal)
{
    return subtotal >= 5000 ? 0 : 495;
}

long cart_total(const struct cart *cart, int percent)
{
    long subtotal = apply_discount(cart_subtotal(cart), percent);
    return subtotal + shipping_cost(subtotal);
}
