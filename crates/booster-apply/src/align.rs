//! Aligning an edit with markers to the lines it stands for.
//!
//! A global alignment (Needleman and Wunsch, 1970) in which a marker may skip any number of the original's lines
//! for free. Forward and backward scores together give every placement of a marker that comes near the best, so
//! that the caller can see whether the best one is the only one.

use std::collections::{HashMap, HashSet};

use crate::similarity::{line_similarity, word_similarity};
use crate::text::{indent_of, is_blank, words};

/// Above this product of line counts an alignment is not attempted.
pub(crate) const MAX_CELLS: usize = 2_000_000;

/// How many different results are looked at.
const MAX_RESULTS: usize = 24;

/// Alignments that score this much less than the best are not considered at all.
const REACH: i32 = 160;

/// What the first of several lines costs that go.
const FIRST_DELETED: i32 = 110;
/// The same where nothing but brackets is shown before them: what goes may as well be what the marker stands for.
const FIRST_DELETED_WEAK: i32 = 70;
/// What it costs that a line goes which its segment shows: the nearest one is meant to be found.
const SHOWN_DELETED: i32 = 50;
/// What it costs that the first line of a definition goes whose name the edit does not mention.
const DEFINITION_DELETED: i32 = 90;
/// What it costs more that a line comes which the original has somewhere: it was meant to be found.
const KNOWN_INSERTED: i32 = 15;
/// What a result costs in which a new line repeats the one above or below it.
const REPEATED: i32 = 60;
/// What it costs more if the rest of the file still uses that name.
const USED_DELETED: i32 = 60;
/// What a result costs that uses a name whose only declaration went.
const ORPHANED: i32 = 80;
/// What a result costs that declares a name twice in one block.
const REDECLARED: i32 = 80;
/// What it costs that a last line which both have is not found.
const END_MISSED: i32 = 1000;
/// From this share of common words on, new lines are taken for another form of the lines that go for them.
const ALIKE: f64 = 0.6;
/// What a result costs whose brackets do not balance as the original's do.
const UNBALANCED: i32 = 80;
/// How much of that is given back when new lines come for them: a replacement is as usual as an insertion.
const REPLACED: i32 = 65;
/// What a segment between two markers costs that shows no change: it would not have been shown.
const IDLE_SEGMENT: i32 = 40;
/// What a marker that stands for nothing costs.
const EMPTY_MARKER: i32 = 50;
/// What a marker gains that is indented like the first line it stands for.
const INDENTED_MARKER: i32 = 30;

/// One line of the edit.
#[derive(Debug, Clone)]
pub(crate) struct EditLine {
    pub(crate) text: String,
    pub(crate) marker: bool,
}

/// What the first line of a definition defines.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Defined<'o> {
    pub(crate) name: &'o str,
    /// Whether the file uses the name outside of the definition.
    pub(crate) used: bool,
}

/// One way to read the edit: the resulting lines and how well they are supported.
#[derive(Debug, Clone)]
pub(crate) struct Reading {
    pub(crate) lines: Vec<String>,
    pub(crate) score: i32,
    /// How many of the edit's telling lines were found in the original.
    pub(crate) anchored: usize,
    /// Whether new lines beside a marker say nearly the same as what it keeps next to them.
    pub(crate) doubtful: bool,
}

/// How a line of the edit relates to one of the original.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pairing {
    /// The same text with the same indentation.
    Same,
    /// The same text, indented otherwise.
    Shifted,
    /// A changed form of it.
    Changed(i32),
}

/// Where within a segment (the lines between two markers) the alignment stands.
///
/// Lines of the original may go only between two found lines: beside a marker, it stands for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// After a marker, before the segment's first found line.
    Fresh = 0,
    /// After a found line, or at the definition's beginning.
    Paired = 1,
    /// After deleted lines, before the found line that ends the deletion.
    Deleting = 2,
    /// The same after new lines came for the deleted ones.
    Replacing = 3,
    /// After a marker and found lines that say nothing, such as a closing bracket.
    Weak = 4,
}

/// How many states there are.
const STATES: usize = 5;

impl State {
    /// Whether lines of the original have just gone.
    fn is_gone(self) -> bool {
        matches!(self, State::Deleting | State::Replacing)
    }

    /// The state after another line of the original goes.
    fn after_delete(self) -> State {
        match self {
            State::Replacing => State::Replacing,
            _ => State::Deleting,
        }
    }

    /// States in which a line of the original may go.
    const DELETABLE: [State; 4] = [State::Paired, State::Deleting, State::Replacing, State::Weak];

    /// States in which a marker may follow.
    const BEFORE_MARKER: [State; 3] = [State::Fresh, State::Weak, State::Paired];

    const ALL: [State; STATES] =
        [State::Fresh, State::Paired, State::Deleting, State::Replacing, State::Weak];
}

struct Line {
    /// The number of its text; equal texts have equal numbers.
    text: usize,
    indent: usize,
    weight: i32,
    insert: i32,
    delete: i32,
    telling: bool,
    blank: bool,
}

