//! `*** Begin Patch` blocks.

use super::unified::{Hunk, change, pick_file, place_all};
use crate::output::{Reason, Refusal};
use crate::plan::Plan;
use crate::splice::Splice;

/// The first line of a patch.
pub(crate) const BEGIN: &str = "*** Begin Patch";
const END: &str = "*** End Patch";
const UPDATE: &str = "*** Update File:";
const END_OF_FILE: &str = "*** End of File";

/// Plans a patch.
pub(crate) fn plan(text: &str, edit: &str, path: Option<&str>) -> Result<Plan, Refusal> {
    let hunks = hunks(edit, path)?;
    if hunks.is_empty() {
        return Err(Refusal::new(Reason::EditIncomplete, "the patch updates no file"));
    }
    let mut plan = place_all(text, &hunks, "apply-patch")?;
    end_with_line_feed(text, &mut plan);
    Ok(plan)
}

fn hunks<'e>(edit: &'e str, path: Option<&str>) -> Result<Vec<Hunk<'e>>, Refusal> {
    let mut files: Vec<(&str, Vec<Hunk<'e>>)> = Vec::new();
    let mut hunk: Option<Hunk<'e>> = None;
    let mut ended = false;
    let body = edit.lines().skip_while(|line| line.trim() != BEGIN).skip(1);
    for line in body {
        let trimmed = line.trim();
        if trimmed == END {
            ended = true;
            break;
        }
        if let Some(name) = trimmed.strip_prefix(UPDATE) {
            close(&mut files, &mut hunk);
            files.push((name.trim(), Vec::new()));
        } else if trimmed == END_OF_FILE {
            if let Some(hunk) = &mut hunk {
                hunk.at_end = true;
            }
        } else if trimmed.starts_with("*** ") && !line.starts_with([' ', '+', '-']) {
            return Err(Refusal::new(
                Reason::InvalidInput,
                format!("`{trimmed}` cannot be done to the contents of one file"),
            ));
        } else if let Some(rest) = line.strip_prefix("@@") {
            header(&mut files, &mut hunk, rest);
        } else if files.last().is_some() {
            hunk.get_or_insert_default().changes.extend(change(line));
        }
    }
    close(&mut files, &mut hunk);
    if !ended {
        return Err(Refusal::new(Reason::EditIncomplete, format!("the patch has no `{END}`")));
    }
    pick_file(files, path)
}

/// `@@` opens a hunk; text after it names a line above; several in a row narrow it down.
fn header<'e>(files: &mut [(&'e str, Vec<Hunk<'e>>)], hunk: &mut Option<Hunk<'e>>, rest: &'e str) {
    let continues = hunk.as_ref().is_some_and(|h| h.changes.is_empty());
    if !continues {
        close(files, hunk);
    }
    let open = hunk.get_or_insert_default();
    let above = rest.trim().trim_end_matches("@@").trim();
    let numbers = above.starts_with('-') && above.contains('+');
    if !above.is_empty() && !numbers {
        open.above.push(above);
    }
}

fn close<'e>(files: &mut [(&'e str, Vec<Hunk<'e>>)], hunk: &mut Option<Hunk<'e>>) {
    if let (Some(hunk), Some((_, hunks))) = (hunk.take(), files.last_mut())
        && !hunk.changes.is_empty()
    {
        hunks.push(hunk);
    }
}

/// Patches leave a file that ends in a line feed wherever they touch its end.
fn end_with_line_feed(text: &str, plan: &mut Plan) {
    if text.ends_with('\n') {
        return;
    }
    if let Some(last) = plan.splices.iter_mut().find(|s: &&mut Splice| s.range.end == text.len())
        && !last.text.ends_with('\n')
    {
        last.text.push('\n');
    }
}
