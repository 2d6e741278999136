pub mod error {
    // ... existing code ...

    /// The kinds of mistakes the reader knows.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub enum Kind {
        UnclosedHeader,
        EmptyHeader,
        MissingEquals,
        EmptyKey,
        DuplicateKey(String),
        BadEscape(char),
    }

    // ... existing code ...
}
