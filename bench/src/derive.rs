//! Other ways of writing an edit whose result is known, to see how often each of them goes right.

use similar::{DiffTag, TextDiff};

/// An edit made from a pair of files.
#[derive(Debug)]
pub struct Derived {
    /// How it is written.
    pub kind: &'static str,
    /// The edit.
    pub edit: String,
    /// Whether the only right answer is a refusal.
    pub refuse: bool,
}

/// Where one run of changes stands and what it changes.
struct Block<'t> {
    /// The first line (from 0) of what it quotes.
    line: usize,
    /// Lines with their signs, as in a diff.
    lines: Vec<(char, &'t str)>,
}

/// The ways of writing that need nothing but the two files: SEARCH blocks and diffs, quoted well and badly.
pub fn from_files(original: &str, expected: &str) -> Vec<Derived> {
    let mut edits = Vec::new();
    let mut add = |kind, edit| edits.push(Derived { kind, edit, refuse: false });
    for (kind, context) in [("search, no context", 0), ("search, 1 line", 1), ("search, 3 lines", 3)] {
        let blocks = blocks(original, expected, context);
        if blocks.iter().all(|block| block.lines.iter().any(|(sign, _)| *sign != '+')) {
            add(kind, search_replace(&blocks, |line| line.to_owned()));
        }
    }
    let around = blocks(original, expected, 3);
    add("search, without indentation", search_replace(&around, |line| line.trim_start().to_owned()));
    add("search, a letter wrong", search_replace(&mistaken(&around), |line| line.to_owned()));
    for (kind, context) in [("diff, 1 line, wrong numbers", 1), ("diff, 3 lines, wrong numbers", 3)] {
        add(kind, unified(&blocks(original, expected, context), 17));
    }
    add("diff, right numbers", unified(&around, 0));
    add("diff, a letter wrong", unified(&mistaken(&around), 17));
    edits
}

/// The ways of writing a changed definition with markers, and its beginnings, which are no edit at all.
///
/// `edit` is the whole new definition as it stands in `expected`.
pub fn from_definition(original: &str, edit: &str, expected: &str) -> Vec<Derived> {
    let edit = edit.trim_end_matches('\n');
    let Some((before, after)) = expected.split_once(edit).filter(|_| expected.matches(edit).count() == 1)
    else {
        return Vec::new();
    };
    let old = original.strip_prefix(before).and_then(|rest| rest.strip_suffix(after));
    let Some(old) = old.filter(|old| old.lines().count() >= 4) else {
        return Vec::new();
    };
    let comment = if original.contains(";\n") || original.contains("{\n") { "//" } else { "#" };
    let mut edits = Vec::new();
    for (kind, context, words) in [
        ("markers, 1 line", 1, "... existing code ..."),
        ("markers, 2 lines", 2, "... rest of the code unchanged ..."),
        ("markers, 4 lines", 4, "… unchanged …"),
    ] {
        let marked = with_markers(old, edit, context, &format!("{comment} {words}"));
        edits.extend(marked.map(|edit| Derived { kind, edit, refuse: false }));
    }
    let lines: Vec<&str> = edit.lines().collect();
    for share in [3, 6, 9] {
        let kept = lines.get(..lines.len() * share / 10).unwrap_or_default();
        if kept.len() >= 2 {
            edits.push(Derived { kind: "cut off at a line's end", edit: kept.join("\n"), refuse: true });
        }
    }
    edits
}

fn blocks<'t>(original: &'t str, expected: &'t str, context: usize) -> Vec<Block<'t>> {
    let diff = TextDiff::from_lines(original, expected);
    let (old, new): (Vec<&str>, Vec<&str>) = (original.lines().collect(), expected.lines().collect());
    let mut blocks = Vec::new();
    for group in diff.grouped_ops(context) {
        let mut lines = Vec::new();
        for op in &group {
            let gone = old.get(op.old_range()).unwrap_or_default();
            let come = new.get(op.new_range()).unwrap_or_default();
            if op.tag() == DiffTag::Equal {
                lines.extend(gone.iter().map(|line| (' ', *line)));
            } else {
                lines.extend(gone.iter().map(|line| ('-', *line)));
                lines.extend(come.iter().map(|line| ('+', *line)));
            }
        }
        blocks.push(Block { line: group.first().map_or(0, |op| op.old_range().start), lines });
    }
    blocks
}

/// Blocks in which one letter of each is not the file's.
fn mistaken<'t>(blocks: &[Block<'t>]) -> Vec<Block<'t>> {
    let wrong = |block: &Block<'t>| {
        let mut lines = block.lines.clone();
        let longest = lines.iter_mut().filter(|(sign, _)| *sign == ' ').max_by_key(|(_, line)| line.len());
        if let Some((_, line)) = longest {
            let end = line.char_indices().next_back().map_or(0, |(at, _)| at);
            *line = line.get(..end).unwrap_or_default();
        }
        Block { line: block.line, lines }
    };
    blocks.iter().map(wrong).collect()
}

fn search_replace(blocks: &[Block<'_>], write: impl Fn(&str) -> String) -> String {
    let mut edit = String::new();
    for block in blocks {
        let side = |gone: char| -> String {
            let shown = block.lines.iter().filter(|(sign, _)| *sign != gone);
            shown.map(|(_, line)| format!("{}\n", write(line))).collect()
        };
        edit.push_str(&format!("<<<<<<< SEARCH\n{}=======\n{}>>>>>>> REPLACE\n\n", side('+'), side('-')));
    }
    edit
}

fn unified(blocks: &[Block<'_>], wrong_by: usize) -> String {
    let mut edit = String::from("--- a/file\n+++ b/file\n");
    for block in blocks {
        let count = |gone: char| block.lines.iter().filter(|(sign, _)| *sign != gone).count();
        let line = block.line + 1 + wrong_by;
        edit.push_str(&format!("@@ -{line},{} +{line},{} @@\n", count('+'), count('-')));
        for (sign, line) in &block.lines {
            edit.push_str(&format!("{sign}{line}\n"));
        }
    }
    edit
}

/// The new definition with its unchanged lines behind markers, except its first, its last and those near a change.
fn with_markers(old: &str, new: &str, context: usize, marker: &str) -> Option<String> {
    let lines: Vec<&str> = new.lines().collect();
    let mut shown = vec![false; lines.len()];
    let last = lines.len().checked_sub(1)?;
    let mut show = |from: usize, to: usize| {
        shown.iter_mut().take(to.min(last + 1)).skip(from).for_each(|line| *line = true);
    };
    show(0, 1);
    show(last, last + 1);
    for op in TextDiff::from_lines(old, new).ops().iter().filter(|op| op.tag() != DiffTag::Equal) {
        let range = op.new_range();
        show(range.start.saturating_sub(context), range.end + context);
    }
    let mut edit = Vec::new();
    let mut at = 0;
    while at <= last {
        let hidden = shown.iter().skip(at).take_while(|line| !**line).count();
        let run = lines.get(at..at + hidden).unwrap_or_default();
        if hidden > 2 {
            let first = run.iter().find(|line| !line.trim().is_empty())?;
            let indent = first.get(..first.len() - first.trim_start().len())?;
            edit.push(format!("{indent}{marker}"));
        } else {
            edit.extend(run.iter().map(|line| (*line).to_owned()));
        }
        at += hidden;
        edit.extend(lines.get(at).map(|line| (*line).to_owned()));
        at += 1;
    }
    edit.iter().any(|line| line.contains(marker)).then(|| edit.join("\n"))
}
