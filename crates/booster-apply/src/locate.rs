//! Finding the definition that an edit's definition is a new version of.

use std::collections::{HashMap, HashSet};

use crate::describe::Kind;
use crate::language::Language;
use crate::original::Original;
use crate::outline::{Item, Outline};
use crate::similarity::{code_similarity, containment, word_similarity};
use crate::text::{indent_of, words};

/// How far the best candidate must be ahead of the next.
const MARGIN: f64 = 0.06;

/// Where an edit's definition belongs.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Location {
    /// The definition at this index, with how sure that is.
    Found(usize, f64),
    /// Nothing corresponds.
    Missing,
    /// Several correspond equally well.
    Several(Vec<usize>),
}

/// An edit's definition as the search needs it.
pub(crate) struct Wanted<'e> {
    pub(crate) outline: &'e Outline<'e>,
    pub(crate) item: &'e Item,
    /// Names of the containers that the edit shows around it.
    pub(crate) scope: Vec<String>,
    /// The edit's text of the definition.
    pub(crate) text: &'e str,
    /// The indentation that the whole edit had.
    pub(crate) base: &'e str,
    /// Whether parts of the definition are left out behind markers.
    pub(crate) partial: bool,
}

/// Finds the counterpart among the members of `parent`, or in the whole file if there is none.
pub(crate) fn locate(original: &Original<'_>, wanted: &Wanted<'_>, parent: Option<usize>) -> Location {
    let mut best: Vec<(usize, f64)> = Vec::new();
    for exactness in [Match::Exact, Match::Related] {
        best = candidates(original, wanted, parent, exactness);
        if !best.is_empty() {
            break;
        }
    }
    prefer_shown_branch(original, wanted, &mut best);
    prefer_shown_signature(original, wanted, &mut best);
    let Some(&(first, _)) = best.first() else {
        return Location::Missing;
    };
    if best.len() == 1 {
        return Location::Found(first, lone_confidence(original, wanted, first));
    }
    if original.language.is_data() {
        return by_depth(original, wanted, &best);
    }
    for (index, score) in &mut best {
        *score = score_of(original, wanted, *index);
    }
    best.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    match decide(&best) {
        Location::Several(close) => by_own_words(original, wanted, close),
        found => found,
    }
}

/// The one of several candidates that has words in common with the edit which no other one has; that must be most of
/// the words that it alone has.
fn by_own_words(original: &Original<'_>, wanted: &Wanted<'_>, close: Vec<usize>) -> Location {
    let mut owners: HashMap<&str, Option<usize>> = HashMap::new();
    for &index in &close {
        let text = original.item(index).map_or("", |item| original.slice(item.core.clone()));
        for word in words(text) {
            let owner = owners.entry(word).or_insert(Some(index));
            *owner = owner.filter(|other| *other == index);
        }
    }
    let shown: HashSet<&str> = words(wanted.text).collect();
    let mut own: HashMap<usize, (usize, usize)> = HashMap::new();
    for (word, owner) in owners {
        if let Some(index) = owner {
            let (common, all) = own.entry(index).or_default();
            *common += usize::from(shown.contains(word));
            *all += 1;
        }
    }
    own.retain(|_, (common, _)| *common > 0);
    match own.into_iter().collect::<Vec<_>>().as_slice() {
        &[(index, (common, all))] if common * 2 >= all => Location::Found(index, 0.8),
        _ => Location::Several(close),
    }
}

/// The one candidate that is indented like the edit: where a name says little, nothing else is to be trusted.
fn by_depth(original: &Original<'_>, wanted: &Wanted<'_>, candidates: &[(usize, f64)]) -> Location {
    let lines = &original.outline.lines;
    let indices: Vec<usize> = candidates.iter().map(|(index, _)| *index).collect();
    let fits = |index: &&usize| {
        let start = original.item(**index).map_or(0, |item| item.outer.start);
        indent_of(lines.get(lines.line_of(start))) == wanted.base
    };
    let mut deep = indices.iter().filter(fits);
    match (deep.next(), deep.next()) {
        (Some(&index), None) => Location::Found(index, 0.85),
        _ => Location::Several(indices),
    }
}

/// Leaves only the candidates under the preprocessor conditions that the edit shows, if there are any.
fn prefer_shown_branch(original: &Original<'_>, wanted: &Wanted<'_>, candidates: &mut Vec<(usize, f64)>) {
    let shown = &wanted.item.branch;
    let agrees = |index: usize| original.item(index).is_some_and(|item| item.branch.ends_with(shown));
    if !shown.is_empty() && candidates.iter().any(|&(index, _)| agrees(index)) {
        candidates.retain(|&(index, _)| agrees(index));
    }
}

