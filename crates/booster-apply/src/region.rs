//! Merging an edit with markers into the lines of one definition.

use std::ops::Range;

use crate::align::{self, Defined, EditLine, Reading};
use crate::fragment::Cleaned;
use crate::indent::fit;
use crate::original::Original;
use crate::output::{Reason, Refusal};
use crate::plan::Plan;
use crate::splice::Splice;
use crate::text::{is_blank, words};

/// How much better the best alignment must be than the next that gives another result.
const ALIGN_MARGIN: i32 = 60;

/// Aligns an edit with markers to a region of the original.
pub(crate) fn align_region(
    original: &Original<'_>,
    edit: &[(String, bool)],
    region: Range<usize>,
    name: &str,
) -> Result<Plan, Refusal> {
    let lines = &original.outline.lines;
    let from = lines.line_of(region.start);
    let to = lines.line_of(region.end.saturating_sub(1).max(region.start));
    let known: Vec<&str> = (from..=to).map(|line| lines.get(line)).collect();
    let raw: Vec<&str> = edit.iter().map(|(line, _)| line.as_str()).collect();
    let mut fitted = fit(&raw, &known);
    keep_prefix(&mut fitted, &known, original, region.start);
    let edit_lines: Vec<EditLine> =
        fitted.into_iter().zip(edit).map(|(text, (_, marker))| EditLine { text, marker: *marker }).collect();
    let defined = defined_names(original, from..to + 1);
    let readings = align::readings(&edit_lines, &known, &defined).ok_or_else(|| {
        Refusal::new(Reason::TooLarge, format!("`{name}` is too long to align with the edit"))
    })?;
    let range = lines.start(from)..lines.end(to);
    let telling =
        edit_lines.iter().filter(|l| !l.marker && l.text.chars().any(char::is_alphanumeric)).count();
    let sound = sound_readings(original, readings, &range)?;
    if sound.is_empty() && stops_short(&edit_lines, &known) {
        return Err(Refusal::new(
            Reason::EditIncomplete,
            format!("the edit of `{name}` stops in the middle of the definition"),
        ));
    }
    choose(sound, &range, telling, name)
}

/// Aligns an edit with markers to the whole file; what it does not begin or end with stays.
pub(crate) fn align_document(original: &Original<'_>, cleaned: &Cleaned) -> Result<Plan, Refusal> {
    let mut edit: Vec<(String, bool)> =
        cleaned.lines.iter().cloned().zip(cleaned.marker.iter().copied()).collect();
    let known: Vec<&str> = original.text().lines().filter(|line| !is_blank(line)).collect();
    let open = |shown: Option<&(String, bool)>, line: Option<&&str>| {
        shown.is_some_and(|(text, marker)| !marker && line.is_some_and(|line| line.trim() != text.trim()))
    };
    if open(edit.first(), known.first()) {
        edit.insert(0, (String::new(), true));
    }
    if open(edit.last(), known.last()) {
        edit.push((String::new(), true));
    }
    align_region(original, &edit, 0..original.text().len(), "the file")
}

/// What lines of the original define.
fn defined_names<'o>(original: &'o Original<'_>, range: Range<usize>) -> Vec<Option<Defined<'o>>> {
    let lines = &original.outline.lines;
    let mut defined = vec![None; range.len()];
    for item in original.outline.items.iter().filter(|item| item.kind.is_definition()) {
        let line = lines.line_of(item.core.start).checked_sub(range.start);
        // A qualified name is known by its last word.
        let (Some(slot), Some(name)) =
            (line.and_then(|line| defined.get_mut(line)), words(&item.name).last())
        else {
            continue;
        };
        let own = words(original.slice(item.core.clone())).filter(|word| *word == name).count();
        let used = original.occurrences(name) > own;
        *slot = Some(Defined { name, used });
    }
    defined
}

/// Whether an edit ends neither with a marker nor with the definition's last line.
fn stops_short(edit: &[EditLine], known: &[&str]) -> bool {
    let bare = |line: &str| line.trim().trim_end_matches([';', ',']).to_owned();
    let Some(last) = edit.iter().rfind(|line| !is_blank(&line.text)) else {
        return false;
    };
    !last.marker && known.last().is_some_and(|line| bare(line) != bare(&last.text))
}

/// What stands before the definition on its first line stays, unless the edit shows it too.
fn keep_prefix(fitted: &mut [String], known: &[&str], original: &Original<'_>, start: usize) {
    let lines = &original.outline.lines;
    let line_start = lines.start(lines.line_of(start));
    let prefix = original.slice(line_start..start);
    let (Some(first), Some(line)) = (fitted.first_mut(), known.first()) else {
        return;
    };
    if !prefix.trim().is_empty() && !first.trim_start().starts_with(prefix.trim()) && line.starts_with(prefix)
    {
        *first = format!("{prefix}{}", first.trim_start());
    }
}

/// Readings whose result has no more syntax errors than the original, best first.
fn sound_readings(
    original: &Original<'_>,
    readings: Vec<Reading>,
    range: &Range<usize>,
) -> Result<Vec<Reading>, Refusal> {
    let best = readings.first().map_or(0, |r| r.score);
    let mut sound: Vec<Reading> = Vec::new();
    for reading in readings {
        let decided = sound.first().is_some_and(|first| first.score - reading.score >= ALIGN_MARGIN);
        if decided || best - reading.score > 2 * ALIGN_MARGIN {
            break;
        }
        let splice = Splice::new(range.clone(), reading.lines.join("\n"));
        if original.added_errors(vec![splice])? == 0 {
            sound.push(reading);
        }
    }
    Ok(sound)
}

fn choose(sound: Vec<Reading>, range: &Range<usize>, telling: usize, name: &str) -> Result<Plan, Refusal> {
    let mut ranked = sound.into_iter();
    let Some(best) = ranked.next() else {
        return Err(Refusal::new(
            Reason::SyntaxError,
            format!("no way to fit the edit into `{name}` gives a file that parses"),
        ));
    };
    if let Some(next) = ranked.next()
        && best.score - next.score < ALIGN_MARGIN
    {
        return Err(Refusal::new(
            Reason::Ambiguous,
            format!("the lines shown of `{name}` fit in more than one place"),
        ));
    }
    if best.doubtful {
        return Err(Refusal::new(
            Reason::Ambiguous,
            format!("the edit of `{name}` does not say whether new lines come beside or instead of old ones"),
        ));
    }
    if best.anchored == 0 {
        return Err(Refusal::new(
            Reason::TargetNotFound,
            format!("none of the lines shown of `{name}` is in the file"),
        ));
    }
    let share = best.anchored as f64 / telling.max(1) as f64;
    let mut plan = Plan::of("merge-markers");
    plan.splices.push(Splice::new(range.clone(), best.lines.join("\n")));
    plan.lower((0.75 + 0.25 * share).min(0.95));
    Ok(plan)
}
