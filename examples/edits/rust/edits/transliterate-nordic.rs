// ... existing code ...

/// Replacement for letters that have a usual ASCII spelling.
fn transliterate(c: char) -> Option<&'static str> {
    match c {
        'ä' | 'æ' => Some("ae"),
        'ö' | 'ø' => Some("oe"),
        'ü' => Some("ue"),
        'ß' => Some("ss"),
        'å' => Some("aa"),
        'é' | 'è' | 'ê' => Some("e"),
        _ => None,
    }
}

// ... rest of the file ...
