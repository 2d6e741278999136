//! What ast-grep needs to know of a language.

use std::borrow::Cow;

use ast_grep_core::matcher::PatternBuilder;
use ast_grep_core::tree_sitter::{LanguageExt, StrDoc, TSLanguage};
use ast_grep_core::{Language as AstLanguage, Pattern, PatternError};

use crate::language::Language;

/// A language as ast-grep sees it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Grammar(pub(super) Language);

/// A parsed text.
pub(super) type Document = StrDoc<Grammar>;

impl AstLanguage for Grammar {
    /// What stands for `$` while a pattern is parsed, in languages that have no `$` in identifiers.
    fn expando_char(&self) -> char {
        match self.0 {
            Language::Python | Language::Rust | Language::Go => 'µ',
            // A letter beyond the basic plane, which the C grammars take where they refuse `µ`.
            Language::C | Language::Cpp => '𐀀',
            Language::Java | Language::JavaScript | Language::TypeScript | Language::Tsx => '$',
        }
    }

    fn pre_process_pattern<'q>(&self, pattern: &'q str) -> Cow<'q, str> {
        let letter = self.expando_char();
        if letter == '$' {
            return Cow::Borrowed(pattern);
        }
        // Only a `$` that begins a metavariable changes: up to three, then a capital letter or `_`, or three alone.
        let mut text = String::with_capacity(pattern.len());
        let mut rest = pattern;
        while let Some(at) = rest.find('$') {
            let (before, from) = rest.split_at(at);
            let name = from.trim_start_matches('$');
            let dollars = from.len() - name.len();
            let variable = dollars == 3 || name.starts_with(|c: char| c.is_ascii_uppercase() || c == '_');
            text.push_str(before);
            text.extend(std::iter::repeat_n(if variable { letter } else { '$' }, dollars));
            rest = name;
        }
        text.push_str(rest);
        Cow::Owned(text)
    }

    fn kind_to_id(&self, kind: &str) -> u16 {
        self.get_ts_language().id_for_node_kind(kind, true)
    }

    fn field_to_id(&self, field: &str) -> Option<u16> {
        self.get_ts_language().field_id_for_name(field).map(|id| id.get())
    }

    fn build_pattern(&self, builder: &PatternBuilder<'_>) -> Result<Pattern, PatternError> {
        builder.build(|text| StrDoc::try_new(text, *self))
    }
}

impl LanguageExt for Grammar {
    fn get_ts_language(&self) -> TSLanguage {
        self.0.grammar()
    }
}
