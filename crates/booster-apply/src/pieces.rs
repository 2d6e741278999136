//! Whether the shown pieces of an edit parse by themselves, and the parts that it falls into at its outermost markers.

use crate::fragment::{Cleaned, Fragment};
use crate::language::Language;
use crate::outline::Outline;
use crate::text::{indent_of, is_blank};

/// Whether a fragment parses, and not only by accident of the brackets that markers leave.
pub(crate) fn is_whole(fragment: &Fragment, language: Language) -> bool {
    let outline = fragment.outline(language);
    fragment.errors == 0
        && closes_evenly(fragment, &outline, language)
        && !steps_in(&outline, fragment, language)
}

/// Whether code after a marker is deeper than the marker: then the marker stands for the beginning of a block too,
/// and the tree of what is shown means nothing.
fn steps_in(outline: &Outline<'_>, fragment: &Fragment, language: Language) -> bool {
    let lines = &outline.lines;
    (0..lines.count()).filter(|&line| fragment.is_marker_line(line)).any(|line| {
        let depth = indent_of(lines.get(line)).len();
        let next = (line + 1..lines.count()).map(|at| lines.get(at)).find(|l| !is_blank(l));
        let counts = depth > 0 || language.is_python();
        counts && next.is_some_and(|l| indent_of(l).len() > depth)
    })
}

/// Whether the closing line of every definition with markers is indented like its first: if not, the parser closed
/// it with a bracket that belongs to something a marker stands for.
fn closes_evenly(fragment: &Fragment, outline: &Outline<'_>, language: Language) -> bool {
    let lines = &outline.lines;
    outline.items.iter().all(|item| {
        let first = lines.line_of(item.outer.start);
        let last = lines.line_of(item.outer.end.saturating_sub(1).max(item.outer.start));
        let closer = lines.get(last).trim_start().starts_with(['}', ')', ']']);
        let depth = indent_of(lines.get(first)).len();
        let even = depth == indent_of(lines.get(last)).len();
        // In Python a marker at the definition's own depth ends it, though the parser sees only a comment.
        let ended = language.is_python()
            && (first + 1..=last)
                .any(|line| fragment.is_marker_line(line) && indent_of(lines.get(line)).len() <= depth);
        if ended {
            return false;
        }
        even || !closer || !(first..=last).any(|line| fragment.is_marker_line(line))
    })
}

/// The parts of an edit between markers that stand at its outermost level.
pub(crate) fn chunks(cleaned: &Cleaned, python: bool) -> Vec<Cleaned> {
    let mut chunks = Vec::new();
    let mut from = 0;
    let count = cleaned.lines.len();
    for (index, line) in cleaned.lines.iter().enumerate() {
        let marker = cleaned.marker.get(index).copied().unwrap_or(false);
        if !marker || !indent_of(line).is_empty() {
            continue;
        }
        let next = cleaned.lines.get(index + 1..).unwrap_or_default();
        let next = next.iter().find(|l| !is_blank(l));
        let inside = next.is_some_and(|l| !indent_of(l).is_empty() || l.starts_with(['}', ')', ']']));
        // In Python a definition after a marker at the margin is another one; a statement is not.
        let opens =
            |l: &String| ["def ", "class ", "async def ", "@"].iter().any(|k| l.trim_start().starts_with(k));
        let inside = inside && !(python && next.is_some_and(opens));
        let ended = !python && is_closed_block(cleaned.lines.get(from..index).unwrap_or_default());
        if inside && !ended && index > 0 {
            continue;
        }
        chunks.push(trimmed(cleaned, from, index));
        from = index + 1;
    }
    chunks.push(trimmed(cleaned, from, count));
    chunks.retain(|chunk| !chunk.lines.is_empty());
    chunks
}

/// Whether lines end with one that closes what the first one opens, by its indentation.
fn is_closed_block(lines: &[String]) -> bool {
    let mut shown = lines.iter().filter(|line| !is_blank(line));
    let (Some(first), Some(last)) = (shown.next(), shown.next_back()) else {
        return false;
    };
    last.trim_start().starts_with(['}', ')', ']'])
        && !last.trim_end().ends_with(['{', '(', '['])
        && indent_of(first) == indent_of(last)
}

fn trimmed(cleaned: &Cleaned, from: usize, to: usize) -> Cleaned {
    let blank = |index: usize| cleaned.lines.get(index).is_some_and(|l| is_blank(l));
    let (mut from, mut to) = (from, to);
    while from < to && blank(from) {
        from += 1;
    }
    while to > from && blank(to - 1) {
        to -= 1;
    }
    cleaned.slice(from, to)
}