struct Aligner<'a> {
    /// Whether edit and original have the same last line: then it is found there and nowhere else.
    ends_alike: bool,
    edit: &'a [EditLine],
    original: &'a [&'a str],
    e: Vec<Line>,
    o: Vec<Line>,
    /// Pairs of an edit line and an original line that is a changed form of it, with their score.
    changed: HashMap<(usize, usize), i32>,
    /// The segment of each edit line, and one more for the end.
    segments: Vec<usize>,
    /// The telling lines of each segment, by segment and text.
    shown: HashSet<(usize, usize)>,
    /// For each original line the indentation of the first line from there on that is not blank.
    next_indent: Vec<usize>,
    width: usize,
    forward: Vec<i32>,
    backward: Vec<i32>,
}

const UNREACHABLE: i32 = i32::MIN / 4;

/// All readings of the edit that come near the best one, best first, each result once.
///
/// `defined` has what each of the original's lines defines, if it is the first line of a definition.
pub(crate) fn readings(
    edit: &[EditLine],
    original: &[&str],
    defined: &[Option<Defined<'_>>],
) -> Option<Vec<Reading>> {
    let cells = (edit.len() + 1).checked_mul(original.len() + 1)?;
    if cells > MAX_CELLS {
        return None;
    }
    let mut aligner = Aligner::new(edit, original, defined);
    aligner.fill_backward();
    aligner.fill_forward();
    Some(aligner.collect())
}

impl<'a> Aligner<'a> {
    fn new(edit: &'a [EditLine], original: &'a [&'a str], defined: &[Option<Defined<'_>>]) -> Aligner<'a> {
        let mut texts: HashMap<&'a str, usize> = HashMap::new();
        let mut indents: HashMap<&'a str, usize> = HashMap::new();
        let mut counts: HashMap<usize, usize> = HashMap::new();
        let mut line = |text: &'a str| {
            let next = texts.len();
            let id = *texts.entry(comparable(text)).or_insert(next);
            let next = indents.len();
            let indent = *indents.entry(indent_of(text)).or_insert(next);
            Line::new(text, id, indent)
        };
        let mut o: Vec<Line> = original.iter().map(|text| line(text)).collect();
        let mut e: Vec<Line> = edit.iter().map(|l| line(&l.text)).collect();
        for known in &o {
            *counts.entry(known.text).or_default() += 1;
        }
        let mut segments = Vec::with_capacity(e.len() + 1);
        let mut shown = HashSet::new();
        for (l, line) in e.iter().zip(edit) {
            let segment = segments.last().copied().unwrap_or(0) + usize::from(line.marker);
            segments.push(segment);
            if l.telling {
                shown.insert((segment, l.text));
            }
        }
        segments.push(segments.last().copied().unwrap_or(0));
        for l in e.iter_mut().filter(|l| l.telling) {
            match counts.get(&l.text) {
                Some(1) => l.weight += 50,
                // A line that stands in many places says little about where it belongs.
                Some(&many) => l.weight = (l.weight / many.clamp(1, 5) as i32).max(40),
                None => continue,
            }
            l.insert += KNOWN_INSERTED;
        }
        let mentioned: HashSet<&str> =
            edit.iter().filter(|l| !l.marker).flat_map(|l| words(&l.text)).collect();
        for (line, defined) in o.iter_mut().zip(defined) {
            if let Some(defined) = defined.filter(|defined| !mentioned.contains(defined.name)) {
                line.delete += DEFINITION_DELETED + if defined.used { USED_DELETED } else { 0 };
            }
        }
        let mut next_indent = vec![usize::MAX; o.len() + 1];
        for index in (0..o.len()).rev() {
            let blank = original.get(index).is_some_and(|l| is_blank(l));
            let value =
                if blank { next_indent.get(index + 1).copied() } else { o.get(index).map(|l| l.indent) };
            if let (Some(slot), Some(value)) = (next_indent.get_mut(index), value) {
                *slot = value;
            }
        }
        let changed = changed_pairs(edit, original, &e, &counts);
        let ends_alike = edit.last().is_some_and(|last| !last.marker)
            && e.last().zip(o.last()).is_some_and(|(a, b)| a.text == b.text && a.indent == b.indent);
        Aligner {
            ends_alike,
            edit,
            original,
            width: o.len() + 1,
            e,
            o,
            changed,
            segments,
            shown,
            next_indent,
            forward: Vec::new(),
            backward: Vec::new(),
        }
    }

    fn is_marker(&self, i: usize) -> bool {
        self.edit.get(i).is_some_and(|line| line.marker)
    }

    fn pairing(&self, i: usize, j: usize) -> Option<Pairing> {
        let (e, o) = (self.e.get(i)?, self.o.get(j)?);
        if self.ends_alike && (i + 1 == self.e.len()) != (j + 1 == self.o.len()) {
            return None;
        }
        if e.text == o.text {
            let same = e.indent == o.indent || !e.telling && e.weight <= 10;
            return Some(if same { Pairing::Same } else { Pairing::Shifted });
        }
        if self.changed.is_empty() {
            return None;
        }
        self.changed.get(&(i, j)).map(|&score| Pairing::Changed(score))
    }

    fn pair_score(&self, i: usize, j: usize) -> Option<i32> {
        let weight = self.e.get(i).map_or(0, |l| l.weight);
        self.pairing(i, j).map(|pairing| match pairing {
            Pairing::Same => weight,
            Pairing::Shifted => weight / 2,
            Pairing::Changed(score) => score,
        })
    }

    fn insert_cost(&self, i: usize, state: State) -> i32 {
        let refund = if self.after_insert(i, state) == state { 0 } else { REPLACED };
        let end = if self.ends_alike && i + 1 == self.e.len() { END_MISSED } else { 0 };
        self.e.get(i).map_or(0, |l| l.insert) - refund + end
    }

    /// The state after edit line `i` came as a new one.
    fn after_insert(&self, i: usize, state: State) -> State {
        match state {
            State::Deleting if self.e.get(i).is_some_and(|l| l.telling) => State::Replacing,
            other => other,
        }
    }

    /// What it costs that line `j` goes before edit line `i`; the first of several costs more, as fewer gaps explain more.
    fn delete_cost(&self, i: usize, j: usize, state: State) -> i32 {
        let opening = match state {
            State::Deleting | State::Replacing => 0,
            State::Weak => FIRST_DELETED_WEAK,
            State::Fresh | State::Paired => FIRST_DELETED,
        };
        let Some(line) = self.o.get(j) else {
            return opening;
        };
        let segment = self.segments.get(i).copied().unwrap_or(0);
        let shown = line.telling && self.shown.contains(&(segment, line.text));
        opening + if shown { SHOWN_DELETED } else { line.delete }
    }

    /// The state after edit line `i` was found: a blank line is found everywhere and bounds nothing.
    fn after_pair(&self, i: usize, state: State) -> State {
        let Some(line) = self.e.get(i) else {
            return state;
        };
        match state {
            _ if line.blank => state,
            State::Fresh | State::Weak if !line.telling => State::Weak,
            _ => State::Paired,
        }
    }

    /// What marker `i` gains by beginning at original line `j`.
    fn marker_gain(&self, i: usize, j: usize) -> i32 {
        let fits = self.e.get(i).is_some_and(|m| self.next_indent.get(j) == Some(&m.indent));
        if fits { INDENTED_MARKER } else { 0 }
    }

    fn at(&self, table: &[i32], i: usize, j: usize, state: State) -> i32 {
        if j >= self.width {
            return UNREACHABLE;
        }
        table.get((i * self.width + j) * STATES + state as usize).copied().unwrap_or(UNREACHABLE)
    }

    fn f(&self, i: usize, j: usize, state: State) -> i32 {
        self.at(&self.forward, i, j, state)
    }

    fn b(&self, i: usize, j: usize, state: State) -> i32 {
        self.at(&self.backward, i, j, state)
    }

    /// The best score of having aligned all before marker `i`, if it begins at `j`.
    fn before_marker(&self, i: usize, j: usize) -> i32 {
        State::BEFORE_MARKER.map(|state| self.f(i, j, state)).into_iter().max().unwrap_or(UNREACHABLE)
    }

    /// The best score of all that follows a marker `i` that ends at `j`.
    fn after_marker(&self, i: usize, j: usize) -> i32 {
        self.b(i + 1, j, State::Fresh)
    }

    /// Scores of aligning the edit from line `i` with the original from line `j`.
    fn fill_backward(&mut self) {
        let (n, width) = (self.edit.len(), self.width);
        let mut table = vec![UNREACHABLE; (n + 1) * width * STATES];
        for i in (0..=n).rev() {
            let mut reachable = UNREACHABLE;
            for j in (0..width).rev() {
                let empty = self.at(&table, i + 1, j, State::Fresh);
                let paired = self.pair_score(i, j);
                for state in State::ALL {
                    let mut best = if i == n && j + 1 == width { 0 } else { UNREACHABLE };
                    if i < n && self.is_marker(i) {
                        if !state.is_gone() {
                            best = best.max(empty - EMPTY_MARKER);
                            best = best.max(reachable + self.marker_gain(i, j));
                        }
                    } else {
                        if i < n {
                            let next = self.after_insert(i, state);
                            let score = self.at(&table, i + 1, j, next);
                            best = best.max(score - self.insert_cost(i, state));
                            if let Some(score) = paired {
                                let next = self.after_pair(i, state);
                                best = best.max(self.at(&table, i + 1, j + 1, next) + score);
                            }
                        }
                        if j + 1 < width && state != State::Fresh {
                            let next = self.at(&table, i, j + 1, state.after_delete());
                            best = best.max(next - self.delete_cost(i, j, state));
                        }
                    }
                    if let Some(cell) = table.get_mut((i * width + j) * STATES + state as usize) {
                        *cell = best.max(UNREACHABLE);
                    }
                }
                if self.is_marker(i) {
                    reachable = reachable.max(empty);
                }
            }
        }
        self.backward = table;
    }

    /// Scores of aligning the edit before line `i` with the original before line `j`.
    fn fill_forward(&mut self) {
        let (n, width) = (self.edit.len(), self.width);
        let mut table = vec![UNREACHABLE; (n + 1) * width * STATES];
        for i in 0..=n {
            let mut reachable = UNREACHABLE;
            for j in 0..width {
                let start = if i == 0 && j == 0 { 0 } else { UNREACHABLE };
                let mut best = [UNREACHABLE; STATES];
                best[State::Paired as usize] = start;
                if let Some(above) = i.checked_sub(1) {
                    if self.is_marker(above) {
                        let ups = State::BEFORE_MARKER.map(|s| self.at(&table, above, j, s));
                        let up = ups.into_iter().max().unwrap_or(UNREACHABLE);
                        best = [UNREACHABLE; STATES];
                        best[State::Fresh as usize] = (up - EMPTY_MARKER).max(reachable);
                        reachable = reachable.max(up + self.marker_gain(above, j));
                    } else {
                        best = self.forward_cell(&table, above, j);
                    }
                }
                if let Some(left) = j.checked_sub(1)
                    && !self.is_marker(i)
                {
                    for state in State::DELETABLE {
                        let from = self.at(&table, i, left, state) - self.delete_cost(i, left, state);
                        let slot = &mut best[state.after_delete() as usize];
                        *slot = from.max(*slot);
                    }
                }
                for state in State::ALL {
                    if let Some(cell) = table.get_mut((i * width + j) * STATES + state as usize) {
                        *cell = best[state as usize].max(UNREACHABLE);
                    }
                }
            }
        }
        self.forward = table;
    }

    /// What reaches (above + 1, j) by inserting or pairing the text line `above`.
    fn forward_cell(&self, table: &[i32], above: usize, j: usize) -> [i32; STATES] {
        let mut best = [UNREACHABLE; STATES];
        for state in State::ALL {
            let from = self.at(table, above, j, state) - self.insert_cost(above, state);
            let slot = &mut best[self.after_insert(above, state) as usize];
            *slot = from.max(*slot);
        }
        if let Some(left) = j.checked_sub(1)
            && let Some(score) = self.pair_score(above, left)
        {
            for state in State::ALL {
                let from = self.at(table, above, left, state) + score;
                let slot = &mut best[self.after_pair(above, state) as usize];
                *slot = from.max(*slot);
            }
        }
        best
    }

    /// Every placement of a marker near the best score, as (score, marker, its begin, its end).
    fn placements(&self) -> Vec<(i32, usize, usize, usize)> {
        let best = self.b(0, 0, State::Paired);
        let mut found = Vec::new();
        for i in (0..self.edit.len()).filter(|&i| self.is_marker(i)) {
            let (mut begin, mut begin_score) = (0, UNREACHABLE);
            for j in 0..self.width {
                let (before, after) = (self.before_marker(i, j), self.after_marker(i, j));
                found.push((begin_score.saturating_add(after), i, begin, j));
                found.push((before - EMPTY_MARKER + after, i, j, j));
                let score = before + self.marker_gain(i, j);
                if score > begin_score {
                    (begin, begin_score) = (j, score);
                }
            }
            let (mut end, mut end_score) = (0, UNREACHABLE);
            for j in (0..self.width).rev() {
                let before = self.before_marker(i, j) + self.marker_gain(i, j);
                found.push((before.saturating_add(end_score), i, j, end));
                let after = self.after_marker(i, j);
                if after > end_score {
                    (end, end_score) = (j, after);
                }
            }
            found.retain(|&(score, ..)| score > best - REACH);
        }
        found.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| (a.1, a.2, a.3).cmp(&(b.1, b.2, b.3))));
        found.dedup();
        found
    }

    fn collect(&self) -> Vec<Reading> {
        let best = self.b(0, 0, State::Paired);
        let mut readings: Vec<Reading> = Vec::new();
        if best <= UNREACHABLE / 2 {
            return readings;
        }
        let mut first = Vec::new();
        self.trace_backward(0, 0, State::Paired, &mut first);
        readings.push(self.reading(&first, best));
        for (score, marker, begin, end) in self.placements() {
            if readings.len() >= MAX_RESULTS {
                break;
            }
            let mut steps = self.trace_forward(marker, begin);
            steps.push(Step::Keep(begin, end));
            self.trace_backward(marker + 1, end, State::Fresh, &mut steps);
            let reading = self.reading(&steps, score);
            if readings.iter().all(|known| !same_but_blank(&known.lines, &reading.lines)) {
                readings.push(reading);
            }
        }
        readings.sort_by_key(|reading| -reading.score);
        readings
    }

    /// The steps from (i, j) to the end.
    fn trace_backward(&self, from_i: usize, from_j: usize, from: State, steps: &mut Vec<Step>) {
        let (n, last) = (self.edit.len(), self.width - 1);
        let (mut i, mut j, mut state) = (from_i, from_j, from);
        while i < n || j < last {
            let here = self.b(i, j, state);
            if i < n && self.is_marker(i) {
                let end = self.marker_end(i, j, here);
                steps.push(Step::Keep(j, end));
                (i, j, state) = (i + 1, end, State::Fresh);
                continue;
            }
            let deletes = j < last
                && state != State::Fresh
                && here == self.b(i, j + 1, state.after_delete()) - self.delete_cost(i, j, state);
            let paired = self.after_pair(i, state);
            if i < n
                && let Some(score) = self.pair_score(i, j)
                && here == self.b(i + 1, j + 1, paired) + score
            {
                steps.push(Step::Pair(i, j));
                (i, j, state) = (i + 1, j + 1, paired);
            } else if deletes {
                (j, state) = (j + 1, state.after_delete());
            } else if i < n {
                steps.push(Step::Insert(i));
                (i, state) = (i + 1, self.after_insert(i, state));
            } else {
                return;
            }
        }
    }

    fn marker_end(&self, i: usize, j: usize, here: i32) -> usize {
        let wanted = here - self.marker_gain(i, j);
        (j + 1..self.width).find(|&end| self.after_marker(i, end) == wanted).unwrap_or(j)
    }

    /// The steps from the beginning to marker `to_i` at `to_j`.
    fn trace_forward(&self, to_i: usize, to_j: usize) -> Vec<Step> {
        let mut steps = Vec::new();
        let (mut i, mut j) = (to_i, to_j);
        let mut state = self.better_state(i, j);
        while i > 0 || j > 0 {
            let here = self.f(i, j, state);
            if state.is_gone()
                && let Some(left) = j.checked_sub(1)
            {
                let by_deleting = State::DELETABLE
                    .into_iter()
                    .filter(|s| s.after_delete() == state)
                    .find(|&s| self.f(i, left, s) == here + self.delete_cost(i, left, s));
                if let Some(from) = by_deleting {
                    (j, state) = (left, from);
                    continue;
                }
            }
            let Some(above) = i.checked_sub(1) else {
                break;
            };
            if self.is_marker(above) {
                let begin =
                    (0..j).rev().find(|&k| self.before_marker(above, k) + self.marker_gain(above, k) == here);
                let begin = begin.unwrap_or(j);
                steps.push(Step::Keep(begin, j));
                (i, j) = (above, begin);
                state = self.better_state(i, j);
                continue;
            }
            let pair = j.checked_sub(1).and_then(|left| {
                let wanted = here - self.pair_score(above, left)?;
                let from = State::ALL
                    .into_iter()
                    .filter(|&s| self.after_pair(above, s) == state)
                    .find(|&s| self.f(above, left, s) == wanted)?;
                Some((left, from))
            });
            if let Some((left, from)) = pair {
                steps.push(Step::Pair(above, left));
                (i, j, state) = (above, left, from);
            } else {
                steps.push(Step::Insert(above));
                let from = State::ALL
                    .into_iter()
                    .filter(|&s| self.after_insert(above, s) == state)
                    .find(|&s| self.f(above, j, s) == here + self.insert_cost(above, s));
                (i, state) = (above, from.unwrap_or(state));
            }
        }
        steps.reverse();
        steps
    }

    fn better_state(&self, i: usize, j: usize) -> State {
        State::BEFORE_MARKER.into_iter().max_by_key(|&state| self.f(i, j, state)).unwrap_or(State::Paired)
    }

    fn reading(&self, steps: &[Step], score: i32) -> Reading {
        let mut lines = Vec::new();
        let mut anchored = 0;
        for step in steps {
            match *step {
                Step::Keep(begin, end) => {
                    let kept = self.original.get(begin..end).unwrap_or_default();
                    lines.extend(kept.iter().map(|line| (*line).to_owned()));
                }
                Step::Pair(i, j) => {
                    anchored += usize::from(self.e.get(i).is_some_and(|l| l.telling));
                    lines.extend(self.paired_line(i, j));
                }
                Step::Insert(i) if self.is_marker_space(i) => {}
                Step::Insert(i) => lines.extend(self.edit.get(i).map(|l| l.text.clone())),
            }
        }
        let mut score = score - IDLE_SEGMENT * self.idle_segments(steps) + self.likeness(steps);
        score -= self.oddities(steps);
        if depths(lines.iter().map(String::as_str)) != depths(self.original.iter().copied()) {
            score -= UNBALANCED;
        }
        Reading { lines, score, anchored, doubtful: self.is_doubtful(steps) }
    }

    /// Whether a line is blank and only sets a marker off.
    fn is_marker_space(&self, i: usize) -> bool {
        let blank = |i: usize| self.e.get(i).is_some_and(|l| l.blank) && !self.is_marker(i);
        let before = (0..i).rev().find(|&at| !blank(at));
        let after = (i + 1..self.edit.len()).find(|&at| !blank(at));
        blank(i) && [before, after].into_iter().flatten().any(|at| self.is_marker(at))
    }

    /// How well new lines match what goes for them, where nothing telling is shown between a marker and them: unlike
    /// lines are an insertion rather than a replacement.
    fn likeness(&self, steps: &[Step]) -> i32 {
        let mut score = 0;
        let mut gap = Gap::default();
        // Before the first marker everything is bounded by the definition's beginning.
        let (mut weak, mut at) = (false, 0);
        for step in steps {
            match *step {
                Step::Keep(_, end) => {
                    score += if weak { gap.likeness() } else { 0 };
                    (gap, weak, at) = (Gap::default(), true, end);
                }
                Step::Pair(i, j) => {
                    gap.gone.extend(self.original.get(at..j).unwrap_or_default());
                    at = j + 1;
                    if self.edit.get(i).is_some_and(|line| is_telling(&line.text)) {
                        score += if weak { gap.likeness() } else { 0 };
                        (gap, weak) = (Gap::default(), false);
                    }
                }
                Step::Insert(i) => gap.come.extend(self.edit.get(i).map(|line| line.text.as_str())),
            }
        }
        score
    }

    /// Whether lines that come beside a marker may be another form of the line that it keeps next to them: then the
    /// edit does not say whether that line stays.
    fn is_doubtful(&self, steps: &[Step]) -> bool {
        let text = |i: usize| self.edit.get(i).map(|line| line.text.as_str());
        let mut come: Vec<&str> = Vec::new();
        let mut above: Option<&str> = None;
        for step in steps {
            match *step {
                Step::Keep(begin, end) => {
                    let kept = self.original.get(begin..end).unwrap_or_default();
                    let below = kept.iter().copied().find(|line| is_telling(line));
                    if [above, below].into_iter().flatten().any(|line| is_twin(&come, line)) {
                        return true;
                    }
                    come.clear();
                    above = kept.iter().copied().rfind(|line| is_telling(line));
                }
                Step::Insert(i) => come.extend(text(i)),
                // A closing bracket is enough to set them apart.
                Step::Pair(i, _) if text(i).is_some_and(|line| !is_blank(line)) => {
                    if above.is_some_and(|line| is_twin(&come, line)) {
                        return true;
                    }
                    come.clear();
                    above = None;
                }
                Step::Pair(..) => {}
            }
        }
        above.is_some_and(|line| is_twin(&come, line))
    }

    /// What speaks against a result as a piece of code: repeated lines, names declared twice or no longer.
    fn oddities(&self, steps: &[Step]) -> i32 {
        let mut result: Vec<ResultLine<'_>> = Vec::new();
        let mut stays = vec![false; self.original.len()];
        for step in steps {
            match *step {
                Step::Keep(begin, end) => {
                    let kept = self.original.get(begin..end).unwrap_or_default();
                    result.extend(kept.iter().map(|text| ResultLine { text, new: false }));
                    stays.get_mut(begin..end).unwrap_or_default().fill(true);
                }
                Step::Pair(i, j) => {
                    result.extend(self.edit.get(i).map(|l| ResultLine { text: &l.text, new: false }));
                    // A line in a changed form may declare something else.
                    let same = !matches!(self.pairing(i, j), Some(Pairing::Changed(_)));
                    stays.get_mut(j..=j).unwrap_or_default().fill(same);
                }
                Step::Insert(i) => {
                    result.extend(self.edit.get(i).map(|l| ResultLine { text: &l.text, new: true }));
                }
            }
        }
        result.retain(|line| !is_blank(line.text));
        let gone = self.original.iter().zip(&stays).filter(|(_, stays)| !**stays).map(|(line, _)| *line);
        let mut cost = if repeats(&result) { REPEATED } else { 0 };
        cost += if orphans(gone, &result) { ORPHANED } else { 0 };
        cost + if redeclares(&result) { REDECLARED } else { 0 }
    }

    /// How many segments between two markers show the original's lines and nothing else.
    fn idle_segments(&self, steps: &[Step]) -> i32 {
        let mut idle = 0;
        // Nothing is known of the lines before the first marker: a header is shown to be found.
        let mut expected: Option<usize> = None;
        let mut unchanged = false;
        for step in steps {
            match *step {
                Step::Keep(begin, end) => {
                    let whole = expected == Some(begin);
                    idle += i32::from(unchanged && whole);
                    (expected, unchanged) = (Some(end), true);
                }
                Step::Pair(i, j) => {
                    unchanged &= expected == Some(j) && self.pairing(i, j) == Some(Pairing::Same);
                    expected = expected.map(|_| j + 1);
                }
                Step::Insert(_) => unchanged = false,
            }
        }
        idle
    }

    /// The original's line where nothing but blanks at its end differs, or what ends the last one; else the edit's.
    fn paired_line(&self, i: usize, j: usize) -> Option<String> {
        let (shown, known) = (&self.edit.get(i)?.text, *self.original.get(j)?);
        let alike = shown.trim_end() == known.trim_end() || i + 1 == self.edit.len() || is_blank(shown);
        let stays = self.pairing(i, j)? == Pairing::Same && alike;
        Some(if stays { known.to_owned() } else { shown.clone() })
    }
}

