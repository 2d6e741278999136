//! What stands above a definition (comments, attributes, decorators, `export`), and which of it an edit replaces.

use std::ops::Range;

use crate::outline::Item;

/// Which parts of two versions of a definition correspond: what the edit does not show above it stays.
pub(crate) struct Leads {
    /// What of the edit comes.
    pub(crate) edit: Range<usize>,
    /// What of the original goes.
    pub(crate) known: Range<usize>,
    /// Parts that are replaced on their own.
    pub(crate) separate: Vec<(Range<usize>, Range<usize>)>,
}

impl Leads {
    /// Compares what both versions have above them.
    pub(crate) fn of(item: &Item, known: &Item) -> Leads {
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
