//! SEARCH/REPLACE blocks in the forms of aider, Cline and Roo.

use super::search::{Hint, find, shift_at};
use crate::output::{Reason, Refusal};
use crate::plan::Plan;
use crate::splice::Splice;
use crate::text::{Lines, is_blank};

/// One block: these lines become those.
#[derive(Debug, Default)]
struct Block<'e> {
    search: Vec<&'e str>,
    replace: Vec<&'e str>,
    /// The line (from 1) that the block is said to begin at.
    start_line: Option<usize>,
}

/// Whether an edit has such blocks.
pub(crate) fn recognise(edit: &str) -> bool {
    edit.lines().any(opens)
}

/// A run of one character of the usual length, and what follows it.
fn fence(line: &str, mark: char) -> Option<&str> {
    let line = line.trim_end();
    let length = line.chars().take_while(|&c| c == mark).count();
    (5..=9).contains(&length).then(|| line.get(length..).map(str::trim)).flatten()
}

fn opens(line: &str) -> bool {
    let said = |rest: &str| matches!(rest.trim_end_matches('>'), "SEARCH" | "ORIGINAL");
    fence(line, '<').is_some_and(said)
        || fence(line, '-').is_some_and(|r| r.trim_end_matches('>') == "SEARCH")
}

fn divides(line: &str) -> bool {
    fence(line, '=') == Some("")
}

fn closes(line: &str) -> bool {
    let said = |rest: &str| matches!(rest, "REPLACE" | "UPDATED");
    fence(line, '>').is_some_and(said) || fence(line, '+').is_some_and(said)
}

/// Plans the blocks.
pub(crate) fn plan(text: &str, edit: &str) -> Result<Plan, Refusal> {
    let blocks = blocks(edit)?;
    let lines = Lines::new(text);
    let mut plan = Plan::of("search-replace");
    for block in &blocks {
        place(text, &lines, block, &mut plan)?;
    }
    Ok(plan)
}

fn incomplete(what: &str) -> Refusal {
    Refusal::new(Reason::EditIncomplete, format!("a SEARCH/REPLACE block {what}"))
}

fn blocks(edit: &str) -> Result<Vec<Block<'_>>, Refusal> {
    #[derive(PartialEq)]
    enum At {
        Outside,
        Search,
        Replace,
    }
    let mut blocks = Vec::new();
    let mut at = At::Outside;
    let mut block = Block::default();
    for line in edit.lines() {
        match at {
            At::Outside if opens(line) => {
                block = Block::default();
                at = At::Search;
            }
            At::Outside => {}
            At::Search if divides(line) => at = At::Replace,
            At::Search if opens(line) || closes(line) => return Err(incomplete("has no `=======`")),
            At::Search => search_line(&mut block, line),
            At::Replace if closes(line) => {
                blocks.push(std::mem::take(&mut block));
                at = At::Outside;
            }
            At::Replace if opens(line) || divides(line) => return Err(incomplete("is not closed")),
            At::Replace => block.replace.push(unescaped(line)),
        }
    }
    if at != At::Outside {
        return Err(incomplete("is cut off"));
    }
    if blocks.is_empty() {
        return Err(incomplete("is missing"));
    }
    for block in &mut blocks {
        strip_line_numbers(block);
    }
    Ok(blocks)
}

fn search_line<'e>(block: &mut Block<'e>, line: &'e str) {
    if block.search.is_empty() {
        let number = |prefix: &str| line.trim().strip_prefix(prefix)?.trim().parse::<usize>().ok();
        if let Some(start) = number(":start_line:") {
            block.start_line = Some(start);
            return;
        }
        if number(":end_line:").is_some() || (block.start_line.is_some() && fence(line, '-') == Some("")) {
            return;
        }
    }
    block.search.push(unescaped(line));
}

/// Roo writes a backslash before quoted lines that look like a block's own.
fn unescaped(line: &str) -> &str {
    match line.strip_prefix('\\') {
        Some(rest) if opens(rest) || divides(rest) || closes(rest) || fence(rest, '-') == Some("") => rest,
        _ => line,
    }
}

