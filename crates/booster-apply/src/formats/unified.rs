//! Unified diffs as models write them: with wrong line numbers and counts, and blanks lost.

use super::search::{Found, Hint, find, shift_at};
use super::search_replace::replace_lines;
use crate::output::{Reason, Refusal};
use crate::plan::Plan;
use crate::splice::Splice;
use crate::text::{Lines, is_blank};

/// One line of a hunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change<'e> {
    /// Stays.
    Context(&'e str),
    /// Goes.
    Removed(&'e str),
    /// Comes.
    Added(&'e str),
}

/// A run of changes with its context.
#[derive(Debug, Default, Clone)]
pub(crate) struct Hunk<'e> {
    pub(crate) changes: Vec<Change<'e>>,
    /// The line (from 0) it is said to begin at.
    pub(crate) line: Option<usize>,
    /// Lines that stand somewhere above it.
    pub(crate) above: Vec<&'e str>,
    /// Whether it reaches the end of the file.
    pub(crate) at_end: bool,
}

/// Whether an edit is a unified diff.
pub(crate) fn recognise(edit: &str) -> bool {
    let lines: Vec<&str> = edit.lines().collect();
    let numbered = lines.iter().any(|line| old_line(line).is_some());
    let headed =
        lines.windows(2).any(|pair| matches!(pair, [a, b] if a.starts_with("--- ") && b.starts_with("+++ ")));
    let changes = lines.iter().any(|l| l.starts_with('+') || l.starts_with('-'));
    numbered && changes || headed && lines.iter().any(|line| line.starts_with("@@"))
}

/// The old line number in `@@ -12,3 +12,4 @@`.
fn old_line(line: &str) -> Option<usize> {
    let rest = line.strip_prefix("@@ -")?;
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    rest.get(..end)?.parse().ok()
}

/// Plans the hunks of the diff that belong to `path`.
pub(crate) fn plan(text: &str, edit: &str, path: Option<&str>) -> Result<Plan, Refusal> {
    let hunks = hunks(edit, path)?;
    if hunks.is_empty() {
        return Err(Refusal::new(Reason::EditIncomplete, "the diff has no hunk"));
    }
    place_all(text, &hunks, "unified-diff")
}

fn hunks<'e>(edit: &'e str, path: Option<&str>) -> Result<Vec<Hunk<'e>>, Refusal> {
    let lines: Vec<&str> = edit.lines().collect();
    let mut files: Vec<(&str, Vec<Hunk<'e>>)> = Vec::new();
    let mut index = 0;
    let mut open: Option<Hunk<'e>> = None;
    while let Some(&line) = lines.get(index) {
        let next = lines.get(index + 1).copied().unwrap_or_default();
        let header = line.starts_with("--- ") && next.starts_with("+++ ");
        let closes = header || ["diff --git ", "@@", "```"].iter().any(|mark| line.starts_with(mark));
        if closes && let (Some(hunk), Some((_, hunks))) = (open.take(), files.last_mut()) {
            hunks.push(hunk);
        }
        if header {
            files.push((file_name(next), Vec::new()));
            index += 2;
            continue;
        }
        if line.starts_with("@@") {
            if files.is_empty() {
                files.push(("", Vec::new()));
            }
            open =
                Some(Hunk { line: old_line(line).map(|number| number.saturating_sub(1)), ..Hunk::default() });
        } else if let Some(hunk) = &mut open {
            hunk.changes.extend(change(line));
        }
        index += 1;
    }
    if let (Some(hunk), Some((_, hunks))) = (open, files.last_mut()) {
        hunks.push(hunk);
    }
    pick_file(files, path)
}

fn file_name(line: &str) -> &str {
    let name = line.trim_start_matches("+++ ");
    let name = name.split('\t').next().unwrap_or(name).trim();
    name.strip_prefix("b/").unwrap_or(name)
}

/// The part of an edit over several files that belongs to `path`.
pub(crate) fn pick_file<T>(files: Vec<(&str, Vec<T>)>, path: Option<&str>) -> Result<Vec<T>, Refusal> {
    let mut files: Vec<(&str, Vec<T>)> = files.into_iter().filter(|(_, hunks)| !hunks.is_empty()).collect();
    if files.len() > 1 {
        let names: Vec<&str> = files.iter().map(|(name, _)| *name).collect();
        let path = path.unwrap_or_default();
        let same = |name: &str| {
            !name.is_empty()
                && (name == path
                    || path.ends_with(&format!("/{name}"))
                    || name.ends_with(&format!("/{path}")))
        };
        let refusal = Refusal::new(
            Reason::Ambiguous,
            format!(
                "the edit changes several files ({}); `path` names none or several of them",
                names.join(", ")
            ),
        );
        files.retain(|(name, _)| !path.is_empty() && same(name));
        if files.len() != 1 {
            return Err(refusal);
        }
    }
    Ok(files.pop().map(|(_, hunks)| hunks).unwrap_or_default())
}

/// One line of a hunk; a blank lost at the beginning of a context line is forgiven.
pub(crate) fn change(line: &str) -> Option<Change<'_>> {
    if line.starts_with("\\ No newline") {
        return None;
    }
    Some(match line.split_at_checked(1) {
        Some((" ", rest)) => Change::Context(rest),
        Some(("-", rest)) => Change::Removed(rest),
        Some(("+", rest)) => Change::Added(rest),
        _ => Change::Context(line),
    })
}

