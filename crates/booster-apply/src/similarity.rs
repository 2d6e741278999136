//! How alike two pieces of code are.

use std::collections::HashMap;
use std::hash::Hash;

use crate::text::words;

/// The Sørensen–Dice coefficient of two bags: twice the shared elements over all elements; 1 for two empty bags.
fn dice<T: Eq + Hash>(a: impl Iterator<Item = T>, b: impl Iterator<Item = T>) -> f64 {
    let mut counts: HashMap<T, isize> = HashMap::new();
    let mut total = 0_usize;
    for element in a {
        *counts.entry(element).or_default() += 1;
        total += 1;
    }
    let mut shared = 0_usize;
    for element in b {
        total += 1;
        if let Some(left) = counts.get_mut(&element).filter(|left| **left > 0) {
            *left -= 1;
            shared += 1;
        }
    }
    if total == 0 { 1.0 } else { 2.0 * shared as f64 / total as f64 }
}

/// How many words two texts share, 0 to 1.
pub(crate) fn word_similarity(a: &str, b: &str) -> f64 {
    dice(words(a), words(b))
}

/// How many words and whole lines two definitions share, 0 to 1.
pub(crate) fn code_similarity(a: &str, b: &str) -> f64 {
    let by_line = dice(informative_lines(a), informative_lines(b));
    (by_line + word_similarity(a, b)) / 2.0
}

/// The share of `part`'s informative lines that occur in `whole`, 0 to 1.
pub(crate) fn containment(part: &str, whole: &str) -> f64 {
    let lines: std::collections::HashSet<&str> = informative_lines(whole).collect();
    let (mut found, mut total) = (0_usize, 0_usize);
    for line in informative_lines(part) {
        total += 1;
        found += usize::from(lines.contains(line));
    }
    if total == 0 { 0.0 } else { found as f64 / total as f64 }
}

fn informative_lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| line.chars().filter(|c| c.is_alphanumeric()).count() >= 2)
}

/// How alike two lines are by their characters' pairs, 0 to 1.
pub(crate) fn line_similarity(a: &str, b: &str) -> f64 {
    let pairs = |line: &str| -> Vec<(char, char)> {
        let chars: Vec<char> = line.chars().filter(|c| !c.is_whitespace()).take(400).collect();
        chars.windows(2).filter_map(|w| Some((*w.first()?, *w.get(1)?))).collect()
    };
    let (a, b) = (a.trim(), b.trim());
    if a == b {
        return 1.0;
    }
    dice(pairs(a).into_iter(), pairs(b).into_iter()).min(0.99)
}