/// Takes off `12 | ` where all quoted lines have it.
fn strip_line_numbers(block: &mut Block<'_>) {
    let numbered =
        |lines: &[&str]| !lines.is_empty() && lines.iter().all(|line| without_number(line).is_some());
    if !numbered(&block.search) {
        return;
    }
    if block.start_line.is_none() {
        let first = block.search.first().and_then(|line| line.split('|').next());
        block.start_line = first.and_then(|number| number.trim().parse().ok());
    }
    for line in &mut block.search {
        *line = without_number(line).unwrap_or(line);
    }
    if numbered(&block.replace) {
        for line in &mut block.replace {
            *line = without_number(line).unwrap_or(line);
        }
    }
}

fn without_number(line: &str) -> Option<&str> {
    let (number, rest) = line.split_once('|')?;
    let number = number.trim();
    let digits = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| rest.strip_prefix(' ').unwrap_or(rest))
}

fn place(text: &str, lines: &Lines<'_>, block: &Block<'_>, plan: &mut Plan) -> Result<(), Refusal> {
    let hint = Hint { line: block.start_line.and_then(|line| line.checked_sub(1)), ..Hint::default() };
    if block.search.iter().all(|line| is_blank(line)) {
        return insert(text, lines, block, plan);
    }
    let (search, replace) = trimmed(lines, block, hint);
    let found = find(lines, search, hint)?;
    plan.lower(found.confidence);
    let shift = shift_at(lines, search, found.line);
    let new: Vec<String> =
        replace.iter().map(|line| if found.exact { (*line).to_owned() } else { shift.apply(line) }).collect();
    plan.splices.push(replace_lines(text, lines, found.line, search.len(), &new));
    Ok(())
}

/// The block without blank lines around both sides, where the quoted ones are not in the file.
fn trimmed<'b>(lines: &Lines<'_>, block: &'b Block<'b>, hint: Hint) -> (&'b [&'b str], &'b [&'b str]) {
    let (mut search, mut replace) = (block.search.as_slice(), block.replace.as_slice());
    if find(lines, search, hint).is_ok() {
        return (search, replace);
    }
    while let [first, rest @ ..] = search
        && is_blank(first)
    {
        search = rest;
        if let [first, rest @ ..] = replace
            && is_blank(first)
        {
            replace = rest;
        }
    }
    while let [rest @ .., last] = search
        && is_blank(last)
    {
        search = rest;
        if let [rest @ .., last] = replace
            && is_blank(last)
        {
            replace = rest;
        }
    }
    (search, replace)
}

/// A block that quotes nothing fills an empty file, or goes where its line number says.
fn insert(text: &str, lines: &Lines<'_>, block: &Block<'_>, plan: &mut Plan) -> Result<(), Refusal> {
    let mut new = block.replace.join("\n");
    if text.trim().is_empty() {
        new.push('\n');
        plan.splices.push(Splice::new(0..text.len(), new));
        return Ok(());
    }
    let line = block.start_line.and_then(|line| line.checked_sub(1));
    let Some(line) = line.filter(|&line| line < lines.count()) else {
        return Err(Refusal::new(
            Reason::TargetNotFound,
            "a SEARCH block quotes nothing, so it does not say where its lines belong",
        ));
    };
    new.push('\n');
    let at = lines.start(line);
    plan.splices.push(Splice::new(at..at, new));
    plan.lower(0.8);
    Ok(())
}

/// Replaces whole lines; a missing line feed at the file's end stays missing.
pub(crate) fn replace_lines(
    text: &str,
    lines: &Lines<'_>,
    from: usize,
    count: usize,
    new: &[String],
) -> Splice {
    let (start, end) = (lines.start(from), lines.start(from + count));
    let ends_open = end == text.len() && !text.ends_with('\n');
    let mut joined = new.join("\n");
    if !ends_open && !new.is_empty() {
        joined.push('\n');
    }
    // The last lines of a file without a final line feed take the one before them along.
    let start = if ends_open && new.is_empty() { start.saturating_sub(1) } else { start };
    Splice::new(start..end, joined)
}
