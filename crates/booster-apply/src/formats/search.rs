//! Finding the lines that a block of an edit quotes, exactly or nearly.

use crate::indent::Shift;
use crate::output::{Reason, Refusal};
use crate::similarity::line_similarity;
use crate::text::{Lines, is_blank, squash};

/// How a quoted block was found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Found {
    /// The first line of the original that the block quotes.
    pub(crate) line: usize,
    /// How sure that is.
    pub(crate) confidence: f64,
    /// Whether the lines are the same with their indentation.
    pub(crate) exact: bool,
}

/// What is known about a block's place besides its lines.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Hint {
    /// The line (from 0) it is said to begin at.
    pub(crate) line: Option<usize>,
    /// It begins at this line or later.
    pub(crate) from: usize,
    /// The first place from `from` on counts, whatever else there is.
    pub(crate) first: bool,
    /// It ends the file.
    pub(crate) at_end: bool,
}

/// A line similarity below this is no quotation of the line.
const LEAST_LINE: f64 = 0.8;
/// The average that a block's lines must reach.
const LEAST_BLOCK: f64 = 0.92;
/// Above this product of line counts no nearly equal block is searched for.
const MAX_FUZZY: usize = 40_000;

/// Finds a block, from the strictest way of comparing to the laxest.
pub(crate) fn find(lines: &Lines<'_>, quoted: &[&str], hint: Hint) -> Result<Found, Refusal> {
    type Equal = fn(&str, &str) -> bool;
    let tiers: [(Equal, f64, bool); 5] = [
        (|a, b| a == b, 0.98, true),
        (|a, b| a.trim_end() == b.trim_end(), 0.96, true),
        (|a, b| a.trim() == b.trim(), 0.9, false),
        (|a, b| plain(a) == plain(b), 0.85, false),
        (|a, b| squash(a) == squash(b), 0.8, false),
    ];
    for (equal, confidence, exact) in tiers {
        let places = places(lines, quoted, &hint, equal);
        if let Some(line) = choose(&places, &hint)? {
            return Ok(Found { line, confidence, exact });
        }
    }
    nearly(lines, quoted, &hint)
}

/// Every place at which the quoted lines stand just so.
pub(crate) fn exact_places(lines: &Lines<'_>, quoted: &[&str]) -> Vec<usize> {
    places(lines, quoted, &Hint::default(), |a, b| a == b)
}

fn places(lines: &Lines<'_>, quoted: &[&str], hint: &Hint, equal: fn(&str, &str) -> bool) -> Vec<usize> {
    let Some(last) = lines.count().checked_sub(quoted.len()) else {
        return Vec::new();
    };
    // The line that says most is compared first: blank lines and brackets are everywhere.
    let telling =
        quoted.iter().enumerate().max_by_key(|(_, line)| line.trim().len()).map_or(0, |(index, _)| index);
    let key = quoted.get(telling).copied().unwrap_or_default();
    (hint.from..=last)
        .filter(|&at| !hint.at_end || at == last)
        .filter(|&at| equal(lines.get(at + telling), key))
        .filter(|&at| quoted.iter().enumerate().all(|(index, line)| equal(lines.get(at + index), line)))
        .collect()
}

/// The one place that is meant; a line number decides between several.
fn choose(places: &[usize], hint: &Hint) -> Result<Option<usize>, Refusal> {
    match places {
        [] => Ok(None),
        [only] => Ok(Some(*only)),
        [first, ..] if hint.first => Ok(Some(*first)),
        _ => match hint.line {
            Some(line) if places.contains(&line) => Ok(Some(line)),
            _ => Err(several(places)),
        },
    }
}

fn several(places: &[usize]) -> Refusal {
    let shown: Vec<String> = places.iter().take(6).map(|at| (at + 1).to_string()).collect();
    Refusal::new(
        Reason::Ambiguous,
        format!("the quoted lines stand in {} places: lines {}", places.len(), shown.join(", ")),
    )
}

/// Typographic quotes, dashes and blanks as their plain forms.
fn plain(line: &str) -> String {
    line.trim()
        .chars()
        .map(|c| match c {
            '\u{2018}' | '\u{2019}' | '\u{201b}' => '\'',
            '\u{201c}' | '\u{201d}' => '"',
            '\u{2010}'..='\u{2015}' | '\u{2212}' => '-',
            '\u{a0}' | '\u{2002}'..='\u{200a}' | '\u{202f}' | '\u{3000}' => ' ',
            other => other,
        })
        .collect()
}

/// A block that is quoted with small mistakes, if there is only one such place.
fn nearly(lines: &Lines<'_>, quoted: &[&str], hint: &Hint) -> Result<Found, Refusal> {
    let missing = || {
        let first = quoted.iter().find(|l| !is_blank(l)).map_or("", |l| l.trim());
        let shown: String = first.chars().take(60).collect();
        Refusal::new(
            Reason::TargetNotFound,
            format!("the quoted lines beginning with `{shown}` are not in the file"),
        )
    };
    let last = lines.count().checked_sub(quoted.len()).ok_or_else(missing)?;
    if lines.count().saturating_mul(quoted.len()) > MAX_FUZZY {
        return Err(missing());
    }
    let mut ranked: Vec<(f64, usize)> =
        (hint.from..=last).filter_map(|at| Some((block_similarity(lines, quoted, at)?, at))).collect();
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    match ranked.as_slice() {
        [(best, at), rest @ ..] if rest.first().is_none_or(|(next, _)| best - next > 0.05) => {
            Ok(Found { line: *at, confidence: 0.6 + (best - LEAST_BLOCK), exact: true })
        }
        [(_, first), (_, second), ..] => Err(several(&[*first.min(second), *first.max(second)])),
        _ => Err(missing()),
    }
}

fn block_similarity(lines: &Lines<'_>, quoted: &[&str], at: usize) -> Option<f64> {
    let (mut sum, mut weight) = (0.0, 0.0);
    for (index, line) in quoted.iter().enumerate() {
        let there = lines.get(at + index);
        if is_blank(line) != is_blank(there) {
            return None;
        }
        let alike = line_similarity(line, there);
        if alike < LEAST_LINE {
            return None;
        }
        let length = line.trim().len() as f64;
        sum += alike * length;
        weight += length;
    }
    (weight > 0.0 && sum / weight >= LEAST_BLOCK).then(|| sum / weight)
}

/// The shift of indentation between the quoted lines and the place they were found at.
pub(crate) fn shift_at(lines: &Lines<'_>, quoted: &[&str], at: usize) -> Shift {
    quoted
        .iter()
        .enumerate()
        .find(|(_, line)| !is_blank(line))
        .and_then(|(index, line)| Shift::between(line, lines.get(at + index)))
        .unwrap_or(Shift::Add(String::new()))
}
