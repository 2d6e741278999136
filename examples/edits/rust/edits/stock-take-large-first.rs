    /// Takes `amount` pieces, emptying large piles first.
    pub fn take(&mut self, sku: &str, amount: u32) -> Result<Vec<(Place, u32)>, StockError> {
        let have = self.on_hand(sku);
        // ... existing code ...

        let mut order: Vec<Place> = places.keys().cloned().collect();
        order.sort_by_key(|place| std::cmp::Reverse(places[place]));

        let mut left = amount;
        // ... existing code ...
        Ok(picked)
    }
