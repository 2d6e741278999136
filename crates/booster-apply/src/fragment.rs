//! The edit as code: dedented, with uniform markers, parsed in whichever context it fits.

use std::ops::Range;

use crate::describe::Kind;
use crate::language::Language;
use crate::markers::is_marker;
use crate::outline::Outline;
use crate::output::Refusal;
use crate::syntax;
use crate::text::{indent_of, is_blank};

/// What an edit's lines are when only its text is known.
#[derive(Debug, Clone)]
pub(crate) struct Cleaned {
    /// Lines without the indentation that all have in common; markers in one spelling.
    pub(crate) lines: Vec<String>,
    /// Which lines are markers.
    pub(crate) marker: Vec<bool>,
    /// The indentation that was taken off.
    pub(crate) base: String,
    /// Whether this is a part of an edit that goes on after it, be it with a marker.
    pub(crate) followed: bool,
}

/// An edit parsed as code.
pub(crate) struct Fragment {
    /// The parsed text: the cleaned lines, possibly within a wrapper line before and after.
    pub(crate) text: String,
    /// Lines of the wrapper before the edit's own.
    pub(crate) prefix_lines: usize,
    /// Which of the edit's own lines are markers.
    pub(crate) marker: Vec<bool>,
    pub(crate) base: String,
    /// Whether the edit goes on after this part of it.
    pub(crate) followed: bool,
    pub(crate) tree: tree_sitter::Tree,
    pub(crate) errors: usize,
}

impl Cleaned {
    /// Dedents an edit and recognises its markers. `original` decides whether a lone ellipsis is one.
    pub(crate) fn new(edit: &str, original: &str, language: Option<Language>) -> Cleaned {
        let bare_ellipsis = !original.lines().any(|line| matches!(line.trim(), "..." | "…"));
        let edit = edit.trim_end();
        let known: std::collections::HashSet<&str> =
            original.lines().map(str::trim).filter(|line| is_marker(line, language, false)).collect();
        let raw: Vec<&str> = edit.lines().skip_while(|line| is_blank(line)).collect();
        // A comment that stands in the original like this is no marker but that comment.
        let marker: Vec<bool> = raw
            .iter()
            .map(|line| is_marker(line, language, bare_ellipsis) && !known.contains(line.trim()))
            .collect();
        let base = common_indent(&raw, &marker);
        let lines = raw
            .iter()
            .zip(&marker)
            .enumerate()
            .map(|(index, (line, &is_marker))| {
                let cut = line.strip_prefix(base.as_str()).unwrap_or_else(|| line.trim_start());
                if !is_marker {
                    return cut.trim_end_matches('\r').to_owned();
                }
                let above = raw.get(..index).unwrap_or_default();
                format!("{}{}", indent_of(cut), marker_spelling(cut, above, language))
            })
            .collect();
        Cleaned { lines, marker, base, followed: false }
    }

    /// Whether any line is a marker.
    pub(crate) fn has_markers(&self) -> bool {
        self.marker.contains(&true)
    }

    /// The lines from `from` to before `to` as an edit of their own.
    pub(crate) fn slice(&self, from: usize, to: usize) -> Cleaned {
        let lines = self.lines.get(from..to).unwrap_or_default();
        let marker = self.marker.get(from..to).unwrap_or_default();
        let shown: Vec<&str> = lines.iter().map(String::as_str).collect();
        let deeper = common_indent(&shown, marker);
        let dedented = shown.iter().map(|line| {
            let cut = line.strip_prefix(deeper.as_str());
            cut.unwrap_or_else(|| line.trim_start()).to_owned()
        });
        let rest = self.lines.get(to..).unwrap_or_default();
        Cleaned {
            lines: dedented.collect(),
            marker: marker.to_vec(),
            base: format!("{}{deeper}", self.base),
            followed: self.followed || rest.iter().any(|line| !is_blank(line)),
        }
    }
}

/// How a marker is written for the parser: something that may stand wherever a marker does.
fn marker_spelling(line: &str, above: &[&str], language: Option<Language>) -> &'static str {
    let braced = line.trim().starts_with('{');
    match language {
        Some(Language::Python) => {
            let opens_block = above.iter().rev().find(|l| !is_blank(l)).is_some_and(|l| {
                l.trim_end().ends_with(':') && indent_of(l).len() < indent_of(line).len().max(1)
            });
            if opens_block { "..." } else { "# ..." }
        }
        Some(language) if language.is_script() && braced => "{/* ... */}",
        Some(language) if language.has_hash_comments() => "# ...",
        Some(Language::Css) => "/* ... */",
        Some(Language::Html | Language::Markdown) => "<!-- ... -->",
        _ => "// ...",
    }
}