/// A line of a result that is not blank.
struct ResultLine<'a> {
    text: &'a str,
    /// Whether it comes from the edit alone.
    new: bool,
}

/// Whether a new line says the same as the line above or below it.
fn repeats(result: &[ResultLine<'_>]) -> bool {
    let telling: Vec<&ResultLine<'_>> = result.iter().filter(|line| is_telling(line.text)).collect();
    telling.windows(2).any(|pair| matches!(pair, [a, b] if a.new != b.new && a.text.trim() == b.text.trim()))
}

/// Whether a name is used whose only declaration is among the lines that go.
fn orphans<'l>(gone: impl Iterator<Item = &'l str>, result: &[ResultLine<'_>]) -> bool {
    let lost: HashSet<&str> = gone.filter_map(declared_name).collect();
    if lost.is_empty() {
        return false;
    }
    let declared: HashSet<&str> = result.iter().filter_map(|line| declared_name(line.text)).collect();
    let used = |name: &str| result.iter().any(|line| words(line.text).any(|word| word == name));
    lost.difference(&declared).any(|name| used(name))
}

/// Whether a new line declares a name that another line of its block declares.
fn redeclares(result: &[ResultLine<'_>]) -> bool {
    result.iter().enumerate().filter(|(_, line)| line.new).any(|(at, line)| {
        let Some(name) = declared_name(line.text) else {
            return false;
        };
        let depth = indent_of(line.text);
        let same = |other: &&ResultLine<'_>| {
            !other.new && indent_of(other.text) == depth && declared_name(other.text) == Some(name)
        };
        let inside = |other: &&ResultLine<'_>| indent_of(other.text).starts_with(depth);
        let (above, below) = (result.get(..at), result.get(at + 1..));
        above.unwrap_or_default().iter().rev().take_while(inside).any(|other| same(&other))
            || below.unwrap_or_default().iter().take_while(inside).any(|other| same(&other))
    })
}

/// The name of a variable that a line declares: `let x = …`, `int x = …`, `x := …`; plain assignments declare nothing.
fn declared_name(line: &str) -> Option<&str> {
    let left = assigned_name(line)?;
    let colon = line.get(line.find(left)? + left.len()..)?.trim_start().starts_with(":=");
    let left = left.split(": ").next().unwrap_or(left).trim_end();
    let name = words(left).last()?;
    let plain = left.ends_with(name) && !left.contains(['.', ',', '{', '[', '<']) && !left.contains("->");
    (plain && (colon || words(left).count() >= 2)).then_some(name)
}

/// Whether one of the new lines begins like a line, or all of them together have all of its words.
fn is_twin(come: &[&str], line: &str) -> bool {
    let (all, own) = (come.join("\n"), words(line).collect::<Vec<_>>());
    let among: HashSet<&str> = words(&all).collect();
    own.len() >= 3 && own.iter().all(|word| among.contains(word))
        || come.iter().any(|new| begins_alike(new, line))
}

/// Whether two lines have their first three words in common, or one has all words of the other before its own.
fn begins_alike(a: &str, b: &str) -> bool {
    let shared = words(a).zip(words(b)).take_while(|(a, b)| a == b).count();
    let shorter = words(a).count().min(words(b).count());
    shared >= 3 || shared >= 2 && shared == shorter
}

/// Words that many lines consist of, which therefore say nothing about where they belong.
const COMMON_WORDS: [&str; 13] = [
    "try", "else", "finally", "do", "return", "break", "continue", "pass", "default", "begin", "end", "loop",
    "unsafe",
];

/// Whether a line says something that few others say.
fn is_telling(line: &str) -> bool {
    words(line).any(|word| !COMMON_WORDS.contains(&word))
}

/// What goes and what comes between two lines that were found.
#[derive(Default)]
struct Gap<'a> {
    gone: Vec<&'a str>,
    come: Vec<&'a str>,
}

