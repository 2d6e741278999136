//! Turning an edit written as code into replacements of the original.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use crate::cleanup::looks_like_prose;
use crate::counterparts::Counterpart;
use crate::cut::{is_closed, is_cut, lacks_its_end};
use crate::fragment::{Cleaned, Fragment};
use crate::indent::fit;
use crate::leads::Leads;
use crate::locate::Location;
use crate::markers::{has_inline_marker, is_marker_text};
use crate::original::Original;
use crate::outline::{Item, Outline};
use crate::output::{Reason, Refusal};
use crate::partial::plan_broken;
use crate::pieces::{chunks, is_whole};
use crate::plan::Plan;
use crate::region::{align_document, align_region};
use crate::similarity::containment;
use crate::splice::Splice;
use crate::syntax;
use crate::text::{indent_of, is_blank, squash};
use crate::whole::is_whole_file;

/// Plans an edit that is code, with or without markers.
pub(crate) fn plan(original: &Original<'_>, cleaned: &Cleaned) -> Result<Plan, Refusal> {
    if original.language.is_python() {
        check_ends(cleaned)?;
    }
    let fragment = Fragment::parse(cleaned, original.language)?;
    if is_whole_file(original, &fragment) {
        let mut plan = Plan::of("whole-file");
        plan.lower(0.9);
        let ends = if original.text().ends_with('\n') { "\n" } else { "" };
        let text = format!("{}{ends}", cleaned.lines.join("\n"));
        plan.splices.push(Splice::new(0..original.text().len(), text));
        return Ok(plan);
    }
    if original.language.is_data() && cleaned.has_markers() {
        return align_document(original, cleaned);
    }
    if is_whole(&fragment, original.language) {
        return plan_parsed(original, &fragment);
    }
    let chunks = chunks(cleaned, original.language.is_python());
    if let [chunk] = chunks.as_slice() {
        if !cleaned.has_markers() {
            return plan_unmarked(original, &fragment, cleaned);
        }
        if chunk.lines.len() == cleaned.lines.len() {
            return plan_broken(original, chunk);
        }
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

/// Refuses a Python edit that ends where a block would begin, which the grammar lets pass.
fn check_ends(cleaned: &Cleaned) -> Result<(), Refusal> {
    let lines = cleaned.lines.iter().zip(&cleaned.marker);
    let last = lines.rev().find(|(line, _)| !is_blank(line));
    let opens = |line: &str| {
        [
            "def ", "class ", "if ", "elif ", "else:", "for ", "while ", "try:", "except", "finally:",
            "with ", "async ",
        ]
        .iter()
        .any(|word| line.trim_start().starts_with(word))
    };
    if last.is_some_and(|(line, marker)| !marker && opens(line) && line.trim_end().ends_with(':')) {
        return Err(Refusal::new(Reason::EditIncomplete, "the edit ends with a line that opens a block"));
    }
    Ok(())
}

/// One element of the edit at one level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Element {
    Marker,
    Item(usize),
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

/// Merges one parsed edit into the original.
pub(crate) struct Merger<'a, 'o> {
    pub(crate) original: &'a Original<'o>,
    pub(crate) fragment: &'a Fragment,
    pub(crate) outline: &'a Outline<'a>,
}

impl Merger<'_, '_> {
    pub(crate) fn item(&self, index: usize) -> Option<&Item> {
        self.outline.items.get(index)
    }

    /// An item's text as the edit shows it, without what wraps it.
    pub(crate) fn text_of(&self, item: &Item) -> &str {
        self.fragment.text.get(item.core.clone()).unwrap_or_default()
    }

    /// An element of a level and what it is in the original, if that has it.
    pub(crate) fn pair(
        &self,
        elements: &[Element],
        counterparts: &[Counterpart],
        position: usize,
    ) -> Option<(&Item, &Item)> {
        let Some(Element::Item(index)) = elements.get(position) else {
            return None;
        };
        let target = counterparts.get(position)?.index()?;
        Some((self.item(*index)?, self.original.item(target)?))
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

    pub(crate) fn has_marker(&self, item: &Item) -> bool {
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
                    let mut change = Plan::new();
                    change.lower(confidence);
                    self.change(index, target, &mut change)?;
                    let new =
                        |at: Option<usize>| at.and_then(|at| counterparts.get(at)) == Some(&Counterpart::New);
                    let anchor = new(position.checked_sub(1)) || new(Some(position + 1));
                    if let Some((item, known)) =
                        self.pair(elements, &counterparts, position).filter(|_| !anchor)
                    {
                        check_hidden(self.original, item, known, &change)?;
                    }
                    plan.join(change);
                }
                Some(Counterpart::New) => {}
                _ => continue,
            }
        }
        self.check_omitted(elements, &counterparts)?;
        self.insertions(elements, &counterparts, parent, plan)
    }

    /// Refuses an edit with markers that shows nothing new but leaves out what stands between two neighbours: it may
    /// mean that this goes, or be an edit of the two that was applied before.
    fn check_omitted(&self, elements: &[Element], counterparts: &[Counterpart]) -> Result<(), Refusal> {
        let same = |position: usize| {
            let (item, known) = self.pair(elements, counterparts, position)?;
            let same = squash(self.text_of(item)) == squash(self.original.slice(known.core.clone()));
            counterparts.get(position)?.index().filter(|_| same)
        };
        let only_known = (0..elements.len())
            .all(|position| elements.get(position) == Some(&Element::Marker) || same(position).is_some());
        if !elements.contains(&Element::Marker) || !only_known {
            return Ok(());
        }
        let neighbours = (1..elements.len()).filter_map(|at| Some((same(at - 1)?, same(at)?)));
        let omitted: Vec<usize> = neighbours.flat_map(|(above, below)| self.between(above, below)).collect();
        let candidates: Vec<_> =
            omitted.iter().filter_map(|&index| self.original.outline.candidate(index)).take(10).collect();
        let Some(first) = candidates.first() else {
            return Ok(());
        };
        Err(Refusal {
            reason: Reason::Ambiguous,
            message: format!(
                "the edit shows nothing new; it does not say whether `{}`, which it leaves out, goes",
                first.name
            ),
            candidates,
        })
    }

    /// The definitions between two of the same container.
    fn between(&self, above: usize, below: usize) -> Vec<usize> {
        let parent = |index: usize| self.original.item(index).map(|item| item.parent);
        if parent(above) != parent(below) {
            return Vec::new();
        }
        let sibling = |item: &Item| item.is_member && item.kind.is_definition();
        (above + 1..below)
            .filter(|&index| parent(index) == parent(above))
            .filter(|&index| self.original.item(index).is_some_and(sibling))
            .collect()
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
        let few = if self.original.language.is_data() { 0 } else { kept.max(1) };
        if missing <= few {
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
        self.level(&self.member_elements(index), Some(target), plan)
    }

    /// The members and markers of a container in order.
    fn member_elements(&self, index: usize) -> Vec<Element> {
        let Some(item) = self.item(index) else {
            return Vec::new();
        };
        let children: Vec<usize> = (0..self.outline.items.len())
            .filter(|&child| self.item(child).is_some_and(|c| c.parent == Some(index) && c.is_member))
            .collect();
        self.elements(&children, item.body.clone().unwrap_or(item.core.clone()))
    }

    /// Refuses a definition that is the beginning of the known one and nothing else.
    fn check_not_cut(&self, item: &Item, known: &Item) -> Result<(), Refusal> {
        if self.is_followed(item) {
            return Ok(());
        }
        let edit = self.text_of(item);
        let text = self.original.slice(known.core.clone());
        let cut = if self.original.language.is_python() {
            is_cut(edit, text)
        } else {
            // Where nothing closes a definition but a semicolon, its beginning parses as well.
            let closed = is_closed(&self.fragment.text, &item.outer);
            let known_closed = is_closed(self.original.text(), &known.outer);
            self.original.language.is_script() && known_closed && !closed && lacks_its_end(edit, text)
        };
        if !cut {
            return Ok(());
        }
        Err(Refusal::new(
            Reason::EditIncomplete,
            format!("the edit of `{}` stops in the middle of the definition", item.name),
        ))
    }

    /// Whether the edit goes on after a definition: then it was not cut off within.
    fn is_followed(&self, item: &Item) -> bool {
        let own = self.fragment.prefix_lines + self.fragment.marker.len();
        let lines = &self.outline.lines;
        self.fragment.followed || (self.last_line(item) + 1..own).any(|line| !is_blank(lines.get(line)))
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
            let elements = self.member_elements(index);
            if let Ok(counterparts) = self.counterparts(&elements, Some(target)) {
                // Lines say no more than members do about what is left out.
                self.check_omitted(&elements, &counterparts)?;
            }
            let mut members = Plan::new();
            let headers_agree = self.outline.signature(item) == self.original.outline.signature(known);
            let by_members = headers_agree
                && item.comments.is_none()
                && self.is_covered(index, target)
                && self.knows_statements(index, target)
                && !self.borrows(index, target)
                && self.members(index, target, &mut members).is_ok();
            members.strategy = "merge-markers";
            if by_members && !self.changes_fields(index, target) {
                plan.join(members);
                return Ok(());
            }
            if by_members {
                // Fields stand close together, with blank lines and comments that only the lines can place.
                plan.join(self.merge_lines(item, known).unwrap_or(members));
                return Ok(());
            }
        }
        plan.join(self.merge_lines(item, known)?);
        Ok(())
    }

    /// Aligns the lines of a definition that has markers inside.
    fn merge_lines(&self, item: &Item, known: &Item) -> Result<Plan, Refusal> {
        let leads = Leads::of(item, known);
        let first = self.outline.lines.line_of(leads.edit.start);
        let last = self.outline.lines.line_of(item.outer.end.saturating_sub(1));
        let edit: Vec<(String, bool)> = (first..=last)
            .map(|line| (self.outline.lines.get(line).to_owned(), self.fragment.is_marker_line(line)))
            .collect();
        align_region(self.original, &edit, leads.known, &item.name)
    }

    /// Whether a container shows another version of a field, or of another member without a body, be it in its blanks.
    fn changes_fields(&self, index: usize, target: usize) -> bool {
        let is_field = |item: &&Item| item.is_member && item.body.is_none();
        let key = |item: &Item, text: &str| match item.name.as_str() {
            "" => squash(text),
            name => name.to_owned(),
        };
        let fields = self.original.outline.items.iter().filter(|item| item.parent == Some(target));
        let known: HashMap<String, &str> = fields
            .filter(is_field)
            .map(|item| {
                let text = self.original.slice(item.core.clone());
                (key(item, text), text)
            })
            .collect();
        let shown = self.outline.items.iter().filter(|item| item.parent == Some(index)).filter(is_field);
        shown.filter(|item| !self.is_marker_item(item)).any(|item| {
            let text = self.text_of(item);
            known.get(&key(item, text)).is_some_and(|known| *known != text)
        })
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
        let known: HashSet<&str> = self.original.slice(known).lines().map(str::trim).collect();
        let any = covered.contains(&true);
        any && (first..last).zip(covered).all(|(line, covered)| {
            let text = lines.get(line).trim();
            covered || text.is_empty() || self.fragment.is_marker_line(line) || known.contains(text)
        })
    }

    /// Whether the container's members that have no name all stand in the original: where new ones belong, only the
    /// lines can tell.
    fn knows_statements(&self, index: usize, target: usize) -> bool {
        let nameless = |item: &&Item| item.is_member && !item.kind.is_definition();
        let members = self.outline.items.iter().filter(|item| item.parent == Some(index));
        members
            .filter(nameless)
            .filter(|item| !self.is_marker_item(item))
            .all(|item| matches!(self.counterpart_by_text(item, Some(target)), Ok(Location::Found(..))))
    }

    /// Whether a member that is shown in part holds lines that the original has in another member: then its marker
    /// reaches across members, and only the lines can tell what it stands for.
    fn borrows(&self, index: usize, target: usize) -> bool {
        let Some(container) = self.original.item(target) else {
            return false;
        };
        let trimmed =
            |text: &'_ str| -> HashSet<String> { text.lines().map(|l| l.trim().to_owned()).collect() };
        let whole = trimmed(self.original.slice(container.outer.clone()));
        let members = self.outline.items.iter().filter(|i| i.parent == Some(index));
        members.filter(|member| self.has_marker(member)).any(|member| {
            let known: HashSet<String> = self
                .original
                .outline
                .items
                .iter()
                .filter(|o| o.parent == Some(target) && o.name == member.name)
                .flat_map(|o| trimmed(self.original.slice(o.outer.clone())))
                .collect();
            let text = self.text_of(member);
            text.lines()
                .map(str::trim)
                .filter(|line| line.chars().filter(|c| c.is_alphanumeric()).count() >= 4)
                .any(|line| whole.contains(line) && !known.contains(line))
        })
    }
}

