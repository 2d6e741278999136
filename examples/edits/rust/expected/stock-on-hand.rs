//! Stock keeping for a small shop with several storage places.

use std::collections::BTreeMap;

pub type Sku = String;

/// Where a pile of goods lies.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    Shelf { aisle: u8, level: u8 },
    ColdRoom,
    Yard,
}

#[derive(Debug, PartialEq, Eq)]
pub enum StockError {
    UnknownSku(Sku),
    NotEnough { wanted: u32, have: u32 },
}

#[derive(Debug, Default)]
pub struct Stock {
    piles: BTreeMap<Sku, BTreeMap<Place, u32>>,
}

impl Stock {
    /// Books incoming goods.
    pub fn receive(&mut self, sku: &str, place: Place, amount: u32) {
        *self
            .piles
            .entry(sku.to_owned())
            .or_default()
            .entry(place)
            .or_insert(0) += amount;
    }

    /// Total over all places.
    pub fn on_hand(&self, sku: &str) -> u32 {
        let Some(places) = self.piles.get(sku) else {
            return 0;
        };
        places
            .values()
            .fold(0, |sum, &pile| sum.saturating_add(pile))
    }

    /// Takes `amount` pieces, emptying small piles first.
    pub fn take(&mut self, sku: &str, amount: u32) -> Result<Vec<(Place, u32)>, StockError> {
        let have = self.on_hand(sku);
        let places = self
            .piles
            .get_mut(sku)
            .ok_or_else(|| StockError::UnknownSku(sku.to_owned()))?;
        if have < amount {
            return Err(StockError::NotEnough {
                wanted: amount,
                have,
            });
        }

        let mut order: Vec<Place> = places.keys().cloned().collect();
        order.sort_by_key(|place| places[place]);

        let mut left = amount;
        let mut picked = Vec::new();
        for place in order {
            if left == 0 {
                break;
            }
            let pile = places.get_mut(&place).expect("the place is a key");
            let part = left.min(*pile);
            *pile -= part;
            left -= part;
            picked.push((place, part));
        }

        places.retain(|_, pile| *pile > 0);
        Ok(picked)
    }

    /// Everything below its reorder level, as `(sku, missing)`.
    pub fn shortages(&self, levels: &BTreeMap<Sku, u32>) -> Vec<(Sku, u32)> {
        levels
            .iter()
            .filter_map(|(sku, &level)| {
                let have = self.on_hand(sku);
                (have < level).then(|| (sku.clone(), level - have))
            })
            .collect()
    }
}

/// Label printed on a storage place.
pub fn label(place: &Place) -> String {
    match place {
        Place::Shelf { aisle, level } => format!("S{aisle:02}-{level}"),
        Place::ColdRoom => "COLD".to_owned(),
        Place::Yard => "YARD".to_owned(),
    }
}
