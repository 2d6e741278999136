//! The file an edit is applied to: its text, tree and members.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::ops::Range;

use crate::language::{Language, Parsed};
use crate::outline::{Item, Outline};
use crate::output::{Candidate, Reason, Refusal};
use crate::splice::{self, Splice};
use crate::syntax;
use crate::text::{squash, words};

/// The parsed original.
pub(crate) struct Original<'a> {
    pub(crate) language: Language,
    pub(crate) outline: Outline<'a>,
    tree: tree_sitter::Tree,
    errors: usize,
    /// Members without a name of their own, by their squashed text; made when first asked for.
    nameless: OnceCell<HashMap<String, Vec<usize>>>,
    /// How often each word occurs; made when first asked for.
    words: OnceCell<HashMap<&'a str, usize>>,
}

impl<'a> Original<'a> {
    /// Outlines a parsed file.
    pub(crate) fn new(text: &'a str, parsed: Parsed) -> Original<'a> {
        Original {
            language: parsed.language,
            outline: Outline::new(text, &parsed.tree, parsed.language),
            tree: parsed.tree,
            errors: parsed.errors,
            nameless: OnceCell::new(),
            words: OnceCell::new(),
        }
    }

    /// The imports and statements with this squashed text.
    pub(crate) fn nameless(&self, text: &str) -> &[usize] {
        let by_text = self.nameless.get_or_init(|| {
            let mut by_text: HashMap<String, Vec<usize>> = HashMap::new();
            for (index, item) in self.outline.items.iter().enumerate() {
                if !item.kind.is_definition() {
                    by_text.entry(squash(self.slice(item.core.clone()))).or_default().push(index);
                }
            }
            by_text
        });
        by_text.get(text).map_or(&[], Vec::as_slice)
    }

    /// How often the file has a word.
    pub(crate) fn occurrences(&self, word: &str) -> usize {
        let counts = self.words.get_or_init(|| {
            let mut counts = HashMap::new();
            for word in words(self.outline.text) {
                *counts.entry(word).or_default() += 1;
            }
            counts
        });
        counts.get(word).copied().unwrap_or(0)
    }

    /// The file's text.
    pub(crate) fn text(&self) -> &'a str {
        self.outline.text
    }

    /// A range of the text.
    pub(crate) fn slice(&self, range: Range<usize>) -> &'a str {
        self.text().get(range).unwrap_or_default()
    }

    /// A member by its index.
    pub(crate) fn item(&self, index: usize) -> Option<&Item> {
        self.outline.items.get(index)
    }

    /// How many syntax errors a change adds. `None` when the splices do not fit together.
    pub(crate) fn added_errors(&self, splices: Vec<Splice>) -> Result<usize, Refusal> {
        let overlap = || Refusal::new(Reason::Ambiguous, "two parts of the edit change the same place");
        let splices = splice::sorted(splices, self.text()).ok_or_else(overlap)?;
        let splices = splice::minimise(self.text(), &splices);
        if splices.is_empty() {
            return Ok(0);
        }
        let after = splice::perform(self.text(), &splices);
        let tree = syntax::reparse(&self.tree, self.text(), &after, &splices, self.language)?;
        let errors = syntax::count_errors(&tree);
        if errors <= self.errors {
            return Ok(0);
        }
        // Reused subtrees can recover from an error differently from a parse of the whole; only that one counts.
        let whole = syntax::count_errors(&syntax::parse(&after, self.language)?);
        Ok(whole.saturating_sub(self.errors))
    }

    /// The refusal for several equally good definitions.
    pub(crate) fn ambiguous(&self, name: &str, indices: &[usize]) -> Refusal {
        let candidates = self.candidates(indices);
        let lines: Vec<String> = candidates.iter().map(|c| c.line.to_string()).collect();
        let places = match lines.split_last() {
            Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
            _ => lines.concat(),
        };
        let count = match candidates.len() {
            2 => "two".to_owned(),
            3 => "three".to_owned(),
            many => many.to_string(),
        };
        Refusal {
            reason: Reason::Ambiguous,
            message: format!("{count} definitions named `{name}`: lines {places}"),
            candidates,
        }
    }

    /// The refusal for a name that the file does not define, with the definitions whose names come near.
    pub(crate) fn not_found(&self, what: &str, name: &str) -> Refusal {
        let wanted = name.to_lowercase();
        let near: Vec<usize> = self
            .outline
            .items
            .iter()
            .enumerate()
            .filter(|(_, item)| item.kind.is_definition() && !item.name.is_empty())
            .filter(|(_, item)| {
                let known = item.name.to_lowercase();
                !wanted.is_empty() && (known.contains(&wanted) || wanted.contains(&known))
            })
            .map(|(index, _)| index)
            .take(5)
            .collect();
        Refusal {
            reason: Reason::TargetNotFound,
            message: format!(
                "the file has no {what} named `{name}` and the edit does not show where a new one belongs"
            ),
            candidates: self.candidates(&near),
        }
    }

    fn candidates(&self, indices: &[usize]) -> Vec<Candidate> {
        indices.iter().take(10).filter_map(|&index| self.outline.candidate(index)).collect()
    }
}