/// Leaves of several overloads only those with the signature that the edit shows, if there are any.
fn prefer_shown_signature(original: &Original<'_>, wanted: &Wanted<'_>, candidates: &mut Vec<(usize, f64)>) {
    let shown = wanted.outline.signature(wanted.item);
    let agrees = |item: &Item| original.outline.signature(item) == shown;
    let items = candidates.iter().filter_map(|&(index, _)| original.item(index));
    let scopes: HashSet<Option<usize>> = items.filter(|item| agrees(item)).map(|item| item.parent).collect();
    candidates.retain(|&(index, _)| {
        original.item(index).is_some_and(|item| agrees(item) || !scopes.contains(&item.parent))
    });
}

fn decide(ranked: &[(usize, f64)]) -> Location {
    let Some(&(first, a)) = ranked.first() else {
        return Location::Missing;
    };
    match ranked.get(1) {
        Some((_, b)) if a - b < MARGIN => {
            let close = ranked.iter().filter(|(_, score)| a - score < MARGIN);
            let mut indices: Vec<usize> = close.map(|(index, _)| *index).collect();
            indices.sort_unstable();
            Location::Several(indices)
        }
        second => Location::Found(first, (0.8 + (a - second.map_or(0.0, |(_, b)| *b)) * 0.5).min(0.95)),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Match {
    Exact,
    Related,
}

fn candidates(
    original: &Original<'_>,
    wanted: &Wanted<'_>,
    parent: Option<usize>,
    exactness: Match,
) -> Vec<(usize, f64)> {
    original
        .outline
        .items
        .iter()
        .enumerate()
        .filter(|(_, item)| item.name == wanted.item.name)
        .filter(|(_, item)| kinds_agree(original.language, wanted, item.kind, exactness))
        .filter(|(_, item)| parent.is_none() || item.parent == parent)
        .filter(|(index, _)| scopes_agree(original, wanted, *index, exactness))
        .map(|(index, _)| (index, 0.0))
        .collect()
}

fn kinds_agree(language: Language, wanted: &Wanted<'_>, known: Kind, exactness: Match) -> bool {
    if wanted.item.kind == known {
        return true;
    }
    if exactness == Match::Exact {
        return false;
    }
    // Only where functions are values does a variable become one.
    let values = language.is_script() || language.is_python();
    match (wanted.item.kind, known) {
        // A function whose body is behind a marker from its first brace on looks like a declaration.
        (Kind::Prototype, Kind::Function) => wanted.partial,
        (Kind::Class, Kind::Type) | (Kind::Type, Kind::Class) => true,
        (Kind::Function | Kind::Class, Kind::Variable) | (Kind::Variable, Kind::Function | Kind::Class) => {
            values
        }
        _ => false,
    }
}

fn scopes_agree(original: &Original<'_>, wanted: &Wanted<'_>, index: usize, exactness: Match) -> bool {
    let Some(item) = original.item(index) else {
        return false;
    };
    if original.language == Language::Go {
        return item.owner == wanted.item.owner;
    }
    let mut shown: Vec<&str> = wanted.scope.iter().map(String::as_str).collect();
    shown.extend(wanted.item.owner.as_deref());
    if shown.is_empty() {
        // A qualified definition is meant by a qualified edit, unless nothing else is there.
        return exactness == Match::Related || item.owner.is_none();
    }
    let shown: Vec<&str> = shown.iter().flat_map(|name| name.split("::")).collect();
    let scope = original.outline.scope(index);
    let known: Vec<&str> = scope.iter().flat_map(|name| name.split("::")).collect();
    known.ends_with(&shown) || (exactness == Match::Related && shown.ends_with(&known) && !known.is_empty())
}

/// How well one of several candidates of a name fits, 0 to about 1.
fn score_of(original: &Original<'_>, wanted: &Wanted<'_>, index: usize) -> f64 {
    let Some(item) = original.item(index) else {
        return 0.0;
    };
    let text = original.slice(item.core.clone());
    let mine = wanted.outline.signature(wanted.item);
    let theirs = original.outline.signature(item);
    let signature = if mine == theirs { 1.0 } else { 0.8 * word_similarity(&mine, &theirs) };
    let body =
        if wanted.partial { containment(wanted.text, text) } else { code_similarity(wanted.text, text) };
    let line = original.outline.lines.get(original.outline.lines.line_of(item.core.start));
    let depth = indent_of(line) == wanted.base && !(wanted.base.is_empty() && item.parent.is_some());
    0.4 * signature
        + 0.5 * body
        + if item.node_kind == wanted.item.node_kind { 0.1 } else { 0.0 }
        + if depth { 0.03 } else { 0.0 }
}

/// How sure a definition is the one when it is the only one of its name.
fn lone_confidence(original: &Original<'_>, wanted: &Wanted<'_>, index: usize) -> f64 {
    let Some(item) = original.item(index) else {
        return 0.0;
    };
    if original.outline.signature(item) == wanted.outline.signature(wanted.item) {
        return 0.97;
    }
    let text = original.slice(item.core.clone());
    let alike =
        if wanted.partial { containment(wanted.text, text) } else { code_similarity(wanted.text, text) };
    if alike >= 0.3 { 0.93 } else { 0.6 + alike }
}
