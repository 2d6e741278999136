//! Taking an edit out of the Markdown and chatter around it.

/// The code of an edit: what stands in its only fenced block, or all of it.
///
/// Several fenced blocks are joined with a blank line when they are all there is; prose between them is dropped.
pub(crate) fn strip_chatter(edit: &str) -> String {
    let edit = edit.strip_prefix('\u{feff}').unwrap_or(edit).replace("\r\n", "\n");
    let Some(blocks) = fenced_blocks(&edit) else {
        return edit;
    };
    blocks.join("\n\n")
}

/// The contents of the fenced blocks; `None` when there is none that is closed, or when the fences belong to the code.
fn fenced_blocks(edit: &str) -> Option<Vec<String>> {
    let mut blocks = Vec::new();
    let mut open: Option<(&str, Vec<&str>)> = None;
    for line in edit.lines() {
        let fence = fence_of(line);
        match (&mut open, fence) {
            (None, Some(fence)) => open = Some((fence, Vec::new())),
            (Some((opened, body)), Some(fence))
                if fence.len() >= opened.len()
                    && fence.get(..1) == opened.get(..1)
                    && line.trim() == fence =>
            {
                blocks.push(body.join("\n"));
                open = None;
            }
            (Some((_, body)), _) => body.push(line),
            (None, None) => {}
        }
    }
    // A fence that is never closed is a model's habit only when it is the first thing in the edit.
    if let Some((_, body)) = open {
        let opens_edit = blocks.is_empty() && fence_of(edit.trim_start().lines().next()?).is_some();
        if !opens_edit {
            return None;
        }
        blocks.push(body.join("\n"));
    }
    let begins_line = edit.lines().any(|line| line.starts_with("```") || line.starts_with("~~~"));
    (!blocks.is_empty() && begins_line).then_some(blocks)
}

/// The fence characters that open or close a block on this line.
fn fence_of(line: &str) -> Option<&str> {
    let line = line.trim_end();
    let indent = line.len() - line.trim_start().len();
    if indent > 3 {
        return None;
    }
    let line = line.trim_start();
    let mark = line.chars().next().filter(|c| matches!(c, '`' | '~'))?;
    let length = line.chars().take_while(|&c| c == mark).count();
    let info = line.get(length..)?;
    (length >= 3 && !info.contains('`')).then(|| line.get(..length)).flatten()
}

/// Whether the edit holds a merge conflict that was never resolved, which the original does not hold as well.
pub(crate) fn has_conflict_markers(edit: &str, original: &str) -> bool {
    let found = |text: &str| {
        let starts = |mark: &str| {
            text.lines().any(|line| {
                line.strip_prefix(mark).is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t']))
            })
        };
        starts("<<<<<<<") || starts(">>>>>>>") || starts("|||||||") && starts("=======")
    };
    found(edit) && !found(original)
}

/// Whether a text reads like sentences rather than code.
pub(crate) fn looks_like_prose(text: &str) -> bool {
    let mut prose = 0_usize;
    let mut code = 0_usize;
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let words = line.split_whitespace().count();
        let symbols = line.chars().filter(|c| "{}()[];=<>|&*/\\+_#@\"".contains(*c)).count();
        let spelled = line
            .split_whitespace()
            .filter(|w| {
                let bare = w.trim_matches(|c: char| c.is_ascii_punctuation());
                bare.chars().count() > 0 && bare.chars().all(|c| c.is_alphabetic() || c == '\'' || c == '-')
            })
            .count();
        if words >= 4
            && symbols * 4 <= words
            && spelled * 10 >= words * 7
            && !line.ends_with([';', '{', '}', ',', ')'])
        {
            prose += 1;
        } else {
            code += 1;
        }
    }
    prose > code
}
