use std::fmt;

/// An opaque 24-bit colour.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Rgb(pub u8, pub u8, pub u8);

impl Rgb {
    pub const BLACK: Rgb = Rgb(0, 0, 0);
    pub const WHITE: Rgb = Rgb(255, 255, 255);

    /// Reads `#rrggbb`.
    pub fn from_hex(text: &str) -> Option<Rgb> {
        let digits = text.strip_prefix('#')?;
        if digits.len() != 6 {
            return None;
        }
        let value = u32::from_str_radix(digits, 16).ok()?;
        Some(Rgb((value >> 16) as u8, (value >> 8) as u8, value as u8))
    }

    /// Perceived brightness, 0 to 255.
    pub fn luma(self) -> u8 {
        let Rgb(r, g, b) = self;
        ((u32::from(r) * 3 + u32::from(g) * 6 + u32::from(b)) / 10) as u8
    }

    // Used by the theme switcher.
    pub fn is_dark(self) -> bool {
        self.luma() < 128
    }
}

impl fmt::Display for Rgb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{:02x}{:02x}{:02x}", self.0, self.1, self.2)
    }
}
