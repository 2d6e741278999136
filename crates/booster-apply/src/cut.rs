//! Whether an edit was cut off at the end of a line, where no bracket betrays it.

use std::ops::Range;

use similar::{Algorithm, DiffOp, capture_diff_slices};

use crate::similarity::word_similarity;
use crate::text::is_word;

/// Above this product of line counts it is not asked whether an edit was cut off.
const MAX_CUT_CELLS: usize = 4_000_000;

/// Whether an edit follows the known definition up to some line and then stops, though much is left: what a model's
/// answer that was cut off at a line's end looks like where no bracket betrays it.
pub(crate) fn is_cut(edit: &str, known: &str) -> bool {
    let telling = |text: &'_ str| -> Vec<String> {
        text.lines().map(str::trim).filter(|l| !l.is_empty()).map(str::to_owned).collect()
    };
    let (edit, known) = (telling(edit), telling(known));
    if edit.len().saturating_mul(known.len()) > MAX_CUT_CELLS {
        return false;
    }
    let (mut in_edit, mut in_known) = (0, 0);
    for op in capture_diff_slices(Algorithm::Myers, &known, &edit) {
        if let DiffOp::Equal { old_index, new_index, len } = op {
            (in_known, in_edit) = (old_index + len, new_index + len);
        }
    }
    let (left, new) = (known.len() - in_known, edit.len() - in_edit);
    if edit.last().is_some_and(|last| stops_in_word(last, known.get(in_known..).unwrap_or_default())) {
        return true;
    }
    let ends_in_comment = |lines: &[String]| lines.last().is_some_and(|line| line.starts_with('#'));
    if new == 0 || ends_in_comment(&edit) && !ends_in_comment(&known) {
        return left > 0;
    }
    // Two new lines at the end may well come for a few that go, but not for half of the definition.
    let much = if new == 2 { left * 2 >= known.len() } else { left * 5 >= known.len() || left >= 8 };
    let rewritten = || {
        let (come, gone) = (edit.get(in_edit..), known.get(in_known..));
        word_similarity(&come.unwrap_or_default().join("\n"), &gone.unwrap_or_default().join("\n")) >= 0.5
    };
    left >= 3 && much && new <= 2 && edit.len() < known.len() && !rewritten()
}

/// Whether a line is one of the known lines cut within a word, and others come after that one.
fn stops_in_word(last: &str, known: &[String]) -> bool {
    let cut = |line: &String| {
        let rest = line.strip_prefix(last).and_then(|rest| rest.chars().next());
        rest.is_some_and(is_word) && last.ends_with(is_word)
    };
    known.split_last().is_some_and(|(_, others)| others.iter().any(cut))
}

/// Whether a definition has a semicolon at its end.
pub(crate) fn is_closed(text: &str, range: &Range<usize>) -> bool {
    let after = text.get(range.end..).unwrap_or_default().trim_start_matches([' ', '\t']);
    text.get(range.clone()).is_some_and(|own| own.ends_with(';')) || after.starts_with(';')
}

/// Whether an edit lacks the last line of a definition, and no bracket closes it.
pub(crate) fn lacks_its_end(edit: &str, known: &str) -> bool {
    let bare = |line: &str| line.trim().trim_end_matches(';').to_owned();
    let last = bare(known.lines().next_back().unwrap_or_default());
    let brackets = ['}', ')', ']'];
    !edit.ends_with(brackets)
        && last.chars().any(char::is_alphanumeric)
        && known.lines().count() > 1
        && !edit.lines().any(|line| bare(line) == last)
}