impl Gap<'_> {
    /// What it says about a reading that these lines come for those.
    fn likeness(&self) -> i32 {
        let telling = |lines: &[&str]| lines.iter().filter(|line| is_telling(line)).count();
        if telling(&self.gone) == 0 || telling(&self.come) == 0 {
            return 0;
        }
        let alike = word_similarity(&self.gone.join("\n"), &self.come.join("\n"));
        let unlike = (ALIKE - alike).max(0.0);
        // A single statement may well come for several unlike ones; an attribute does not.
        let attribute = self.come.iter().any(|line| line.trim_start().starts_with(['@', '#']));
        let unlike = if telling(&self.come) == 1 && !attribute { 0.0 } else { unlike };
        ((alike - ALIKE).max(0.0) * 100.0 - unlike * 350.0).round() as i32
    }
}

#[derive(Debug, Clone, Copy)]
enum Step {
    /// Original lines that a marker stands for.
    Keep(usize, usize),
    /// An edit line in the place of an original line.
    Pair(usize, usize),
    /// An edit line that is new.
    Insert(usize),
}

impl Line {
    fn new(line: &str, text: usize, indent: usize) -> Line {
        let trimmed = line.trim();
        let telling = trimmed.chars().any(char::is_alphanumeric);
        let (weight, insert, delete) = if trimmed.is_empty() {
            (10, 3, 1)
        } else if telling {
            (100 + 2 * trimmed.len().min(40) as i32, 20, 5)
        } else {
            (40, 10, 3)
        };
        Line { text, indent, weight, insert, delete, telling, blank: trimmed.is_empty() }
    }
}

