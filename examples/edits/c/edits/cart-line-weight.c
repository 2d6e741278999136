struct cart_line {
    int sku;
    int quantity;
    long unit_cents;
    int weight_grams;
};
