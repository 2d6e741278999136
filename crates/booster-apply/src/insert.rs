//! Placing what an edit adds: definitions beside a shown neighbour, imports among the imports, members in their class.

use std::ops::Range;

use crate::counterparts::Counterpart;
use crate::describe::Kind;
use crate::indent::{Shift, shift_of};
use crate::merge::{Element, Merger};
use crate::outline::Item;
use crate::output::{Reason, Refusal};
use crate::plan::Plan;
use crate::splice::Splice;

impl Merger<'_, '_> {
    /// Inserts what has no counterpart beside its neighbours.
    pub(crate) fn insertions(
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
            let line = self.text_of(item);
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

    pub(crate) fn last_line(&self, item: &Item) -> usize {
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
            .rfind(|item| item.kind == Kind::Import && item.parent == parent && item.name != "package");
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
