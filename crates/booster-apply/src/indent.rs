//! Giving an edit's lines the indentation they have in the original.

use std::collections::{HashMap, HashSet};

use crate::text::{indent_of, is_blank, words};

/// The lines of an edit with the original's indentation.
///
/// Lines that stand in the original as well say how far the edit is shifted; where there are none, the header
/// does. The header itself (the first line) always takes the original header's indentation.
pub(crate) fn fit(edit: &[&str], original: &[&str]) -> Vec<String> {
    let shift = shift_of(edit, original);
    let header = original.first().copied().unwrap_or_default();
    // Directives and the insides of raw strings stand where they stand, however deep the code around them is.
    let at_margin = |line: &&str| telling(line) && indent_of(line).is_empty();
    let fixed: HashSet<&str> = original.iter().copied().filter(at_margin).collect();
    edit.iter()
        .enumerate()
        .map(|(index, line)| {
            if index == 0 {
                format!("{}{}", indent_of(header), line.trim_start())
            } else {
                if fixed.contains(line) { (*line).to_owned() } else { shift.apply(line) }
            }
        })
        .collect()
}

/// A change of indentation that is the same for all lines.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Shift {
    /// Put this in front of every line.
    Add(String),
    /// Take this from every line that begins with it.
    Remove(String),
}

impl Shift {
    /// The shift between a line of the edit and the same line of the original.
    pub(crate) fn between(edit: &str, original: &str) -> Option<Shift> {
        let (from, to) = (indent_of(edit), indent_of(original));
        if let Some(added) = to.strip_suffix(from) {
            return Some(Shift::Add(added.to_owned()));
        }
        from.strip_suffix(to).map(|removed| Shift::Remove(removed.to_owned()))
    }

    /// A line with the shift done; empty lines stay empty.
    pub(crate) fn apply(&self, line: &str) -> String {
        if line.is_empty() {
            return line.to_owned();
        }
        match self {
            Shift::Add(prefix) => format!("{prefix}{line}"),
            Shift::Remove(prefix) => line.strip_prefix(prefix.as_str()).unwrap_or(line).to_owned(),
        }
    }
}

/// How far an edit's lines are shifted against the original's, by vote of the lines both have.
pub(crate) fn shift_of(edit: &[&str], original: &[&str]) -> Shift {
    let by_header = edit
        .first()
        .zip(original.first())
        .and_then(|(e, o)| Shift::between(e, o))
        .unwrap_or(Shift::Add(String::new()));
    if closes_like_it_opens(edit) || steps_alike(edit, original) {
        return by_header;
    }
    let mut places: HashMap<&str, Option<&str>> = HashMap::new();
    for line in original.iter().skip(1).filter(|line| telling(line)) {
        places
            .entry(line.trim())
            .and_modify(|known| {
                if known.is_some_and(|k| indent_of(k) != indent_of(line)) {
                    *known = None;
                }
            })
            .or_insert(Some(line));
    }
    let mut votes: Vec<(Shift, usize)> = Vec::new();
    for line in edit.iter().skip(1).filter(|line| telling(line)) {
        let Some(Some(same)) = places.get(line.trim()) else {
            continue;
        };
        let Some(shift) = Shift::between(line, same) else {
            continue;
        };
        match votes.iter_mut().find(|(known, _)| *known == shift) {
            Some((_, count)) => *count += 1,
            None => votes.push((shift, 1)),
        }
    }
    votes.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    votes.into_iter().next().map_or(by_header, |(shift, _)| shift)
}

/// Whether the last line is a closing bracket at the first line's depth: then all lines are shifted alike.
fn closes_like_it_opens(lines: &[&str]) -> bool {
    let (Some(first), Some(last)) = (lines.first(), lines.last()) else {
        return false;
    };
    last.trim_start().starts_with(['}', ')', ']']) && indent_of(first) == indent_of(last)
}

/// Whether the first lines begin with the same word, and the shallowest lines below are as much deeper in both: then the first line is not
/// shifted against the others, and lines that moved within the definition do not matter.
fn steps_alike(edit: &[&str], original: &[&str]) -> bool {
    fn step<'l>(lines: &[&'l str]) -> Option<&'l str> {
        let head = indent_of(lines.first()?);
        let deeper = lines.iter().skip(1).filter(|line| telling(line)).map(|line| indent_of(line));
        let least = deeper.filter(|indent| indent.len() > head.len()).min_by_key(|indent| indent.len())?;
        least.strip_prefix(head)
    }
    let word = |lines: &[&str]| lines.first().and_then(|line| words(line).next().map(str::to_owned));
    word(edit).is_some()
        && word(edit) == word(original)
        && step(edit).is_some()
        && step(edit) == step(original)
}

fn telling(line: &str) -> bool {
    line.chars().any(char::is_alphanumeric)
}

/// The edit with the original's kind of indentation, when one uses only tabs and the other only spaces.
pub(crate) fn match_style(edit: &str, original: &str) -> String {
    let (edit_style, original_style) = (Style::of(edit), Style::of(original));
    match (edit_style, original_style) {
        (Style::Spaces(unit), Style::Tabs) => convert(edit, original, |indent| {
            let width = indent.len();
            format!("{}{}", "\t".repeat(width / unit), " ".repeat(width % unit))
        }),
        (Style::Tabs, Style::Spaces(unit)) => convert(edit, original, |indent| {
            let tabs = indent.bytes().take_while(|&b| b == b'\t').count();
            format!("{}{}", " ".repeat(tabs * unit), indent.get(tabs..).unwrap_or_default())
        }),
        _ => edit.to_owned(),
    }
}

/// Converts every line's indentation, unless the original has lines of the edit with their indentation as it is.
fn convert(text: &str, original: &str, change: impl Fn(&str) -> String) -> String {
    let indented = |line: &&str| telling(line) && !indent_of(line).is_empty();
    let known: HashSet<&str> = original.lines().filter(indented).collect();
    if text.lines().any(|line| known.contains(line)) {
        return text.to_owned();
    }
    let mut in_string = false;
    text.split_inclusive('\n')
        .map(|line| {
            // The inside of a string over several lines is no indentation.
            let fixed = in_string;
            let quotes = ["`", "\"\"\"", "'''"].iter().map(|quote| line.matches(quote).count());
            in_string ^= quotes.sum::<usize>() % 2 == 1;
            if fixed {
                return line.to_owned();
            }
            let indent = indent_of(line);
            format!("{}{}", change(indent), line.get(indent.len()..).unwrap_or_default())
        })
        .collect()
}

/// What a text indents with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    Tabs,
    /// Spaces in steps of this many columns.
    Spaces(usize),
    Unclear,
}

impl Style {
    fn of(text: &str) -> Style {
        let (mut tabs, mut spaces, mut unit) = (0_usize, 0_usize, usize::MAX);
        for line in text.lines().filter(|line| !is_blank(line)) {
            let indent = indent_of(line);
            if indent.starts_with('\t') {
                tabs += 1;
            } else if indent.len() >= 2 && !line.trim_start().starts_with('*') {
                spaces += 1;
                unit = unit.min(indent.len());
            }
        }
        if tabs > 0 && spaces * 20 <= tabs {
            Style::Tabs
        } else if spaces > 0 && tabs == 0 {
            Style::Spaces(unit.min(8))
        } else {
            Style::Unclear
        }
    }
}
