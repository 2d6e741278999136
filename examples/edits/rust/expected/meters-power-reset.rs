//! Utility meters in a house; each counts in its own unit.

pub trait Meter {
    /// Unit shown next to the reading.
    fn unit(&self) -> &'static str;
    fn reset(&mut self);
}

#[derive(Default)]
pub struct Water {
    total: u64,
    leaks: u32,
}

#[derive(Default)]
pub struct Power {
    total: u64,
    peak_watts: u32,
}

impl Meter for Water {
    fn unit(&self) -> &'static str {
        "l"
    }

    fn reset(&mut self) {
        self.total = 0;
    }
}

impl Meter for Power {
    fn unit(&self) -> &'static str {
        "kWh"
    }

    fn reset(&mut self) {
        self.total = 0;
        self.peak_watts = 0;
    }
}

impl Power {
    pub fn record(&mut self, watts: u32, hours: u64) {
        self.total += u64::from(watts) * hours / 1000;
        self.peak_watts = self.peak_watts.max(watts);
    }
}
