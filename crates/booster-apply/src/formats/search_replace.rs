//! SEARCH/REPLACE blocks in the forms of aider, Cline and Roo.

use similar::{Algorithm, DiffOp, capture_diff_slices};

use super::search::{Found, Hint, exact_places, find, shift_at};
use super::unified::pick_file;
use crate::output::{Reason, Refusal};
use crate::plan::Plan;
use crate::splice::{self, Splice};
use crate::text::{Lines, indent_of, is_blank};

/// One block: these lines become those.
#[derive(Debug, Default)]
struct Block<'e> {
    search: Vec<&'e str>,
    replace: Vec<&'e str>,
    /// The line (from 1) that the block is said to begin at.
    start_line: Option<usize>,
    /// The file that the line above the block names.
    file: Option<&'e str>,
}

/// Lines that are quoted and lines that come for them.
type Sides<'b> = (&'b [&'b str], &'b [&'b str]);

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
    let said = |rest: &str| matches!(rest.trim_end_matches('>'), "REPLACE" | "UPDATED");
    fence(line, '>').is_some_and(said) || fence(line, '+').is_some_and(said)
}

/// Plans the blocks that belong to `path`.
///
/// All are located in the original; where that fails, one after the other in what the ones before it made, because
/// a block may quote lines that another brings in.
pub(crate) fn plan(text: &str, edit: &str, path: Option<&str>) -> Result<Plan, Refusal> {
    let blocks = of_file(blocks(edit)?, path)?;
    match place_all(text, &blocks) {
        Ok(plan) => Ok(plan),
        Err(refusal) if blocks.len() > 1 => one_after_the_other(text, &blocks).ok_or(refusal),
        Err(refusal) => Err(refusal),
    }
}

fn of_file<'e>(blocks: Vec<Block<'e>>, path: Option<&str>) -> Result<Vec<Block<'e>>, Refusal> {
    let mut files: Vec<(&str, Vec<Block<'e>>)> = Vec::new();
    let mut name = "";
    for block in blocks {
        name = block.file.unwrap_or(name);
        match files.iter_mut().find(|(known, _)| *known == name) {
            Some((_, blocks)) => blocks.push(block),
            None => files.push((name, vec![block])),
        }
    }
    pick_file(files, path)
}

fn place_all(text: &str, blocks: &[Block<'_>]) -> Result<Plan, Refusal> {
    let lines = Lines::new(text);
    let mut plan = Plan::of("search-replace");
    for (index, block) in blocks.iter().enumerate() {
        if let Some(splice) = repeated(text, &lines, blocks, index) {
            plan.splices.push(splice);
            plan.lower(0.9);
            continue;
        }
        place(text, &lines, block, &mut plan)?;
    }
    if splice::sorted(plan.splices.clone(), text).is_none() {
        return Err(Refusal::new(Reason::Ambiguous, "two SEARCH blocks quote the same lines"));
    }
    Ok(plan)
}

/// The splice of one of several equal blocks, when the file has what they quote as often as there are blocks.
fn repeated(text: &str, lines: &Lines<'_>, blocks: &[Block<'_>], index: usize) -> Option<Splice> {
    let block = blocks.get(index)?;
    let equal = |other: &&Block<'_>| other.search == block.search && other.replace == block.replace;
    let count = blocks.iter().filter(equal).count();
    if count < 2 || block.search.iter().all(|line| is_blank(line)) {
        return None;
    }
    let rank = blocks.get(..index)?.iter().filter(equal).count();
    let places = exact_places(lines, &block.search);
    let at = *places.get(rank).filter(|_| places.len() == count)?;
    let new: Vec<String> = block.replace.iter().map(|line| (*line).to_owned()).collect();
    Some(replace_lines(text, lines, at, block.search.len(), &new))
}

