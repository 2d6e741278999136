pub fn slugify(heading: &str) -> String {
    let mut out = String::with_capacity(heading.len());
    // ... existing code ...
    out.truncate(MAX_LEN);
    while out.ends_with('-') {
        out.pop();
    }
    out
}
