//! What stands above a definition (comments, attributes, decorators, `export`), and which of it an edit replaces.

use std::ops::Range;

use crate::outline::Item;

/// Which parts of two versions of a definition correspond: what the edit does not show above it stays.
pub(crate) struct Leads {
    /// What of the edit comes.
    pub(crate) edit: Range<usize>,
    /// What of the original goes.
    pub(crate) known: Range<usize>,
    /// Whether the original has an `export`, decorators or annotations that the edit does not show.
    pub(crate) hidden: bool,
    /// Parts that are replaced on their own.
    pub(crate) separate: Vec<(Range<usize>, Range<usize>)>,
}

impl Leads {
    /// Compares what both versions have above them.
    pub(crate) fn of(item: &Item, known: &Item) -> Leads {
        let hidden = !shows_more(item) && shows_more(known);
        let (edit, there) = main_parts(item, known, hidden);
        let mut leads = Leads { edit, known: there, hidden, separate: Vec::new() };
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

/// Whether an `export`, decorators or annotations belong to a definition's own node.
fn shows_more(item: &Item) -> bool {
    item.outer != item.core || item.bare != item.core.start
}

/// The definitions without what only the original shows.
fn main_parts(item: &Item, known: &Item, hidden: bool) -> (Range<usize>, Range<usize>) {
    if hidden {
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