fn one_after_the_other(text: &str, blocks: &[Block<'_>]) -> Option<Plan> {
    let mut plan = Plan::of("search-replace");
    plan.lower(0.9);
    let mut current = text.to_owned();
    for block in blocks {
        let mut step = Plan::of("search-replace");
        place(&current, &Lines::new(&current), block, &mut step).ok()?;
        plan.lower(step.confidence);
        let splices = splice::sorted(step.splices, &current)?;
        current = splice::perform(&current, &splices);
    }
    plan.splices.push(Splice::new(0..text.len(), current));
    Some(plan)
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
    let mut above = None;
    for line in edit.lines() {
        match at {
            At::Outside if opens(line) => {
                block = Block { file: above.take(), ..Block::default() };
                at = At::Search;
            }
            At::Outside if is_blank(line) || line.trim_start().starts_with("```") => {}
            At::Outside => above = file_name(line),
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

/// The file that a line names, with or without the marks that models put around a name.
fn file_name(line: &str) -> Option<&str> {
    let name = line.trim().trim_matches(['`', '*', '#', ':', ' ']);
    let path = name.contains(['.', '/']) && !name.contains(char::is_whitespace) && !name.contains(['<', '(']);
    (path && name.chars().any(char::is_alphanumeric)).then_some(name)
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
    if let Some(pieces) = elided(lines, block) {
        let mut from = 0;
        for sides in pieces {
            from = place_sides(text, lines, sides, Hint { from, ..hint }, plan)?;
        }
        return Ok(());
    }
    let sides = trimmed(lines, block, hint);
    place_sides(text, lines, sides, hint, plan)?;
    Ok(())
}

/// Replaces quoted lines and returns the line after them.
fn place_sides(
    text: &str,
    lines: &Lines<'_>,
    (search, replace): Sides<'_>,
    hint: Hint,
    plan: &mut Plan,
) -> Result<usize, Refusal> {
    let found = find(lines, search, hint)?;
    plan.lower(found.confidence);
    let new = rewritten(lines, (search, replace), found);
    plan.splices.push(replace_lines(text, lines, found.line, search.len(), &new));
    Ok(found.line + search.len())
}

/// The lines that come: the file's where both sides of the block have the same, which it may quote with mistakes, and
/// the others with the indentation of the place.
fn rewritten(lines: &Lines<'_>, (search, replace): Sides<'_>, found: Found) -> Vec<String> {
    let uniform = shift_at(lines, search, found.line);
    let flat = !found.exact && is_flat(search) && is_flat(replace);
    let mut new = Vec::with_capacity(replace.len());
    for op in capture_diff_slices(Algorithm::Myers, search, replace) {
        let (old, come) = (op.old_range(), op.new_range());
        for (index, line) in come.clone().filter_map(|at| replace.get(at)).enumerate() {
            let there = lines.get(found.line + old.start + index);
            let same = matches!(op, DiffOp::Equal { .. });
            new.push(if same && (flat || there.trim() != line.trim() || found.exact) {
                there.to_owned()
            } else if flat {
                let partner = (old.start + index).min(old.end.saturating_sub(1));
                indented_like(lines, search, found.line, partner, line)
            } else if found.exact {
                (*line).to_owned()
            } else {
                uniform.apply(line)
            });
        }
    }
    new
}

/// Whether several lines have no indentation at all.
fn is_flat(lines: &[&str]) -> bool {
    let mut shown = lines.iter().filter(|line| !is_blank(line));
    shown.clone().count() >= 2 && shown.all(|line| !line.starts_with([' ', '\t']))
}

/// A line with the indentation of the file's line at `partner`, or of the nearest one above that is not blank.
fn indented_like(lines: &Lines<'_>, search: &[&str], at: usize, partner: usize, line: &str) -> String {
    let near = (0..=partner).rev().find(|&index| search.get(index).is_some_and(|line| !is_blank(line)));
    if is_blank(line) {
        return line.to_owned();
    }
    format!("{}{line}", near.map_or("", |index| indent_of(lines.get(at + index))))
}

/// The pieces of a block between lines of three dots that stand for the same lines on both sides.
fn elided<'b>(lines: &Lines<'_>, block: &'b Block<'b>) -> Option<Vec<Sides<'b>>> {
    let dots = |line: &&str| line.trim() == "...";
    if !block.search.iter().any(dots) || (0..lines.count()).any(|at| lines.get(at).trim() == "...") {
        return None;
    }
    let quoted: Vec<_> = block.search.split(|line| dots(line)).collect();
    let new: Vec<_> = block.replace.split(|line| dots(line)).collect();
    let pieces: Vec<Sides<'_>> = quoted.iter().copied().zip(new.iter().copied()).collect();
    let lost = pieces.iter().any(|(quoted, new)| quoted.is_empty() && !new.is_empty());
    let kept = pieces.into_iter().filter(|(quoted, _)| !quoted.is_empty()).collect();
    (quoted.len() == new.len() && !lost).then_some(kept)
}

/// The block without blank lines around both sides, where the quoted ones are not in the file.
fn trimmed<'b>(lines: &Lines<'_>, block: &'b Block<'b>, hint: Hint) -> Sides<'b> {
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
