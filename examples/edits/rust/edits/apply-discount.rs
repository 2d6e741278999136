pub fn apply_discount(lines: &[Line], percent: u64) -> u64 {
    let total = subtotal(lines);
    let percent = percent.min(100);
    total - total * percent / 100
}
