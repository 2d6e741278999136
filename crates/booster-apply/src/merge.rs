//! Turning an edit written as code into replacements of the original.

use std::ops::Range;

use crate::align::{self, EditLine, Reading};
use crate::cleanup::looks_like_prose;
use crate::describe::Kind;
use crate::fragment::{Cleaned, Fragment};
use crate::imports;
use crate::indent::{Shift, fit, shift_of};
use crate::language::Language;
use crate::locate::{Location, Wanted, locate};
use crate::markers::{has_inline_marker, is_marker_text};
use crate::original::Original;
use crate::outline::{Item, Outline};
use crate::output::{Reason, Refusal};
use crate::similarity::containment;
use crate::splice::Splice;
use crate::syntax;
use crate::text::{indent_of, is_blank, squash};
use crate::whole::is_whole_file;

/// How much better the best alignment must be than the next that gives another result.
const ALIGN_MARGIN: i32 = 60;

/// What an edit comes to.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) splices: Vec<Splice>,
    pub(crate) confidence: f64,
    pub(crate) strategy: &'static str,
}

impl Plan {
    fn new() -> Plan {
        Plan::of("replace-definition")
    }

    /// A plan that changes nothing yet.
    pub(crate) fn of(strategy: &'static str) -> Plan {
        Plan { splices: Vec::new(), confidence: 1.0, strategy }
    }

    /// Takes note that something in the plan is only this certain.
    pub(crate) fn lower(&mut self, confidence: f64) {
        self.confidence = self.confidence.min(confidence);
    }

    fn join(&mut self, other: Plan) {
        self.splices.extend(other.splices);
        self.lower(other.confidence);
        if other.strategy != "replace-definition" {
            self.strategy = other.strategy;
        }
    }
}

/// Plans an edit that is code, with or without markers.
pub(crate) fn plan(original: &Original<'_>, cleaned: &Cleaned) -> Result<Plan, Refusal> {
    let fragment = Fragment::parse(cleaned, original.language)?;
    if is_whole_file(original, &fragment) {
        let mut plan = Plan::of("whole-file");
        plan.lower(0.9);
        let ends = if original.text().ends_with('\n') { "\n" } else { "" };
        let text = format!("{}{ends}", cleaned.lines.join("\n"));
        plan.splices.push(Splice::new(0..original.text().len(), text));
        return Ok(plan);
    }
    if is_whole(&fragment, original.language) {
        return plan_parsed(original, &fragment);
    }
    let chunks = chunks(cleaned, original.language.is_python());
    if chunks.len() == 1 && !cleaned.has_markers() {
        return plan_unmarked(original, &fragment, cleaned);
    }
    let mut plan = Plan::new();
    for chunk in chunks {
        let fragment = Fragment::parse(&chunk, original.language)?;
        plan.join(if is_whole(&fragment, original.language) {
            plan_parsed(original, &fragment)?
        } else if chunk.has_markers() {
            plan_broken(original, &chunk)?
        } else {
            plan_unmarked(original, &fragment, &chunk)?
        });
    }
    Ok(plan)
}

/// Whether a fragment parses, and not only by accident of the brackets that markers leave.
fn is_whole(fragment: &Fragment, language: Language) -> bool {
    let outline = fragment.outline(language);
    fragment.errors == 0 && closes_evenly(fragment, &outline, language)
}

/// Whether the closing line of every definition with markers is indented like its first: if not, the parser closed
/// it with a bracket that belongs to something a marker stands for.
fn closes_evenly(fragment: &Fragment, outline: &Outline<'_>, language: Language) -> bool {
    let lines = &outline.lines;
    outline.items.iter().all(|item| {
        let first = lines.line_of(item.outer.start);
        let last = lines.line_of(item.outer.end.saturating_sub(1).max(item.outer.start));
        let closer = lines.get(last).trim_start().starts_with(['}', ')', ']']);
        let depth = indent_of(lines.get(first)).len();
        let even = depth == indent_of(lines.get(last)).len();
        // In Python a marker at the definition's own depth ends it, though the parser sees only a comment.
        let ended = language.is_python()
            && (first + 1..=last)
                .any(|line| fragment.is_marker_line(line) && indent_of(lines.get(line)).len() <= depth);
        if ended {
            return false;
        }
        even || !closer || !(first..=last).any(|line| fragment.is_marker_line(line))
    })
}

/// The parts of an edit between markers that stand at its outermost level.
fn chunks(cleaned: &Cleaned, python: bool) -> Vec<Cleaned> {
    let mut chunks = Vec::new();
    let mut from = 0;
    let count = cleaned.lines.len();
    for (index, line) in cleaned.lines.iter().enumerate() {
        let marker = cleaned.marker.get(index).copied().unwrap_or(false);
        if !marker || !indent_of(line).is_empty() {
            continue;
        }
        let next = cleaned.lines.get(index + 1..).unwrap_or_default();
        let next = next.iter().find(|l| !is_blank(l));
        let inside = next.is_some_and(|l| !indent_of(l).is_empty() || l.starts_with(['}', ')', ']']));
        if inside && index > 0 && !python {
            continue;
        }
        chunks.push(trimmed(cleaned, from, index));
        from = index + 1;
    }
    chunks.push(trimmed(cleaned, from, count));
    chunks.retain(|chunk| !chunk.lines.is_empty());
    chunks
}

