//! Why a module cannot be adapted.

/// What is wrong with a module or with its adapter.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AdaptError {
    /// The bytes are no WebAssembly module.
    #[error("no WebAssembly module: {0}")]
    Malformed(String),
    /// The module does not have what its contract asks for.
    #[error("{0}")]
    Contract(String),
    /// The module imports what is not offered.
    #[error("it imports `{module}.{name}`, which is not offered; {offered}")]
    Import {
        /// The import's module.
        module: String,
        /// Its name.
        name: String,
        /// What is offered.
        offered: &'static str,
    },
}

impl AdaptError {
    /// A stable, machine-readable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "module_malformed",
            Self::Contract(_) => "module_contract",
            Self::Import { .. } => "module_import",
        }
    }

    /// Never: the same module is refused again.
    pub fn is_retryable(&self) -> bool {
        false
    }
}