/// A line in the form in which lines are compared: a closing line's `;` or `,` belongs to what is around it.
fn comparable(line: &str) -> &str {
    let trimmed = line.trim();
    if trimmed.chars().any(char::is_alphanumeric) {
        return trimmed;
    }
    let bare = trimmed.trim_end_matches([';', ',']);
    if bare.is_empty() { trimmed } else { bare }
}

/// Original lines that an edit line beside a marker may be a changed form of.
///
/// Only there does it matter: between two found lines a changed line replaces whatever is not shown.
fn changed_pairs(
    edit: &[EditLine],
    original: &[&str],
    lines: &[Line],
    counts: &HashMap<usize, usize>,
) -> HashMap<(usize, usize), i32> {
    const NEAR: usize = 2;
    const MOST: usize = 24;
    let mut pairs = HashMap::new();
    let near_marker = |i: usize| {
        let from = i.saturating_sub(NEAR);
        edit.get(from..(i + NEAR + 1).min(edit.len())).is_some_and(|around| around.iter().any(|l| l.marker))
    };
    let boundary = (0..edit.len())
        .filter(|&i| near_marker(i) && edit.get(i).is_some_and(|l| !l.marker))
        .filter(|&i| lines.get(i).is_some_and(|l| l.telling && !counts.contains_key(&l.text)))
        .take(MOST);
    for i in boundary {
        let Some(text) = edit.get(i).map(|l| l.text.as_str()) else {
            continue;
        };
        for (j, other) in original.iter().enumerate() {
            if indent_of(text) != indent_of(other) {
                continue;
            }
            if let Some(score) = changed_score(text, other) {
                pairs.insert((i, j), score);
            }
        }
    }
    pairs
}