fn trimmed(cleaned: &Cleaned, from: usize, to: usize) -> Cleaned {
    let blank = |index: usize| cleaned.lines.get(index).is_some_and(|l| is_blank(l));
    let (mut from, mut to) = (from, to);
    while from < to && blank(from) {
        from += 1;
    }
    while to > from && blank(to - 1) {
        to -= 1;
    }
    cleaned.slice(from, to)
}

/// One element of the edit at one level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Element {
    Marker,
    Item(usize),
}

/// What an element of the edit is in the original.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Counterpart {
    Marker,
    /// A version of it stands there, perhaps the very same.
    Changed(usize, f64),
    /// Nothing stands there.
    New,
}

impl Counterpart {
    fn index(self) -> Option<usize> {
        match self {
            Counterpart::Changed(index, _) => Some(index),
            Counterpart::Marker | Counterpart::New => None,
        }
    }
}

fn plan_parsed(original: &Original<'_>, fragment: &Fragment) -> Result<Plan, Refusal> {
    let outline = fragment.outline(original.language);
    let merger = Merger { original, fragment, outline: &outline };
    let items: Vec<usize> = fragment
        .top_items(&outline)
        .into_iter()
        .filter(|&index| merger.item(index).is_some_and(|item| !merger.is_marker_item(item)))
        .collect();
    let elements = merger.elements(&items, 0..fragment.text.len());
    if items.is_empty() {
        return Err(Refusal::new(Reason::EditEmpty, "the edit shows no code beside its markers"));
    }
    let mut plan = Plan::new();
    merger.level(&elements, None, &mut plan)?;
    Ok(plan)
}

/// An edit without markers that does not parse: cut off, prose, or code the grammar does not know.
fn plan_unmarked(original: &Original<'_>, fragment: &Fragment, cleaned: &Cleaned) -> Result<Plan, Refusal> {
    let text = cleaned.lines.join("\n");
    if looks_like_prose(&text) {
        return Err(Refusal::new(Reason::EditNotCode, "the edit reads like prose, not like code"));
    }
    let outline = fragment.outline(original.language);
    let items = fragment.top_items(&outline);
    let definitions = items
        .iter()
        .filter_map(|&index| outline.items.get(index))
        .filter(|item| item.kind.is_definition())
        .count();
    let balance = syntax::balance(&fragment.tree);
    if balance.open > 0 {
        return Err(Refusal::new(
            Reason::EditIncomplete,
            format!("the edit ends with {} brackets still open", balance.open),
        ));
    }
    if definitions == 0 {
        let punctuation = text.chars().filter(|c| "{}();=".contains(*c)).count();
        let reason = if punctuation == 0 { Reason::EditNotCode } else { Reason::SyntaxError };
        return Err(Refusal::new(reason, format!("the edit does not parse as {}", original.language.name())));
    }
    if balance.surplus > 0 || !covers(&outline, &items, fragment) {
        return Err(Refusal::new(
            Reason::SyntaxError,
            format!("the edit does not parse as {}", original.language.name()),
        ));
    }
    let mut plan = plan_parsed(original, fragment)?;
    plan.lower(0.85);
    Ok(plan)
}

/// Whether the items are all there is in the fragment, so that nothing would be dropped.
fn covers(outline: &Outline<'_>, items: &[usize], fragment: &Fragment) -> bool {
    let mut at = 0;
    let mut rest = String::new();
    for item in items.iter().filter_map(|&index| outline.items.get(index)) {
        rest.push_str(fragment.text.get(at..item.lead()).unwrap_or_default());
        at = at.max(item.outer.end);
    }
    rest.push_str(fragment.text.get(at..).unwrap_or_default());
    fragment.prefix_lines > 0 || rest.trim_matches(|c: char| c.is_whitespace() || ";,".contains(c)).is_empty()
}

struct Merger<'a, 'o> {
    original: &'a Original<'o>,
    fragment: &'a Fragment,
    outline: &'a Outline<'a>,
}

impl Merger<'_, '_> {
    fn item(&self, index: usize) -> Option<&Item> {
        self.outline.items.get(index)
    }

    /// The items and markers of one level in order.
    fn elements(&self, items: &[usize], within: Range<usize>) -> Vec<Element> {
        let items: Vec<usize> = items
            .iter()
            .copied()
            .filter(|&index| self.item(index).is_some_and(|item| !self.is_marker_item(item)))
            .collect();
        let mut elements: Vec<(usize, Element)> = items
            .iter()
            .filter_map(|&index| Some((self.item(index)?.lead(), Element::Item(index))))
            .collect();
        for line in self.marker_lines(within) {
            let at = self.outline.lines.start(line);
            let inside =
                items.iter().filter_map(|&index| self.item(index)).any(|item| item.outer.contains(&at));
            if !inside {
                elements.push((at, Element::Marker));
            }
        }
        elements.sort_by_key(|&(at, _)| at);
        elements.into_iter().map(|(_, element)| element).collect()
    }

    /// Whether an item is how a marker is written for the parser.
    fn is_marker_item(&self, item: &Item) -> bool {
        self.fragment.is_marker_line(self.outline.lines.line_of(item.outer.start))
    }

