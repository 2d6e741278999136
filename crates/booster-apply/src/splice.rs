//! Replacing ranges of a text, making the ranges as small as the change, and printing the diff.

use std::fmt::Write as _;
use std::ops::Range;

use similar::{Algorithm, DiffOp, capture_diff_slices};

use crate::output::TextEdit;
use crate::text::{Lines, Text};

/// Above this product of line counts a changed block is reported as one edit instead of being compared line by line.
const MAX_DIFF_CELLS: usize = 1_000_000;

/// One replacement in the line-feed form of the original.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Splice {
    /// The bytes that go.
    pub(crate) range: Range<usize>,
    /// What comes instead.
    pub(crate) text: String,
}

impl Splice {
    /// A replacement of `range` by `text`.
    pub(crate) fn new(range: Range<usize>, text: impl Into<String>) -> Splice {
        Splice { range, text: text.into() }
    }
}

/// Sorts splices; `None` when two of them overlap or one lies outside the text.
pub(crate) fn sorted(mut splices: Vec<Splice>, text: &str) -> Option<Vec<Splice>> {
    splices.sort_by_key(|s| (s.range.start, s.range.end));
    let apart = splices.windows(2).all(|pair| matches!(pair, [a, b] if a.range.end <= b.range.start));
    let inside = splices.iter().all(|s| text.get(s.range.clone()).is_some());
    (apart && inside).then_some(splices)
}

/// The text with sorted splices done.
pub(crate) fn perform(text: &str, splices: &[Splice]) -> String {
    let mut out = String::with_capacity(text.len() + splices.iter().map(|s| s.text.len()).sum::<usize>());
    let mut at = 0;
    for splice in splices {
        out.push_str(text.get(at..splice.range.start).unwrap_or_default());
        out.push_str(&splice.text);
        at = splice.range.end;
    }
    out.push_str(text.get(at..).unwrap_or_default());
    out
}

/// The same change in as few whole lines as possible; splices that change nothing disappear.
pub(crate) fn minimise(text: &str, splices: &[Splice]) -> Vec<Splice> {
    let lines = Lines::new(text);
    let mut out: Vec<Splice> = Vec::new();
    for whole in whole_lines(text, &lines, splices) {
        let old = text.get(whole.range.clone()).unwrap_or_default();
        diff_lines(old, &whole.text, whole.range.start, &mut out);
    }
    out
}

/// Widens splices to whole lines and joins those that share a line.
fn whole_lines(text: &str, lines: &Lines<'_>, splices: &[Splice]) -> Vec<Splice> {
    let mut out: Vec<Splice> = Vec::new();
    for splice in splices {
        let start = lines.start(lines.line_of(splice.range.start));
        let at_line_start = splice.range.end == lines.start(lines.line_of(splice.range.end));
        let complete = at_line_start
            && splice.range.end > start
            && (splice.text.is_empty() || splice.text.ends_with('\n'));
        let end = if complete { splice.range.end } else { lines.start(lines.line_of(splice.range.end) + 1) };
        let tail = text.get(splice.range.end..end).unwrap_or_default();
        match out.last_mut() {
            Some(last) if last.range.end > start => {
                // The shared line's rest was already copied; take back what this splice replaces.
                let copied = last.range.end.saturating_sub(splice.range.start);
                let keep = last.text.len().saturating_sub(copied);
                last.text.truncate(keep);
                last.text.push_str(&splice.text);
                last.text.push_str(tail);
                last.range.end = end.max(last.range.end);
            }
            _ => {
                let head = text.get(start..splice.range.start).unwrap_or_default();
                out.push(Splice::new(start..end, format!("{head}{}{tail}", splice.text)));
            }
        }
    }
    out
}

fn diff_lines(old: &str, new: &str, offset: usize, out: &mut Vec<Splice>) {
    let old_lines: Vec<&str> = old.split_inclusive('\n').collect();
    let new_lines: Vec<&str> = new.split_inclusive('\n').collect();
    let head = old_lines.iter().zip(&new_lines).take_while(|(a, b)| a == b).count();
    let tail = old_lines
        .iter()
        .rev()
        .zip(new_lines.iter().rev())
        .take(old_lines.len().min(new_lines.len()) - head)
        .take_while(|(a, b)| a == b)
        .count();
    let old_mid = old_lines.get(head..old_lines.len() - tail).unwrap_or_default();
    let new_mid = new_lines.get(head..new_lines.len() - tail).unwrap_or_default();
    let mut position = Vec::with_capacity(old_mid.len() + 1);
    let mut at = offset + old_lines.iter().take(head).map(|l| l.len()).sum::<usize>();
    for line in old_mid {
        position.push(at);
        at += line.len();
    }
    position.push(at);
    let byte = |index: usize| position.get(index).copied().unwrap_or(at);
    if old_mid.len().saturating_mul(new_mid.len()) > MAX_DIFF_CELLS {
        out.push(Splice::new(byte(0)..at, new_mid.concat()));
        return;
    }
    for op in capture_diff_slices(Algorithm::Myers, old_mid, new_mid) {
        if matches!(op, DiffOp::Equal { .. }) {
            continue;
        }
        let (gone, come) = (op.old_range(), op.new_range());
        let text = new_mid.get(come).unwrap_or_default().concat();
        out.push(Splice::new(byte(gone.start)..byte(gone.end), text));
    }
}

