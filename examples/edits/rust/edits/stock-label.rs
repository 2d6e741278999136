pub fn label(place: &Place) -> String {
    match place {
        Place::Shelf { aisle, level } if *level == 0 => format!("F{aisle:02}"),
        Place::Shelf { aisle, level } => format!("S{aisle:02}-{level}"),
        Place::ColdRoom => "COLD".to_owned(),
        Place::Yard => "YARD".to_owned(),
    }
}