    /// The marker lines within a range of the fragment.
    fn marker_lines(&self, within: Range<usize>) -> impl Iterator<Item = usize> {
        let lines = &self.outline.lines;
        (lines.line_of(within.start)..lines.count())
            .take_while(move |&line| lines.start(line) < within.end)
            .filter(move |&line| lines.start(line) >= within.start || lines.end(line) > within.start)
            .filter(|&line| self.fragment.is_marker_line(line))
    }

    fn has_marker(&self, item: &Item) -> bool {
        self.marker_lines(item.outer.clone()).next().is_some()
    }

    /// Places all elements of one level; `parent` is the original's container around them.
    fn level(&self, elements: &[Element], parent: Option<usize>, plan: &mut Plan) -> Result<(), Refusal> {
        let counterparts = self.counterparts(elements, parent)?;
        for (position, element) in elements.iter().enumerate() {
            let Element::Item(index) = *element else {
                continue;
            };
            match counterparts.get(position).copied() {
                Some(Counterpart::Changed(target, confidence)) => {
                    plan.lower(confidence);
                    self.change(index, target, plan)?;
                }
                Some(Counterpart::New) => {}
                _ => continue,
            }
        }
        self.insertions(elements, &counterparts, parent, plan)
    }

    fn counterparts(&self, elements: &[Element], parent: Option<usize>) -> Result<Vec<Counterpart>, Refusal> {
        let mut counterparts = Vec::with_capacity(elements.len());
        for element in elements {
            counterparts.push(match *element {
                Element::Marker => Counterpart::Marker,
                Element::Item(index) => self.counterpart(index, parent)?,
            });
        }
        self.separate(elements, &mut counterparts);
        Ok(counterparts)
    }

    /// Lets only the best of several elements have one counterpart: the others are new overloads.
    fn separate(&self, elements: &[Element], counterparts: &mut [Counterpart]) {
        let likeness = |position: usize, target: usize| -> f64 {
            let Some(Element::Item(index)) = elements.get(position) else {
                return 0.0;
            };
            let (Some(item), Some(other)) = (self.item(*index), self.original.item(target)) else {
                return 0.0;
            };
            let text = self.fragment.text.get(item.core.clone()).unwrap_or_default();
            crate::similarity::code_similarity(text, self.original.slice(other.core.clone()))
        };
        for position in 0..counterparts.len() {
            let Some(target) = counterparts.get(position).and_then(|c| c.index()) else {
                continue;
            };
            for later in position + 1..counterparts.len() {
                if counterparts.get(later).and_then(|c| c.index()) != Some(target) {
                    continue;
                }
                let loser =
                    if likeness(later, target) > likeness(position, target) { position } else { later };
                if let Some(slot) = counterparts.get_mut(loser) {
                    *slot = Counterpart::New;
                }
            }
        }
    }

    fn counterpart(&self, index: usize, parent: Option<usize>) -> Result<Counterpart, Refusal> {
        let Some(item) = self.item(index) else {
            return Ok(Counterpart::New);
        };
        let text = self.fragment.text.get(item.core.clone()).unwrap_or_default();
        if !item.kind.is_definition() && item.kind != Kind::Call {
            return self.counterpart_by_text(item, parent);
        }
        let wanted = Wanted {
            outline: self.outline,
            item,
            scope: self.shown_scope(item),
            text,
            base: &self.fragment.base,
            partial: self.has_marker(item),
        };
        match locate(self.original, &wanted, parent) {
            Location::Found(target, confidence) => Ok(Counterpart::Changed(target, confidence)),
            Location::Missing => Ok(Counterpart::New),
            Location::Several(indices) => Err(self.original.ambiguous(&item.name, &indices)),
        }
    }

    /// Containers that the edit itself shows around an item; the parser's wrapper is none.
    fn shown_scope(&self, item: &Item) -> Vec<String> {
        let mut scope = Vec::new();
        let mut at = item.parent;
        while let Some(parent) = at.and_then(|index| self.item(index)) {
            let wrapper = self.fragment.prefix_lines > 0 && parent.core.start == 0;
            if parent.kind.is_definition() && !wrapper {
                scope.push(parent.name.clone());
            }
            at = parent.parent;
        }
        scope.reverse();
        scope
    }

    /// Imports and plain statements are known by their text alone.
    fn counterpart_by_text(&self, item: &Item, parent: Option<usize>) -> Result<Counterpart, Refusal> {
        let text = squash(self.fragment.text.get(item.core.clone()).unwrap_or_default());
        let mut found = self
            .original
            .outline
            .items
            .iter()
            .enumerate()
            .filter(|(_, other)| other.kind == item.kind && other.parent == parent)
            .filter(|(_, other)| squash(self.original.slice(other.core.clone())) == text)
            .map(|(index, _)| index);
        match (found.next(), found.next()) {
            (Some(index), None) => Ok(Counterpart::Changed(index, 0.97)),
            (None, None) if item.kind == Kind::Import => self.changed_import(item, parent),
            _ => Ok(Counterpart::New),
        }
    }

