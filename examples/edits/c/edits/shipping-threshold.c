// ... existing code ...

/* Shipping is free from 80.00 on and for an empty cart. */
long shipping_cost(long subtotal)
{
    if (subtotal == 0)
        return 0;
    return subtotal >= 8000 ? 0 : 495;
}

// ... existing code ...
