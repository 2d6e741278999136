//! Why a request is refused.

/// A refusal. It is final: the same input is refused again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CodeError {
    /// The input is not the JSON that the booster expects.
    #[error("{0}")]
    InvalidInput(String),
    /// The language is not named, or not one of the eight.
    #[error("{0}")]
    LanguageUnknown(String),
    /// A text of the input is larger than what is accepted.
    #[error("{0}")]
    TooLarge(String),
    /// A rule of the request cannot be used, or is not known.
    #[error("{0}")]
    RuleInvalid(String),
    /// A name of the request is not in the code.
    #[error("{0}")]
    SymbolUnknown(String),
    /// There is nothing in the code that the request applies to.
    #[error("{0}")]
    NothingToDo(String),
    /// The code has syntax errors that make the request impossible.
    #[error("{0}")]
    SyntaxError(String),
}

impl CodeError {
    /// A stable, machine-readable code; it is the refusal's `reason`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::InvalidInput(_) => "invalid_input",
            Self::LanguageUnknown(_) => "language_unknown",
            Self::TooLarge(_) => "too_large",
            Self::RuleInvalid(_) => "rule_invalid",
            Self::SymbolUnknown(_) => "symbol_unknown",
            Self::NothingToDo(_) => "nothing_to_do",
            Self::SyntaxError(_) => "syntax_error",
        }
    }

    /// Never: the same input is refused again.
    pub fn is_retryable(&self) -> bool {
        false
    }

    /// The refusal as a booster answers it.
    pub fn to_json(&self) -> String {
        let message = self.to_string();
        serde_json::json!({ "success": false, "reason": self.code(), "message": message }).to_string()
    }
}