    /// An import that names more of the same module than the original's does is another version of it.
    fn changed_import(&self, item: &Item, parent: Option<usize>) -> Result<Counterpart, Refusal> {
        let text = self.fragment.text.get(item.core.clone()).unwrap_or_default();
        let language = self.original.language;
        let Some(module) = imports::module(text, language) else {
            return Ok(Counterpart::New);
        };
        let mut found: Vec<usize> = Vec::new();
        for (index, other) in self.original.outline.items.iter().enumerate() {
            let known = self.original.slice(other.core.clone());
            if other.kind == Kind::Import
                && other.parent == parent
                && imports::module(known, language) == Some(module)
            {
                found.push(index);
            }
        }
        let [target] = found.as_slice() else {
            return Ok(Counterpart::New);
        };
        let known = self.original.item(*target).map_or(0..0, |other| other.core.clone());
        match imports::compare(text, self.original.slice(known), language) {
            imports::Names::Extended => Ok(Counterpart::Changed(*target, 0.93)),
            imports::Names::Overlapping => Ok(Counterpart::Changed(*target, 0.8)),
            imports::Names::Apart => Err(Refusal {
                reason: Reason::Ambiguous,
                message: format!(
                    "the edit imports other names from `{module}`; it does not say whether the old ones go"
                ),
                candidates: self.original.outline.candidate(*target).into_iter().collect(),
            }),
        }
    }

    /// Replaces or merges one definition.
    fn change(&self, index: usize, target: usize, plan: &mut Plan) -> Result<(), Refusal> {
        let (Some(item), Some(known)) = (self.item(index), self.original.item(target)) else {
            return Ok(());
        };
        if self.is_stub(item) {
            return Ok(());
        }
        if self.has_marker(item) {
            return self.merge(index, target, plan);
        }
        let stubs = self.outline.items.iter().any(|i| i.parent == Some(index) && self.is_stub(i));
        if item.kind.is_container() && (stubs || self.only_scope(index, target)?) {
            return self.members(index, target, plan);
        }
        self.check_not_cut(item, known)?;
        self.replace(item, known, plan);
        Ok(())
    }

    /// Whether a definition's body is nothing but an inline marker: it only says where something is.
    fn is_stub(&self, item: &Item) -> bool {
        let Some(body) = &item.body else {
            return false;
        };
        let text = self.fragment.text.get(body.clone()).unwrap_or_default();
        let inner = text.trim().trim_start_matches('{').trim_end_matches('}').trim();
        inner.lines().count() == 1
            && crate::markers::comment_text(inner, Some(self.original.language)).is_some_and(is_marker_text)
            && !self.has_marker(item)
    }

    /// Whether a container in the edit is only shown to say where its members belong.
    fn only_scope(&self, index: usize, target: usize) -> Result<bool, Refusal> {
        let shown = self.member_names(self.outline, index);
        let known = self.member_names(&self.original.outline, target);
        let missing = known.iter().filter(|name| !shown.contains(name)).count();
        let kept = known.len() - missing;
        if missing < 2 || missing <= kept {
            return Ok(false);
        }
        let (Some(item), Some(other)) = (self.item(index), self.original.item(target)) else {
            return Ok(false);
        };
        let same_header = self.outline.signature(item) == self.original.outline.signature(other);
        if same_header && kept > 0 && missing >= 2 * kept {
            return Ok(true);
        }
        Err(Refusal {
            reason: Reason::Ambiguous,
            message: format!(
                "the edit shows `{}` without {missing} of its {} members; it does not say whether they go",
                item.name,
                known.len()
            ),
            candidates: self.original.outline.candidate(target).into_iter().collect(),
        })
    }

    fn member_names(&self, outline: &Outline<'_>, container: usize) -> Vec<String> {
        outline
            .items
            .iter()
            .filter(|item| item.parent == Some(container) && item.is_member && item.kind.is_definition())
            .map(|item| item.name.clone())
            .collect()
    }

    fn members(&self, index: usize, target: usize, plan: &mut Plan) -> Result<(), Refusal> {
        let Some(item) = self.item(index) else {
            return Ok(());
        };
        let children: Vec<usize> = (0..self.outline.items.len())
            .filter(|&child| self.item(child).is_some_and(|c| c.parent == Some(index) && c.is_member))
            .collect();
        let body = item.body.clone().unwrap_or(item.core.clone());
        let elements = self.elements(&children, body);
        self.level(&elements, Some(target), plan)
    }

    /// Refuses a definition that is the beginning of the known one and nothing else.
    fn check_not_cut(&self, item: &Item, known: &Item) -> Result<(), Refusal> {
        if !self.original.language.is_python() {
            return Ok(());
        }
        let edit = self.fragment.text.get(item.core.clone()).unwrap_or_default();
        let text = self.original.slice(known.core.clone());
        if !is_cut(edit, text) {
            return Ok(());
        }
        Err(Refusal::new(
            Reason::EditIncomplete,
            format!("the edit of `{}` stops in the middle of the definition", item.name),
        ))
    }

    /// Replaces a definition and whatever the edit shows above it.
    fn replace(&self, item: &Item, known: &Item, plan: &mut Plan) {
        let leads = Leads::of(item, known);
        for (from_edit, from_known) in leads.separate {
            self.splice_lines(from_edit, from_known, plan);
        }
        self.splice_lines(leads.edit, leads.known, plan);
    }

