//! Edits whose shown pieces do not parse by themselves, because markers stand for half a block: the definition is
//! recognised by its header, and the lines decide the rest.

use crate::cleanup::looks_like_prose;
use crate::describe::Kind;
use crate::fragment::{Cleaned, Fragment};
use crate::language::Language;
use crate::leads::Leads;
use crate::locate::{Location, Wanted, locate};
use crate::merge::check_hidden;
use crate::original::Original;
use crate::outline::{Item, Outline};
use crate::output::{Reason, Refusal};
use crate::plan::Plan;
use crate::region::align_region;
use crate::similarity::containment;
use crate::syntax;

/// What share of the shown lines a definition must have whose header is not shown, and how far it must be ahead.
const LEAST_SHOWN: f64 = 0.25;
const AHEAD: f64 = 0.2;

/// A definition with markers between pieces that do not parse by themselves.
pub(crate) fn plan_broken(original: &Original<'_>, cleaned: &Cleaned) -> Result<Plan, Refusal> {
    let text = shown_text(cleaned);
    if let Some((fragment, header)) = header_of(cleaned, original.language)? {
        let outline = fragment.outline(original.language);
        if let Some(item) = outline.items.get(header) {
            let merged = merge_by_header(original, cleaned, &fragment, &outline, item, &text);
            let missing = matches!(&merged, Err(refusal) if refusal.reason == Reason::TargetNotFound);
            // A header that is itself cut, such as a return type alone, reads like another definition.
            let by_line = if missing { merge_by_first_line(original, cleaned, &text).ok() } else { None };
            return by_line.map_or(merged, Ok);
        }
    }
    if looks_like_prose(&text) && !cleaned.has_markers() {
        return Err(Refusal::new(Reason::EditNotCode, "the edit reads like prose, not like code"));
    }
    merge_by_first_line(original, cleaned, &text)
}

/// The edit's lines without its markers.
fn shown_text(cleaned: &Cleaned) -> String {
    let lines = cleaned.lines.iter().zip(&cleaned.marker);
    let shown: Vec<&str> = lines.filter(|(_, marker)| !**marker).map(|(line, _)| line.as_str()).collect();
    shown.join("\n")
}

/// Aligns an edit whose first lines up to a marker say which definition it is.
fn merge_by_header(
    original: &Original<'_>,
    cleaned: &Cleaned,
    fragment: &Fragment,
    outline: &Outline<'_>,
    item: &Item,
    text: &str,
) -> Result<Plan, Refusal> {
    let wanted = Wanted { outline, item, scope: Vec::new(), text, base: &cleaned.base, partial: true };
    let (target, confidence) = match locate(original, &wanted, None) {
        Location::Found(target, confidence) => (target, confidence),
        Location::Missing => return Err(original.not_found(item.kind.name(), &item.name)),
        Location::Several(indices) => return Err(original.ambiguous(&item.name, &indices)),
    };
    let Some(known) = original.item(target) else {
        return Err(original.not_found(item.kind.name(), &item.name));
    };
    let leads = Leads::of(item, known);
    let first_line = outline.lines.line_of(leads.edit.start).saturating_sub(fragment.prefix_lines);
    let edit: Vec<(String, bool)> =
        cleaned.lines.iter().cloned().zip(cleaned.marker.iter().copied()).skip(first_line).collect();
    let mut plan = align_region(original, &edit, leads.known, &item.name)?;
    check_hidden(original, item, known, &plan)?;
    plan.lower(confidence);
    Ok(plan)
}