/// Refuses a change of a definition that comes to nothing, while the original has an `export`, decorators or annotations
/// that the edit leaves out: they may be what is to go, or the edit was applied before.
pub(crate) fn check_hidden(
    original: &Original<'_>,
    item: &Item,
    known: &Item,
    change: &Plan,
) -> Result<(), Refusal> {
    let idle = change.splices.iter().all(|splice| original.slice(splice.range.clone()) == splice.text);
    if !idle || !Leads::of(item, known).hidden {
        return Ok(());
    }
    let shown = original.slice(known.outer.start..known.bare.max(known.core.start)).trim();
    Err(Refusal::new(
        Reason::Ambiguous,
        format!(
            "the edit shows `{}` as it is but for what stands before it (`{}`); it does not say whether that goes",
            item.name,
            shown.lines().next().unwrap_or_default()
        ),
    ))
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

/// Whether a marker of the edit would stand in the result: something was taken for code that is none.
pub(crate) fn leaves_marker(plan: &Plan, cleaned: &Cleaned, original: &str) -> bool {
    let known: HashSet<&str> = original.lines().map(str::trim).collect();
    let markers: Vec<&str> = cleaned
        .lines
        .iter()
        .zip(&cleaned.marker)
        .filter(|(line, marker)| **marker || has_inline_marker(line))
        .map(|(line, _)| line.trim())
        .filter(|line| !known.contains(line))
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