    /// Replaces a range of the original by a range of the edit, with the original's indentation.
    fn splice_lines(&self, edit: Range<usize>, known: Range<usize>, plan: &mut Plan) {
        let original = &self.original.outline.lines;
        let edit_end = self.closing_end(edit.clone(), known.end);
        let text = self.fragment.text.get(edit.start..edit_end).unwrap_or_default();
        let first = self.outline.lines.line_of(edit.start);
        let head = self.outline.lines.get(first);
        let mut edit_lines: Vec<&str> = text.lines().collect();
        let full_first =
            format!("{}{}", indent_of(head), edit_lines.first().copied().unwrap_or_default().trim_start());
        if let Some(slot) = edit_lines.first_mut() {
            *slot = &full_first;
        }
        let from = original.line_of(known.start);
        let to = original.line_of(known.end.saturating_sub(1).max(known.start));
        let known_lines: Vec<&str> = (from..=to).map(|line| original.get(line)).collect();
        let mut lines = fit(&edit_lines, &known_lines);
        if let Some(slot) = lines.first_mut() {
            *slot = slot.trim_start().to_owned();
        }
        if !self.fragment.base.is_empty()
            || indent_of(head) == indent_of(known_lines.first().copied().unwrap_or_default())
        {
            // The edit has its real indentation, so its blank lines are meant as they are.
        } else {
            keep_blank_lines(&mut lines, &known_lines);
        }
        plan.splices.push(Splice::new(known, lines.join("\n")));
    }

    /// The end of the edit's definition with a `;` that the original does not have, without one that it has.
    fn closing_end(&self, edit: Range<usize>, known_end: usize) -> usize {
        let rest = |text: &str, at: usize| -> Option<char> {
            text.get(at..)?.trim_start_matches([' ', '\t']).chars().next()
        };
        let known_rest = rest(self.original.text(), known_end);
        let text = self.fragment.text.get(edit.clone()).unwrap_or_default();
        if text.ends_with([';', ',']) && text.chars().next_back() == known_rest {
            return edit.end - 1;
        }
        if rest(&self.fragment.text, edit.end) == Some(';') && known_rest != Some(';') {
            let after = self.fragment.text.get(edit.end..);
            let gap = after.and_then(|t| t.find(';')).unwrap_or(0);
            let ends_alike = self.original.slice(known_end.saturating_sub(1)..known_end) == ";";
            return edit.end + if ends_alike || gap == 0 { gap + 1 } else { 0 };
        }
        edit.end
    }

    /// Merges a definition that has markers inside.
    fn merge(&self, index: usize, target: usize, plan: &mut Plan) -> Result<(), Refusal> {
        let (Some(item), Some(known)) = (self.item(index), self.original.item(target)) else {
            return Ok(());
        };
        plan.strategy = "merge-markers";
        if item.kind.is_container() && item.body.is_some() && known.body.is_some() {
            let mut members = Plan::new();
            let headers_agree = self.outline.signature(item) == self.original.outline.signature(known);
            let by_members = headers_agree
                && item.comments.is_none()
                && self.is_covered(index, target)
                && self.knows_statements(index, target)
                && !self.borrows(index, target)
                && self.members(index, target, &mut members).is_ok();
            if by_members {
                members.strategy = "merge-markers";
                plan.join(members);
                return Ok(());
            }
        }
        let leads = Leads::of(item, known);
        let first = self.outline.lines.line_of(leads.edit.start);
        let last = self.outline.lines.line_of(item.outer.end.saturating_sub(1));
        let edit: Vec<(String, bool)> = (first..=last)
            .map(|line| (self.outline.lines.get(line).to_owned(), self.fragment.is_marker_line(line)))
            .collect();
        let merged = align_region(self.original, &edit, leads.known, &item.name)?;
        plan.join(merged);
        Ok(())
    }

    /// Whether every line of a container's body belongs to one of its members, is a marker, or stands in the original
    /// just so, as `public:` does.
    fn is_covered(&self, index: usize, target: usize) -> bool {
        let Some(body) = self.item(index).and_then(|item| item.body.clone()) else {
            return false;
        };
        let lines = &self.outline.lines;
        let last = lines.line_of(body.end.saturating_sub(1).max(body.start));
        let last = if self.original.language.is_python() { last + 1 } else { last };
        let brace = self.fragment.text.get(body.start..body.start + 1) == Some("{");
        let first = lines.line_of(body.start) + usize::from(brace);
        let mut covered = vec![false; last.saturating_sub(first)];
        for member in self.outline.items.iter().filter(|i| i.parent == Some(index) && i.is_member) {
            let to = self.last_line(member);
            for line in lines.line_of(member.lead())..=to {
                if let Some(slot) = line.checked_sub(first).and_then(|at| covered.get_mut(at)) {
                    *slot = true;
                }
            }
        }
        let known = self.original.item(target).map_or(0..0, |item| item.outer.clone());
        let known = self.original.slice(known);
        let any = covered.contains(&true);
        any && (first..last).zip(covered).all(|(line, covered)| {
            let text = lines.get(line).trim();
            covered
                || text.is_empty()
                || self.fragment.is_marker_line(line)
                || known.lines().any(|there| there.trim() == text)
        })
    }