/// Plans hunks in order.
pub(crate) fn place_all(text: &str, hunks: &[Hunk<'_>], strategy: &'static str) -> Result<Plan, Refusal> {
    let lines = Lines::new(text);
    let mut plan = Plan::of(strategy);
    let mut from = 0;
    for hunk in hunks {
        from = place(text, &lines, hunk, from, &mut plan)?;
    }
    Ok(plan)
}

/// Places one hunk at or below line `from` and returns the line after it.
fn place(
    text: &str,
    lines: &Lines<'_>,
    hunk: &Hunk<'_>,
    from: usize,
    plan: &mut Plan,
) -> Result<usize, Refusal> {
    let mut changes = hunk.changes.clone();
    while matches!(changes.last(), Some(Change::Context(line)) if is_blank(line)) && changes.len() > 1 {
        // Blank lines at a hunk's end are as often the model's layout as the file's.
        changes.pop();
    }
    if changes.iter().all(|c| matches!(c, Change::Context(_))) {
        return Ok(from);
    }
    let mut hint = Hint { line: hunk.line, from, first: false, at_end: hunk.at_end };
    for above in &hunk.above {
        hint.from = below(lines, above, hint.from)?;
        hint.first = true;
    }
    let quoted = quoted(&changes);
    if quoted.is_empty() {
        return insert(text, lines, hunk, &changes, hint.first.then_some(hint.from), plan);
    }
    let (found, changes) = find_with_fuzz(lines, &changes, hint)?;
    let quoted = self::quoted(&changes);
    plan.lower(found.confidence);
    let shift = shift_at(lines, &quoted, found.line);
    let mut at = found.line;
    let mut new = Vec::new();
    for change in &changes {
        match change {
            Change::Context(_) => {
                new.push(lines.get(at).to_owned());
                at += 1;
            }
            Change::Removed(_) => at += 1,
            Change::Added(line) if found.exact => new.push((*line).to_owned()),
            Change::Added(line) => new.push(shift.apply(line)),
        }
    }
    plan.splices.push(replace_lines(text, lines, found.line, quoted.len(), &new));
    Ok(at)
}

fn quoted<'e>(changes: &[Change<'e>]) -> Vec<&'e str> {
    changes
        .iter()
        .filter_map(|change| match change {
            Change::Context(line) | Change::Removed(line) => Some(*line),
            Change::Added(_) => None,
        })
        .collect()
}

/// Finds a hunk, if need be without its outermost context lines, as `patch` does.
fn find_with_fuzz<'e>(
    lines: &Lines<'_>,
    changes: &[Change<'e>],
    hint: Hint,
) -> Result<(Found, Vec<Change<'e>>), Refusal> {
    let first = match find(lines, &quoted(changes), hint) {
        Ok(found) => return Ok((found, changes.to_vec())),
        Err(refusal) => refusal,
    };
    if first.reason == Reason::Ambiguous {
        return Err(first);
    }
    let mut rest = changes;
    for _ in 0..2 {
        if let [Change::Context(_), inner @ ..] = rest {
            rest = inner;
        }
        if let [inner @ .., Change::Context(_)] = rest {
            rest = inner;
        }
        let quoted = quoted(rest);
        if quoted.iter().filter(|line| !is_blank(line)).count() < 2 {
            break;
        }
        let hint = Hint { line: None, ..hint };
        if let Ok(mut found) = find(lines, &quoted, hint) {
            found.confidence = found.confidence.min(0.7);
            return Ok((found, rest.to_vec()));
        }
    }
    Err(first)
}

/// The line below the one that a hunk's header quotes.
fn below(lines: &Lines<'_>, above: &str, from: usize) -> Result<usize, Refusal> {
    let wanted = above.trim();
    let exact = (from..lines.count()).find(|&at| lines.get(at).trim() == wanted);
    let found = exact.or_else(|| (from..lines.count()).find(|&at| lines.get(at).contains(wanted)));
    found.map(|at| at + 1).ok_or_else(|| {
        Refusal::new(
            Reason::TargetNotFound,
            format!("the line `{wanted}` that a hunk names is not in the file"),
        )
    })
}

/// A hunk that only adds goes where its header says, or to the end of the file when it names no place.
fn insert(
    text: &str,
    lines: &Lines<'_>,
    hunk: &Hunk<'_>,
    changes: &[Change<'_>],
    below: Option<usize>,
    plan: &mut Plan,
) -> Result<usize, Refusal> {
    let mut new: String = changes
        .iter()
        .filter_map(|change| match change {
            Change::Added(line) => Some(format!("{line}\n")),
            _ => None,
        })
        .collect();
    let at = match (below, hunk.line) {
        (Some(line), _) => lines.start(line),
        (None, None) => text.len(),
        (None, Some(0)) => 0,
        (None, Some(_)) => {
            return Err(Refusal::new(
                Reason::TargetNotFound,
                "a hunk has no context, and line numbers alone are not to be trusted",
            ));
        }
    };
    if at == text.len() && !text.is_empty() && !text.ends_with('\n') {
        new.insert(0, '\n');
        new.pop();
    }
    plan.splices.push(Splice::new(at..at, new));
    plan.lower(0.85);
    Ok(lines.line_of(at))
}
