pub fn on_hand(&self, sku: &str) -> u32 {
    let Some(places) = self.piles.get(sku) else {
        return 0;
    };
    places
        .values()
        .fold(0, |sum, &pile| sum.saturating_add(pile))
}