    /// Whether the container's members that have no name all stand in the original: where new ones belong, only the
    /// lines can tell.
    fn knows_statements(&self, index: usize, target: usize) -> bool {
        let nameless = |item: &&Item| item.is_member && !item.kind.is_definition();
        let members = self.outline.items.iter().filter(|item| item.parent == Some(index));
        members.filter(nameless).filter(|item| !self.is_marker_item(item)).all(|item| {
            self.counterpart_by_text(item, Some(target)).is_ok_and(|found| found.index().is_some())
        })
    }

    /// Whether a member that is shown in part holds lines that the original has in another member: then its marker
    /// reaches across members, and only the lines can tell what it stands for.
    fn borrows(&self, index: usize, target: usize) -> bool {
        let Some(container) = self.original.item(target) else {
            return false;
        };
        let whole = self.original.slice(container.outer.clone());
        let members = self.outline.items.iter().filter(|i| i.parent == Some(index));
        members.filter(|member| self.has_marker(member)).any(|member| {
            let known: Vec<&str> = self
                .original
                .outline
                .items
                .iter()
                .filter(|o| o.parent == Some(target) && o.name == member.name)
                .map(|o| self.original.slice(o.outer.clone()))
                .collect();
            let text = self.fragment.text.get(member.core.clone()).unwrap_or_default();
            text.lines().filter(|line| line.chars().filter(|c| c.is_alphanumeric()).count() >= 4).any(
                |line| {
                    let has = |text: &str| text.lines().any(|l| l.trim() == line.trim());
                    has(whole) && !known.iter().any(|text| has(text))
                },
            )
        })
    }

    /// Inserts what has no counterpart beside its neighbours.
    fn insertions(
        &self,
        elements: &[Element],
        counterparts: &[Counterpart],
        parent: Option<usize>,
        plan: &mut Plan,
    ) -> Result<(), Refusal> {
        let mut position = 0;
        while position < elements.len() {
            if counterparts.get(position) != Some(&Counterpart::New) {
                position += 1;
                continue;
            }
            // Imports have a place of their own, so they are no run with what follows them.
            let imports = |at: usize| match elements.get(at) {
                Some(Element::Item(index)) => self.item(*index).is_some_and(|i| i.kind == Kind::Import),
                _ => false,
            };
            let mut end = position;
            while counterparts.get(end) == Some(&Counterpart::New) && imports(end) == imports(position) {
                end += 1;
            }
            self.insert_run(elements, counterparts, position..end, parent, plan)?;
            position = end;
        }
        Ok(())
    }

    fn insert_run(
        &self,
        elements: &[Element],
        counterparts: &[Counterpart],
        run: Range<usize>,
        parent: Option<usize>,
        plan: &mut Plan,
    ) -> Result<(), Refusal> {
        let item_at = |position: usize| match elements.get(position) {
            Some(Element::Item(index)) => self.item(*index),
            _ => None,
        };
        let (Some(first), Some(last)) = (item_at(run.start), item_at(run.end - 1)) else {
            return Ok(());
        };
        let imports = (run.clone()).all(|at| item_at(at).is_some_and(|i| i.kind == Kind::Import));
        let before = run.start.checked_sub(1);
        let neighbour = before.and_then(|at| Some((item_at(at)?, counterparts.get(at)?.index()?)));
        let follower = item_at(run.end).zip(counterparts.get(run.end).and_then(|c| c.index()));
        if first.kind == Kind::Statement && neighbour.is_none() && follower.is_none() {
            return Err(self.unplaced(first));
        }
        let beside_import =
            |target: usize| self.original.item(target).is_some_and(|i| i.kind == Kind::Import);
        let neighbour = neighbour.filter(|&(_, target)| !imports || beside_import(target));
        let follower = follower.filter(|&(_, target)| !imports || beside_import(target));
        if let Some((shown, target)) = neighbour {
            return self.insert_after(shown, target, last, plan);
        }
        if let Some((shown, target)) = follower {
            return self.insert_before(shown, target, first, last, plan);
        }
        if imports {
            return self.insert_import(first, last, parent, plan);
        }
        let marker_before = before.is_some_and(|at| elements.get(at) == Some(&Element::Marker));
        if marker_before && run.end == elements.len() && parent.is_some() {
            return self.append_member(first, last, parent, plan);
        }
        Err(self.unplaced(first))
    }

    fn unplaced(&self, item: &Item) -> Refusal {
        if item.name.is_empty() {
            let line = self.fragment.text.get(item.core.clone()).unwrap_or_default();
            let shown: String = line.lines().next().unwrap_or_default().chars().take(60).collect();
            return Refusal::new(
                Reason::TargetNotFound,
                format!(
                    "nothing in the file corresponds to `{shown}`, and the edit does not show where it belongs"
                ),
            );
        }
        self.original.not_found(item.kind.name(), &item.name)
    }

    fn whole_lines(&self, from: usize, to: usize) -> Vec<&str> {
        (from..=to).map(|line| self.outline.lines.get(line)).collect()
    }

    fn last_line(&self, item: &Item) -> usize {
        self.outline.lines.line_of(item.outer.end.saturating_sub(1).max(item.outer.start))
    }

