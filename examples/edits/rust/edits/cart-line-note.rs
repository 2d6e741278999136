pub struct Line {
    pub sku: String,
    pub quantity: u32,
    pub unit_cents: u64,
    pub note: Option<String>,
}