fn changed_score(edit: &str, original: &str) -> Option<i32> {
    let same = |name: fn(&str) -> Option<&str>| name(edit).is_some() && name(edit) == name(original);
    if same(assigned_name) || same(key) {
        return Some(60);
    }
    if same(altered_name) {
        return Some(-12);
    }
    let alike = line_similarity(edit, original);
    if alike >= 0.9 || begins_alike(edit, original) {
        return Some(45);
    }
    (alike >= 0.7 || same_tag(edit, original)).then_some(-12)
}

/// Whether two lines open the same element: `<Footer />` and `<Footer year={2024} />`.
fn same_tag(a: &str, b: &str) -> bool {
    fn tag(line: &str) -> Option<&str> {
        let rest = line.trim().strip_prefix('<')?;
        let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '.' || c == '-'))?;
        rest.get(..end).filter(|name| !name.is_empty())
    }
    tag(a).is_some() && tag(a) == tag(b)
}

/// How many more brackets of each kind open than close; those in strings and comments count too, which is why a
/// difference only costs.
fn depths<'l>(lines: impl Iterator<Item = &'l str>) -> [i32; 3] {
    let mut depths = [0; 3];
    for byte in lines.flat_map(str::bytes) {
        match byte {
            b'{' => depths[0] += 1,
            b'}' => depths[0] -= 1,
            b'(' => depths[1] += 1,
            b')' => depths[1] -= 1,
            b'[' => depths[2] += 1,
            b']' => depths[2] -= 1,
            _ => {}
        }
    }
    depths
}