    fn insert_after(&self, shown: &Item, target: usize, last: &Item, plan: &mut Plan) -> Result<(), Refusal> {
        let Some(known) = self.original.item(target) else {
            return Ok(());
        };
        let (from, to) = (self.last_line(shown) + 1, self.last_line(last));
        if from > to {
            return Err(self.unplaced(last));
        }
        let lines = &self.original.outline.lines;
        let shift = self.anchor_shift(shown, known);
        let text: String =
            self.whole_lines(from, to).iter().map(|line| format!("\n{}", shift.apply(line))).collect();
        let end = lines.end(lines.line_of(known.outer.end.saturating_sub(1).max(known.outer.start)));
        plan.splices.push(Splice::new(end..end, text));
        self.inserted(plan);
        Ok(())
    }

    fn insert_before(
        &self,
        shown: &Item,
        target: usize,
        first: &Item,
        last: &Item,
        plan: &mut Plan,
    ) -> Result<(), Refusal> {
        let Some(known) = self.original.item(target) else {
            return Ok(());
        };
        let from = self.outline.lines.line_of(first.lead());
        let to = self.outline.lines.line_of(shown.lead());
        if to <= self.last_line(last) {
            return Err(self.unplaced(first));
        }
        let lines = &self.original.outline.lines;
        let shift = self.anchor_shift(shown, known);
        let text: String =
            self.whole_lines(from, to - 1).iter().map(|line| format!("{}\n", shift.apply(line))).collect();
        let start = lines.start(lines.line_of(known.lead()));
        plan.splices.push(Splice::new(start..start, text));
        self.inserted(plan);
        Ok(())
    }

    fn inserted(&self, plan: &mut Plan) {
        plan.strategy = "insert-definition";
        plan.lower(0.9);
    }

    fn anchor_shift(&self, shown: &Item, known: &Item) -> Shift {
        let edit_lines =
            self.whole_lines(self.outline.lines.line_of(shown.core.start), self.last_line(shown));
        let lines = &self.original.outline.lines;
        let from = lines.line_of(known.core.start);
        let to = lines.line_of(known.outer.end.saturating_sub(1).max(known.outer.start));
        let known_lines: Vec<&str> = (from..=to).map(|line| lines.get(line)).collect();
        shift_of(&edit_lines, &known_lines)
    }

    /// New imports go below the last import of the same level.
    fn insert_import(
        &self,
        first: &Item,
        last: &Item,
        parent: Option<usize>,
        plan: &mut Plan,
    ) -> Result<(), Refusal> {
        let known = self
            .original
            .outline
            .items
            .iter()
            .filter(|item| item.kind == Kind::Import && item.parent == parent && item.name != "package")
            .next_back();
        let Some(known) = known else {
            return Err(self.unplaced(first));
        };
        let lines = &self.original.outline.lines;
        let from = self.outline.lines.line_of(first.outer.start);
        let text: String =
            self.whole_lines(from, self.last_line(last)).iter().map(|line| format!("\n{line}")).collect();
        let end = lines.end(lines.line_of(known.outer.end.saturating_sub(1)));
        plan.splices.push(Splice::new(end..end, text));
        plan.strategy = "insert-import";
        plan.lower(0.85);
        Ok(())
    }

    /// A member after the container's marker goes behind its last member.
    fn append_member(
        &self,
        first: &Item,
        last: &Item,
        parent: Option<usize>,
        plan: &mut Plan,
    ) -> Result<(), Refusal> {
        let known = self.original.outline.items.iter().rfind(|item| item.parent == parent && item.is_member);
        let Some(known) = known else {
            return Err(self.unplaced(first));
        };
        let lines = &self.original.outline.lines;
        let from = self.outline.lines.line_of(first.lead());
        let edit_lines = self.whole_lines(from, self.last_line(last));
        let known_line = lines.get(lines.line_of(known.core.start));
        let shift = edit_lines
            .first()
            .and_then(|line| Shift::between(line, known_line))
            .unwrap_or(Shift::Add(String::new()));
        let blank = if known.kind == Kind::Function { "\n" } else { "" };
        let text: String = edit_lines.iter().map(|line| format!("\n{}", shift.apply(line))).collect();
        let end = lines.end(lines.line_of(known.outer.end.saturating_sub(1)));
        plan.splices.push(Splice::new(end..end, format!("{blank}{text}")));
        plan.strategy = "insert-definition";
        plan.lower(0.75);
        Ok(())
    }
}

/// Which parts of two versions of a definition correspond: what the edit does not show above it stays.
struct Leads {
    edit: Range<usize>,
    known: Range<usize>,
    /// Parts that are replaced on their own.
    separate: Vec<(Range<usize>, Range<usize>)>,
}

impl Leads {
    fn of(item: &Item, known: &Item) -> Leads {
        let (edit, there) = main_parts(item, known);
        let mut leads = Leads { edit, known: there, separate: Vec::new() };
        if let Some(shown) = &item.attributes {
            leads.edit.start = leads.edit.start.min(shown.start);
            if let Some(there) = &known.attributes {
                leads.known.start = leads.known.start.min(there.start);
            }
        }
        let Some(shown) = &item.comments else {
            return leads;
        };
        match &known.comments {
            // The original's attributes stand between its comments and what is replaced.
            Some(there) if stands_apart(known, there, leads.known.start) => {
                leads.separate.push((shown.clone(), there.clone()));
            }
            Some(there) => {
                leads.edit.start = leads.edit.start.min(shown.start);
                leads.known.start = leads.known.start.min(there.start);
            }
            None => leads.edit.start = leads.edit.start.min(shown.start),
        }
        leads
    }
}

