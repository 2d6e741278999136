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
    /// What its header quotes of the definition around it.
    pub(crate) section: Option<&'e str>,
    /// How many lines it is said to have before and after; `None` where that is not said.
    counts: Option<(usize, usize)>,
}

/// Whether an edit is a unified diff, perhaps one without line numbers.
pub(crate) fn recognise(edit: &str) -> bool {
    let lines: Vec<&str> = edit.lines().collect();
    let opened = lines.iter().any(|line| line.trim_end() == "@@" || line.starts_with("@@ "));
    let headed = lines.windows(2).any(|pair| matches!(pair, [a, b] if is_header(a, b)));
    let changes = lines.iter().any(|l| l.starts_with('+') || l.starts_with('-'));
    changes && (opened || headed || lines.iter().any(|line| opens_diff(line)))
}

fn is_header(line: &str, next: &str) -> bool {
    line.starts_with("--- ") && next.starts_with("+++ ")
}

/// Whether a line opens a Markdown block that is said to be a diff.
fn opens_diff(line: &str) -> bool {
    let info = line.trim().trim_start_matches(['`', '~']);
    line.trim().starts_with(['`', '~']) && matches!(info, "diff" | "patch" | "udiff")
}

/// The number, or the pair of line numbers, at a sign in `@@ -12,3 +12,4 @@`; the count is 1 if it is left out.
fn range_at(line: &str, sign: char) -> Option<(usize, usize)> {
    let rest = line.strip_prefix("@@")?.split("@@").next()?;
    let word = rest.split_whitespace().find_map(|word| word.strip_prefix(sign))?;
    let (start, count) = word.split_once(',').unwrap_or((word, "1"));
    Some((start.parse().ok()?, count.parse().ok()?))
}

/// A hunk that a header opens.
fn open_hunk(line: &str) -> Hunk<'_> {
    let (old, new) = (range_at(line, '-'), range_at(line, '+'));
    let section = line.get(2..).and_then(|rest| rest.split_once("@@")).map(|(_, section)| section.trim());
    Hunk {
        line: old.map(|(start, _)| start.saturating_sub(1)),
        section: section.filter(|section| !section.is_empty()),
        counts: old.zip(new).map(|((_, before), (_, after))| (before, after)),
        ..Hunk::default()
    }
}

impl Hunk<'_> {
    /// Whether it has as many lines as its header says.
    fn is_complete(&self) -> bool {
        let old = self.changes.iter().filter(|change| !matches!(change, Change::Added(_))).count();
        let new = self.changes.iter().filter(|change| !matches!(change, Change::Removed(_))).count();
        self.counts == Some((old, new))
    }
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
        let header = is_header(line, next);
        let closes = header || ["diff --git ", "@@", "```"].iter().any(|mark| line.starts_with(mark));
        if closes && let (Some(hunk), Some((_, hunks))) = (open.take(), files.last_mut()) {
            hunks.push(hunk);
        }
        if header {
            files.push((file_name(next), Vec::new()));
            open = Some(Hunk::default());
            index += 2;
            continue;
        }
        if line.starts_with("@@") || opens_diff(line) {
            if files.is_empty() {
                files.push(("", Vec::new()));
            }
            open = Some(if line.starts_with("@@") { open_hunk(line) } else { Hunk::default() });
        } else if open.as_ref().is_some_and(|hunk| hunk.is_complete()) && is_chatter(&lines, index) {
            if let (Some(hunk), Some((_, hunks))) = (open.take(), files.last_mut()) {
                hunks.push(hunk);
            }
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

/// Whether the lines from `index` to the next header belong to no hunk: an empty line or a word begins them, and
/// none of them changes anything.
fn is_chatter(lines: &[&str], index: usize) -> bool {
    let rest = lines.get(index..).unwrap_or_default();
    let until = rest.iter().position(|line| line.starts_with("@@") || line.starts_with("--- "));
    let rest = rest.get(..until.unwrap_or(rest.len())).unwrap_or_default();
    rest.first().is_some_and(|line| !line.starts_with([' ', '+', '-', '\\']))
        && !rest.iter().any(|line| line.starts_with(['+', '-']))
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
    let (found, changes) = match find_with_fuzz(lines, &changes, hint) {
        Err(refusal) if refusal.reason == Reason::Ambiguous => {
            in_section(lines, &changes, hunk, hint).ok_or(refusal)?
        }
        other => other?,
    };
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

/// Finds a hunk that fits in several places below the one line that its header quotes.
fn in_section<'e>(
    lines: &Lines<'_>,
    changes: &[Change<'e>],
    hunk: &Hunk<'_>,
    hint: Hint,
) -> Option<(Found, Vec<Change<'e>>)> {
    let section = hunk.section?;
    let mut quoting = (hint.from..lines.count()).filter(|&at| lines.get(at).contains(section));
    let (Some(at), None) = (quoting.next(), quoting.next()) else {
        return None;
    };
    let hint = Hint { from: at, first: true, line: None, ..hint };
    let mut found = find(lines, &quoted(changes), hint).ok()?;
    found.confidence = found.confidence.min(0.85);
    Some((found, changes.to_vec()))
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
