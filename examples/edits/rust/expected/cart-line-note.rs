//! A shopping cart with integer prices in cents.

/// One line of the cart.
#[derive(Debug, Clone)]
pub struct Line {
    pub sku: String,
    pub quantity: u32,
    pub unit_cents: u64,
    pub note: Option<String>,
}

/// Sum of all lines, before any discount.
pub fn subtotal(lines: &[Line]) -> u64 {
    lines
        .iter()
        .map(|line| line.unit_cents * u64::from(line.quantity))
        .sum()
}

/// Takes `percent` off the subtotal, rounding down.
pub fn apply_discount(lines: &[Line], percent: u64) -> u64 {
    let total = subtotal(lines);
    total - total * percent / 100
}

/// Free shipping starts at fifty euros.
pub fn shipping_cents(total: u64) -> u64 {
    if total >= 5_000 {
        0
    } else {
        490
    }
}