/// The definitions without what only the original shows: `export`, decorators, annotations.
fn main_parts(item: &Item, known: &Item) -> (Range<usize>, Range<usize>) {
    let wraps = |i: &Item| i.outer != i.core;
    if wraps(item) || item.bare != item.core.start {
        return (item.outer.clone(), known.outer.clone());
    }
    if wraps(known) || known.bare != known.core.start {
        return (item.core.clone(), known.bare..known.core.end);
    }
    (item.outer.clone(), known.outer.clone())
}

/// Whether attributes that the edit does not show stand between comments and the replaced part.
fn stands_apart(known: &Item, comments: &Range<usize>, start: usize) -> bool {
    let attributes = known.attributes.as_ref();
    let between = attributes.is_some_and(|a| comments.end <= a.start && a.end <= start);
    let wrapped = known.outer.start < start && comments.end <= known.outer.start;
    between || wrapped
}

/// Blank lines of the original that hold blanks stay as they are when the edit's line there is blank too.
fn keep_blank_lines(lines: &mut [String], known: &[&str]) {
    let mut at = 0;
    for line in lines.iter_mut().filter(|line| !line.is_empty() || !known.is_empty()) {
        let found =
            known.get(at..).unwrap_or_default().iter().take(40).position(|k| k.trim_end() == line.trim_end());
        if let Some(found) = found {
            if let Some(there) = known.get(at + found).filter(|_| is_blank(line)) {
                line.clear();
                line.push_str(there);
            }
            at += found + 1;
        }
    }
}

/// Whether an edit is the known definition up to some line and then nothing, though much is left.
fn is_cut(edit: &str, known: &str) -> bool {
    let telling = |text: &'_ str| -> Vec<String> {
        text.lines().map(str::trim).filter(|l| !l.is_empty()).map(str::to_owned).collect()
    };
    let (edit, known) = (telling(edit), telling(known));
    let Some(last) = edit.last() else {
        return false;
    };
    let Some(at) = known.iter().rposition(|line| line == last) else {
        return false;
    };
    let left = known.get(at + 1..).unwrap_or_default();
    let shown_later = left.iter().any(|line| edit.contains(line));
    left.len() >= 3 && left.len() * 10 >= known.len() * 3 && !shown_later
}

/// A definition with markers between pieces that do not parse by themselves.
fn plan_broken(original: &Original<'_>, cleaned: &Cleaned) -> Result<Plan, Refusal> {
    let text = shown_text(cleaned);
    if let Some((fragment, header)) = header_of(cleaned, original.language)? {
        let outline = fragment.outline(original.language);
        if let Some(item) = outline.items.get(header) {
            return merge_by_header(original, cleaned, &fragment, &outline, item, &text);
        }
    }
    if looks_like_prose(&text) {
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
    let Some(&(target, share)) = ranked.first().filter(|(_, share)| *share >= 0.5) else {
        return Err(Refusal::new(
            Reason::TargetNotFound,
            format!("no definition begins with `{first}` and has the lines that the edit shows"),
        ));
    };
    let close: Vec<usize> =
        ranked.iter().filter(|(_, other)| share - other < 0.2).map(|(index, _)| *index).collect();
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

/// Aligns an edit with markers to a region of the original.
fn align_region(
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
    let readings = align::readings(&edit_lines, &known).ok_or_else(|| {
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
    if best.anchored == 0 {
        return Err(Refusal::new(
            Reason::TargetNotFound,
            format!("none of the lines shown of `{name}` is in the file"),
        ));
    }
    let share = best.anchored as f64 / telling.max(1) as f64;
    Ok(Plan {
        splices: vec![Splice::new(range.clone(), best.lines.join("\n"))],
        confidence: (0.75 + 0.25 * share).min(0.95),
        strategy: "merge-markers",
    })
}

/// Whether a marker of the edit would stand in the result: something was taken for code that is none.
pub(crate) fn leaves_marker(plan: &Plan, cleaned: &Cleaned) -> bool {
    let markers: Vec<&str> = cleaned
        .lines
        .iter()
        .zip(&cleaned.marker)
        .filter(|(line, marker)| **marker || has_inline_marker(line))
        .map(|(line, _)| line.trim())
        .collect();
    !markers.is_empty()
        && plan
            .splices
            .iter()
            .flat_map(|splice| splice.text.lines())
            .any(|line| markers.contains(&line.trim()))
}

/// Whether every telling line of an edit that is no marker stands in the original.
pub(crate) fn shows_nothing_new(cleaned: &Cleaned, original: &str) -> bool {
    let shown: String = cleaned
        .lines
        .iter()
        .zip(&cleaned.marker)
        .filter(|(_, marker)| !**marker)
        .map(|(line, _)| format!("{line}\n"))
        .collect();
    containment(&shown, original) >= 1.0 || shown.trim().is_empty()
}
