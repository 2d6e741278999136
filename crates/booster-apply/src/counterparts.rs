//! What each definition, import and statement of an edit is in the original.

use crate::describe::Kind;
use crate::imports;
use crate::locate::{Location, Wanted, locate};
use crate::merge::{Element, Merger};
use crate::outline::Item;
use crate::output::{Reason, Refusal};
use crate::similarity::code_similarity;
use crate::text::squash;

/// Above this product of the numbers of definitions in edit and file nothing is located.
const MAX_COMPARISONS: usize = 20_000_000;

/// What an element of the edit is in the original.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Counterpart {
    Marker,
    /// A version of it stands there, perhaps the very same.
    Changed(usize, f64),
    /// Nothing stands there.
    New,
}

impl Counterpart {
    /// The original's item.
    pub(crate) fn index(self) -> Option<usize> {
        match self {
            Counterpart::Changed(index, _) => Some(index),
            Counterpart::Marker | Counterpart::New => None,
        }
    }
}

impl Merger<'_, '_> {
    pub(crate) fn counterparts(
        &self,
        elements: &[Element],
        parent: Option<usize>,
    ) -> Result<Vec<Counterpart>, Refusal> {
        if elements.len().saturating_mul(self.original.outline.items.len()) > MAX_COMPARISONS {
            return Err(Refusal::new(
                Reason::TooLarge,
                "the edit shows too many definitions for a file of this size",
            ));
        }
        let mut counterparts = Vec::with_capacity(elements.len());
        let mut unclear = Vec::new();
        for (position, element) in elements.iter().enumerate() {
            counterparts.push(match *element {
                Element::Marker => Counterpart::Marker,
                Element::Item(index) => match self.counterpart(index, parent)? {
                    Location::Found(target, confidence) => Counterpart::Changed(target, confidence),
                    Location::Missing => Counterpart::New,
                    Location::Several(candidates) => {
                        unclear.push((position, index, candidates));
                        // Not known before the others are.
                        Counterpart::Marker
                    }
                },
            });
        }
        for (position, index, candidates) in unclear {
            let name = self.item(index).map_or("", |item| &item.name);
            let found = self.in_order(position, &candidates, &counterparts);
            let target = found.ok_or_else(|| self.original.ambiguous(name, &candidates))?;
            if let Some(slot) = counterparts.get_mut(position) {
                *slot = Counterpart::Changed(target, 0.8);
            }
        }
        self.keep_siblings(elements, &mut counterparts);
        self.separate(elements, &mut counterparts);
        Ok(counterparts)
    }

    /// Takes a definition beside one that stands in the original just so for a new one, if its counterpart has another
    /// header and stands in another container: side by side, without a marker, they belong together.
    fn keep_siblings(&self, elements: &[Element], counterparts: &mut [Counterpart]) {
        let known = |position: usize| self.pair(elements, counterparts, position);
        let anchor = |position: usize| {
            let (item, other) = known(position)?;
            let same = self.text_of(item) == self.original.slice(other.core.clone());
            (item.kind.is_definition() && same).then_some(other.parent)
        };
        let strange = |position: &usize| {
            let beside = position.checked_sub(1).and_then(anchor).or_else(|| anchor(position + 1));
            let (Some(container), Some((item, other))) = (beside, known(*position)) else {
                return false;
            };
            let headers = (self.outline.signature(item), self.original.outline.signature(other));
            item.kind.is_definition() && other.parent != container && headers.0 != headers.1
        };
        let strangers: Vec<usize> = (0..elements.len()).filter(strange).collect();
        for position in strangers {
            if let Some(slot) = counterparts.get_mut(position) {
                *slot = Counterpart::New;
            }
        }
    }

    /// The only one of several candidates that stands between what the edit shows before and after it: pieces of a file
    /// are shown in its order.
    fn in_order(&self, position: usize, candidates: &[usize], counterparts: &[Counterpart]) -> Option<usize> {
        let above = counterparts.iter().take(position).rev().find_map(|found| found.index());
        let below = counterparts.iter().skip(position + 1).find_map(|found| found.index());
        above.or(below)?;
        let start = |index: usize| self.original.item(index).map(|item| item.outer.start);
        let mut between = candidates.iter().copied().filter(|&index| {
            above.is_none_or(|above| start(above) < start(index))
                && below.is_none_or(|below| start(index) < start(below))
        });
        between.next().filter(|_| between.next().is_none())
    }

    /// Lets only the best of several elements have one counterpart: the others are new overloads.
    fn separate(&self, elements: &[Element], counterparts: &mut [Counterpart]) {
        let likeness = |counterparts: &[Counterpart], position: usize| {
            self.pair(elements, counterparts, position).map_or(0.0, |(item, other)| {
                code_similarity(self.text_of(item), self.original.slice(other.core.clone()))
            })
        };
        for position in 0..counterparts.len() {
            let Some(target) = counterparts.get(position).and_then(|c| c.index()) else {
                continue;
            };
            for later in position + 1..counterparts.len() {
                if counterparts.get(later).and_then(|c| c.index()) != Some(target) {
                    continue;
                }
                let later_is_better = likeness(counterparts, later) > likeness(counterparts, position);
                let loser = if later_is_better { position } else { later };
                if let Some(slot) = counterparts.get_mut(loser) {
                    *slot = Counterpart::New;
                }
            }
        }
    }

    fn counterpart(&self, index: usize, parent: Option<usize>) -> Result<Location, Refusal> {
        let Some(item) = self.item(index) else {
            return Ok(Location::Missing);
        };
        let text = self.text_of(item);
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
        Ok(locate(self.original, &wanted, parent))
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
    pub(crate) fn counterpart_by_text(
        &self,
        item: &Item,
        parent: Option<usize>,
    ) -> Result<Location, Refusal> {
        let text = squash(self.text_of(item));
        let mut found = self.original.nameless(&text).iter().copied().filter(|&index| {
            self.original.item(index).is_some_and(|o| o.kind == item.kind && o.parent == parent)
        });
        match (found.next(), found.next()) {
            (Some(index), None) => Ok(Location::Found(index, 0.97)),
            (None, None) if item.kind == Kind::Import => self.changed_import(item, parent),
            _ => Ok(Location::Missing),
        }
    }

    /// An import that names more of the same module than the original's does is another version of it.
    fn changed_import(&self, item: &Item, parent: Option<usize>) -> Result<Location, Refusal> {
        let text = self.text_of(item);
        let language = self.original.language;
        let Some(module) = imports::module(text, language) else {
            return Ok(Location::Missing);
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
            return Ok(Location::Missing);
        };
        let known = self.original.item(*target).map_or(0..0, |other| other.core.clone());
        match imports::compare(text, self.original.slice(known), language) {
            imports::Names::Extended => Ok(Location::Found(*target, 0.93)),
            imports::Names::Overlapping => Ok(Location::Found(*target, 0.8)),
            imports::Names::Apart => Err(Refusal {
                reason: Reason::Ambiguous,
                message: format!(
                    "the edit imports other names from `{module}`; it does not say whether the old ones go"
                ),
                candidates: self.original.outline.candidate(*target).into_iter().collect(),
            }),
        }
    }
}
