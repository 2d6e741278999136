pub struct Cart;

impl Cart {
    /// New.
    pub fn new() -> Self {
        Cart
    }

    pub fn total(&self, rate: f64) -> f64 {
        rate
    }
}

#[must_use]
pub fn parse_line(text: &str, most: usize) -> Result<u8, Error> {
    text.parse()
}