/// Aligns an edit whose header is itself cut by a marker, such as `template <…>` and then a marker: the definition
/// is the only one that begins with this line and has most of the shown lines.
fn merge_by_first_line(original: &Original<'_>, cleaned: &Cleaned, text: &str) -> Result<Plan, Refusal> {
    let first = cleaned.lines.first().map(|l| l.trim()).unwrap_or_default();
    let lines = &original.outline.lines;
    let mut ranked: Vec<(usize, f64)> = Vec::new();
    for (index, item) in original.outline.items.iter().enumerate() {
        let begins = [item.lead(), item.outer.start, item.core.start]
            .iter()
            .any(|&at| lines.get(lines.line_of(at)).trim() == first);
        if item.kind.is_definition() && begins {
            ranked.push((index, containment(text, original.slice(item.outer.clone()))));
        }
    }
    ranked.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let Some(&(target, share)) = ranked.first().filter(|(_, share)| *share >= LEAST_SHOWN) else {
        return Err(Refusal::new(
            Reason::TargetNotFound,
            format!("no definition begins with `{first}` and has the lines that the edit shows"),
        ));
    };
    let close: Vec<usize> =
        ranked.iter().filter(|(_, other)| share - other < AHEAD).map(|(index, _)| *index).collect();
    let Some(known) = original.item(target) else {
        return Err(original.ambiguous(first, &close));
    };
    if close.len() > 1 {
        return Err(original.ambiguous(&known.name, &close));
    }
    let starts = [known.lead(), known.outer.start, known.core.start];
    let start = starts
        .into_iter()
        .find(|&at| lines.get(lines.line_of(at)).trim() == first)
        .unwrap_or(known.outer.start);
    let edit: Vec<(String, bool)> =
        cleaned.lines.iter().cloned().zip(cleaned.marker.iter().copied()).collect();
    let mut plan = align_region(original, &edit, start..known.outer.end, &known.name)?;
    plan.lower(0.6 + 0.3 * share);
    Ok(plan)
}

/// The lines up to the first marker, completed so that they parse, and the definition they begin.
fn header_of(cleaned: &Cleaned, language: Language) -> Result<Option<(Fragment, usize)>, Refusal> {
    let first = cleaned.marker.iter().position(|m| *m).unwrap_or(cleaned.lines.len());
    let header = cleaned.slice(0, first);
    let text = header.lines.join("\n");
    if text.trim().is_empty() {
        return Ok(None);
    }
    let closers = open_brackets(&syntax::parse(&text, language)?);
    let completions: &[&str] = if language.is_python() {
        &["\n            pass", ":\n            pass"]
    } else if language.is_script() {
        &["", " {}", " => {}"]
    } else {
        &["", " {}"]
    };
    let mut best: Option<(usize, Fragment, usize)> = None;
    for completion in completions {
        let mut attempt = header.clone();
        let added = format!("{closers}{completion}");
        if let Some(last) = attempt.lines.last_mut() {
            // A comment on the header's last line would swallow what is added.
            last.push_str(if last.contains("//") || last.contains('#') { "\n" } else { "" });
            last.push_str(&added);
        }
        let fragment = Fragment::parse(&attempt, language)?;
        let outline = fragment.outline(language);
        let item = fragment.top_items(&outline).into_iter().find(|&index| {
            outline.items.get(index).is_some_and(|item| {
                matches!(item.kind, Kind::Function | Kind::Call | Kind::Variable | Kind::Type)
                    || item.kind.is_container()
            })
        });
        let Some(item) = item else {
            continue;
        };
        if best.as_ref().is_none_or(|(errors, _, _)| fragment.errors < *errors) {
            best = Some((fragment.errors, fragment, item));
        }
        if matches!(best, Some((0, ..))) {
            break;
        }
    }
    Ok(best.map(|(_, fragment, item)| (fragment, item)))
}

/// What would close the brackets that are open at the end.
fn open_brackets(tree: &tree_sitter::Tree) -> String {
    let mut open: Vec<char> = Vec::new();
    syntax::walk(tree.root_node(), |node| {
        if node.child_count() > 0 || node.is_missing() {
            return true;
        }
        match node.kind() {
            "{" | "${" => open.push('}'),
            "(" => open.push(')'),
            "[" => open.push(']'),
            "}" | ")" | "]" => {
                open.pop();
            }
            _ => {}
        }
        true
    });
    open.into_iter().rev().collect()
}