/// The indentation that all lines but blank ones and markers share.
fn common_indent(lines: &[&str], marker: &[bool]) -> String {
    let mut common: Option<&str> = None;
    for (line, _) in lines.iter().zip(marker).filter(|(line, m)| !**m && !is_blank(line)) {
        let indent = indent_of(line);
        common = Some(match common {
            None => indent,
            Some(so_far) => {
                let shared = so_far.bytes().zip(indent.bytes()).take_while(|(a, b)| a == b).count();
                so_far.get(..shared).unwrap_or_default()
            }
        });
    }
    common.unwrap_or_default().to_owned()
}

/// Contexts in which a fragment may parse: what stands before and after it.
fn contexts(language: Language) -> &'static [(&'static str, &'static str)] {
    match language {
        Language::JavaScript | Language::TypeScript | Language::Tsx => &[
            ("", ""),
            ("class Wrapper {\n", "\n}"),
            ("wrapper = {\n", "\n}"),
            ("interface Wrapper {\n", "\n}"),
        ],
        Language::Java => &[("", ""), ("class Wrapper {\n", "\n}"), ("interface Wrapper {\n", "\n}")],
        Language::Cpp => &[("", ""), ("class Wrapper {\n", "\n};")],
        Language::Rust => &[("", ""), ("impl Wrapper {\n", "\n}"), ("trait Wrapper {\n", "\n}")],
        Language::Json => &[("", ""), ("{\n", "\n}")],
        Language::Css => &[("", ""), ("wrapper {\n", "\n}")],
        _ => &[("", "")],
    }
}

impl Fragment {
    /// Parses a cleaned edit in the context with the fewest errors, as it stands if that has none.
    pub(crate) fn parse(cleaned: &Cleaned, language: Language) -> Result<Fragment, Refusal> {
        let body = cleaned.lines.join("\n");
        let mut best: Option<(usize, Fragment)> = None;
        for (before, after) in contexts(language) {
            let text = format!("{before}{body}{after}\n");
            let tree = syntax::parse(&text, language)?;
            let errors = syntax::count_errors(&tree);
            let fragment = Fragment {
                prefix_lines: usize::from(!before.is_empty()),
                marker: cleaned.marker.clone(),
                base: cleaned.base.clone(),
                followed: cleaned.followed,
                text,
                tree,
                errors,
            };
            let rank = errors * 2 + usize::from(fragment.misread(language));
            // Where markers stand for brackets, none of the contexts helps, and each takes the parser long.
            let hopeless = errors > 0
                && cleaned.has_markers()
                && syntax::balance(&fragment.tree) != syntax::Balance::default();
            let better = best.as_ref().is_none_or(|(other, _)| rank < *other);
            if better {
                best = Some((rank, fragment));
            }
            if rank == 0 || hopeless {
                break;
            }
        }
        best.map(|(_, fragment)| fragment)
            .ok_or_else(|| Refusal::new(crate::output::Reason::EditEmpty, "the edit contains no code"))
    }

    /// Whether the text parses, but as something nobody writes: `name: () => …` as a labelled statement.
    fn misread(&self, language: Language) -> bool {
        if self.prefix_lines > 0 || !language.is_script() {
            return false;
        }
        let root = self.tree.root_node();
        root.named_children(&mut root.walk()).any(|child| child.kind() == "labeled_statement")
    }

    /// The members of the fragment.
    pub(crate) fn outline(&self, language: Language) -> Outline<'_> {
        let mut outline = Outline::new(&self.text, &self.tree, language);
        for index in 0..outline.items.len() {
            let Some(comments) = outline.items.get(index).and_then(|item| item.comments.clone()) else {
                continue;
            };
            let comments = self.without_markers(&outline, comments);
            if let Some(item) = outline.items.get_mut(index) {
                item.comments = comments;
            }
        }
        outline
    }

    /// The part of a comment block below the last marker in it.
    fn without_markers(&self, outline: &Outline<'_>, block: Range<usize>) -> Option<Range<usize>> {
        let lines = &outline.lines;
        let (first, last) = (lines.line_of(block.start), lines.line_of(block.end.saturating_sub(1)));
        let Some(marker) = (first..=last).rev().find(|&line| self.is_marker_line(line)) else {
            return Some(block);
        };
        let below = lines.get(marker + 1);
        let start = lines.start(marker + 1) + indent_of(below).len();
        (marker < last).then_some(start..block.end)
    }

    /// The items that stand at the fragment's outermost level.
    pub(crate) fn top_items(&self, outline: &Outline<'_>) -> Vec<usize> {
        let wrapper = (self.prefix_lines > 0)
            .then(|| outline.items.iter().position(|item| item.core.start == 0))
            .flatten();
        outline
            .items
            .iter()
            .enumerate()
            .filter(|(index, item)| item.parent == wrapper && Some(*index) != wrapper)
            .filter(|(_, item)| item.is_member || item.kind != Kind::Statement)
            .map(|(index, _)| index)
            .collect()
    }

    /// Whether a line of the parsed text is a marker.
    pub(crate) fn is_marker_line(&self, line: usize) -> bool {
        line.checked_sub(self.prefix_lines).and_then(|own| self.marker.get(own)).copied().unwrap_or(false)
    }
}