/// The splices as byte ranges of the original, with the original's line ends.
pub(crate) fn text_edits(text: &Text<'_>, splices: &[Splice]) -> Vec<TextEdit> {
    splices
        .iter()
        .map(|splice| TextEdit {
            start: text.to_original(splice.range.start),
            end: text.to_original(splice.range.end),
            text: text.with_line_ends(&splice.text),
        })
        .collect()
}

/// The original with the edits done.
pub(crate) fn perform_edits(original: &str, edits: &[TextEdit]) -> String {
    let mut out = String::with_capacity(original.len());
    let mut at = 0;
    for edit in edits {
        out.push_str(original.get(at..edit.start).unwrap_or_default());
        out.push_str(&edit.text);
        at = edit.end;
    }
    out.push_str(original.get(at..).unwrap_or_default());
    out
}

/// A unified diff with three lines of context; empty when nothing changes. Splices are whole lines.
pub(crate) fn unified_diff(text: &str, splices: &[Splice], path: &str) -> String {
    const CONTEXT: usize = 3;
    let lines = Lines::new(text);
    let mut out = String::new();
    let mut shift: isize = 0;
    let mut index = 0;
    while index < splices.len() {
        if out.is_empty() {
            let _ = write!(out, "--- a/{path}\n+++ b/{path}\n");
        }
        let group_end = group_end(splices, &lines, index, CONTEXT);
        let group = splices.get(index..group_end).unwrap_or_default();
        shift += hunk(text, &lines, group, shift, CONTEXT, &mut out);
        index = group_end;
    }
    out
}

/// The first splice after `index` that is too far away to share a hunk.
fn group_end(splices: &[Splice], lines: &Lines<'_>, index: usize, context: usize) -> usize {
    let mut end = index + 1;
    while let (Some(last), Some(next)) = (splices.get(end - 1), splices.get(end)) {
        let gap = lines.line_of(next.range.start).saturating_sub(line_after(lines, last.range.end));
        if gap > 2 * context {
            break;
        }
        end += 1;
    }
    end
}

/// The line at a byte offset where a line begins; past the last line for the text's end.
fn line_after(lines: &Lines<'_>, offset: usize) -> usize {
    let line = lines.line_of(offset);
    if offset > lines.start(line) { line + 1 } else { line }
}

/// Prints one hunk and returns by how many lines it makes the text longer.
fn hunk(
    text: &str,
    lines: &Lines<'_>,
    group: &[Splice],
    shift: isize,
    context: usize,
    out: &mut String,
) -> isize {
    let total = if text.is_empty() { 0 } else { lines.count() };
    let (Some(first), Some(last)) = (group.first(), group.last()) else {
        return 0;
    };
    let from = line_after(lines, first.range.start).min(total);
    let begin = from.saturating_sub(context);
    let end = (line_after(lines, last.range.end) + context).min(total);
    let mut body = String::new();
    let (mut at, mut old, mut new) = (begin, 0_usize, 0_usize);
    for splice in group {
        let start = line_after(lines, splice.range.start).min(total);
        for line in at..start {
            diff_line(&mut body, ' ', line_text(text, lines, line));
            old += 1;
            new += 1;
        }
        let stop = line_after(lines, splice.range.end).min(total);
        for line in start..stop {
            diff_line(&mut body, '-', line_text(text, lines, line));
            old += 1;
        }
        for line in splice.text.split_inclusive('\n') {
            diff_line(&mut body, '+', line);
            new += 1;
        }
        at = stop;
    }
    for line in at..end {
        diff_line(&mut body, ' ', line_text(text, lines, line));
        old += 1;
        new += 1;
    }
    let old_start = if old == 0 { begin } else { begin + 1 };
    let new_begin = begin.saturating_add_signed(shift);
    let new_start = if new == 0 { new_begin } else { new_begin + 1 };
    let _ = writeln!(out, "@@ -{old_start},{old} +{new_start},{new} @@");
    out.push_str(&body);
    new as isize - old as isize
}

fn line_text<'a>(text: &'a str, lines: &Lines<'_>, line: usize) -> &'a str {
    text.get(lines.start(line)..lines.start(line + 1)).unwrap_or_default()
}

fn diff_line(out: &mut String, sign: char, line: &str) {
    out.push(sign);
    out.push_str(line);
    if !line.ends_with('\n') {
        out.push_str("\n\\ No newline at end of file\n");
    }
}
