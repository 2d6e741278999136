// ... existing code ...

/// Sum of all lines, before any discount.
pub fn subtotal(lines: &[Line]) -> u64 {
    lines
        .iter()
        .map(|line| line.unit_cents * u64::from(line.quantity))
        .sum()
}

/// Number of single pieces in the cart.
pub fn item_count(lines: &[Line]) -> u32 {
    lines.iter().map(|line| line.quantity).sum()
}

// ... existing code ...
