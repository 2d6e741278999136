/// What can be wrong with a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CsvError {
    // ... existing variants ...
    /// Something other than a separator came after a closing quote.
    TrailingText { column: usize, found: char },
    /// The record has a NUL character in it.
    Nul { column: usize },
}
