//! Recognising an edit that is the whole new file.

use crate::fragment::Fragment;
use crate::original::Original;
use crate::outline::{Item, Outline};
use crate::similarity::containment;
use crate::text::squash;

/// The share of the original's lines that a whole new file must still have to be recognised as one.
const LEAST_SHARED: f64 = 0.5;

/// Whether an edit without markers is the whole file: it begins like the original, and every member that the original
/// has at its outermost level is there.
pub(crate) fn is_whole_file(original: &Original<'_>, fragment: &Fragment) -> bool {
    if fragment.errors > 0 || fragment.prefix_lines > 0 || fragment.marker.contains(&true) {
        return false;
    }
    let first = |text: &str| text.lines().find(|l| !l.trim().is_empty()).map(|l| l.trim().to_owned());
    if first(original.text()) != first(&fragment.text) {
        return false;
    }
    let outline = fragment.outline(original.language);
    let known = outermost(&original.outline);
    let shown = outermost(&outline);
    let definitions = known.iter().filter(|item| item.kind.is_definition()).count();
    let more_than_one = known.len() >= 2 && definitions >= 1;
    let all_there = known.iter().all(|item| has(item, &original.outline, &shown, &outline));
    more_than_one && all_there && containment(original.text(), &fragment.text) >= LEAST_SHARED
}

fn outermost<'o>(outline: &'o Outline<'_>) -> Vec<&'o Item> {
    outline.items.iter().filter(|item| item.parent.is_none() && item.is_member).collect()
}

/// Whether an item is there again: a definition by its name, an import in any form, anything else by its text.
fn has(item: &Item, known: &Outline<'_>, shown: &[&Item], edit: &Outline<'_>) -> bool {
    let text =
        |item: &Item, outline: &Outline<'_>| squash(outline.text.get(item.core.clone()).unwrap_or_default());
    if item.kind.is_definition() {
        return shown
            .iter()
            .any(|other| other.kind == item.kind && other.name == item.name && other.owner == item.owner);
    }
    if item.kind == crate::describe::Kind::Import {
        return shown.iter().any(|other| other.kind == item.kind);
    }
    let wanted = text(item, known);
    shown.iter().any(|other| other.kind == item.kind && text(other, edit) == wanted)
}