/// Whether two results differ in blank lines only.
fn same_but_blank(a: &[String], b: &[String]) -> bool {
    let telling =
        |lines: &'_ [String]| -> Vec<String> { lines.iter().filter(|l| !is_blank(l)).cloned().collect() };
    telling(a) == telling(b)
}

/// The key of a line that gives one a value: `color: red;`, `"name": 1,`.
fn key(line: &str) -> Option<&str> {
    let (key, value) = line.trim().split_once(':')?;
    let bare = key.trim().trim_matches(['"', '\'']);
    let plain = !bare.is_empty() && bare.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_');
    (plain && value.starts_with(' ') && !value.trim().is_empty()).then_some(bare)
}

/// What a line gives a new value, be it by `=` or by an operator such as `+=`.
fn altered_name(line: &str) -> Option<&str> {
    let (before, after) = line.trim().split_once('=')?;
    let before = before.trim_end_matches(['+', '-', '*', '/', '|', '&', '%', '^']).trim();
    let compares = after.starts_with(['=', '>']) || before.ends_with(['!', '<', '>', '=']);
    (!compares && !before.is_empty() && !before.contains(['(', '"', '\''])).then_some(before)
}

/// What a line declares or assigns: everything before its `=`, or before its `:` in a declaration.
fn assigned_name(line: &str) -> Option<&str> {
    let line = line.trim();
    let at = line.find('=')?;
    let (before, after) = (line.get(..at)?, line.get(at + 1..)?);
    let compares = after.starts_with(['=', '>'])
        || before.ends_with(['!', '<', '>', '=', '+', '-', '*', '/', '|', '&', '%', '^']);
    let before = before.trim_end_matches(':').trim();
    (!compares && !before.is_empty() && !before.contains(['(', '"', '\''])).then_some(before)
}
