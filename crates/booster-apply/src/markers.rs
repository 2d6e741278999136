//! Lines by which models say "the rest stays as it is".

use crate::language::Language;

/// Words that say that something existing stays. One of them must stand beside an ellipsis.
const KEPT_WORDS: [&str; 34] = [
    "existing",
    "rest",
    "unchanged",
    "same",
    "before",
    "remaining",
    "remains",
    "remainder",
    "previous",
    "previously",
    "other",
    "others",
    "omitted",
    "keep",
    "kept",
    "skip",
    "skipped",
    "snip",
    "snipped",
    "unmodified",
    "original",
    "etc",
    "elided",
    "truncated",
    "above",
    "more",
    "code",
    "methods",
    "functions",
    "imports",
    "implementation",
    "stays",
    "untouched",
    "as-is",
];

/// Wordings that are markers even without an ellipsis.
const PLAIN_PHRASES: [&str; 22] = [
    "existing code",
    "existing code here",
    "existing implementation",
    "existing imports",
    "rest of the file",
    "rest of file",
    "rest of the code",
    "rest of code",
    "rest of the function",
    "rest of function",
    "rest of the class",
    "rest of class",
    "rest of the method",
    "rest of method",
    "rest unchanged",
    "rest of the file unchanged",
    "unchanged",
    "unchanged code",
    "code unchanged",
    "no changes",
    "remaining code",
    "same as before",
];

/// Whether a line is a marker. `bare_ellipsis` says whether a lone `...` counts.
pub(crate) fn is_marker(line: &str, language: Option<Language>, bare_ellipsis: bool) -> bool {
    let line = line.trim();
    if line.is_empty() || line.len() > 200 {
        return false;
    }
    if matches!(line, "..." | "…") {
        return bare_ellipsis;
    }
    comment_text(line, language).is_some_and(is_marker_text)
}

/// The text of a line that is one comment and nothing else.
pub(crate) fn comment_text(line: &str, language: Option<Language>) -> Option<&str> {
    let line = line.trim();
    let braced = line
        .strip_prefix('{')
        .and_then(|rest| rest.strip_suffix('}'))
        .map(str::trim)
        .filter(|inner| inner.starts_with("/*") && inner.ends_with("*/"));
    let line = braced.unwrap_or(line);
    for (open, close) in [("/*", "*/"), ("<!--", "-->")] {
        if let Some(inner) = line.strip_prefix(open).and_then(|r| r.strip_suffix(close)) {
            let inner = inner.trim_matches('*').trim();
            return (!inner.contains(close)).then_some(inner);
        }
    }
    let hash_comments = language.is_none_or(Language::is_python);
    if let Some(rest) = line.strip_prefix("//") {
        return Some(rest.trim_start_matches(['/', '!']).trim());
    }
    if let Some(rest) = line.strip_prefix('#') {
        let spaced = rest.starts_with([' ', '\t', '.', '…', '#']) || rest.is_empty();
        // In C a line with `#` and a space may be a directive; `# ...` never is.
        let plain = hash_comments || rest.trim_start().starts_with(['.', '…']);
        return (plain && (spaced || hash_comments)).then(|| rest.trim_start_matches('#').trim());
    }
    if let Some(rest) = line.strip_prefix("--") {
        return language.is_none().then(|| rest.trim());
    }
    None
}

/// Whether a comment's text stands for code that is not shown.
pub(crate) fn is_marker_text(text: &str) -> bool {
    let lower = text.to_lowercase();
    let bare = lower.trim_matches(|c: char| c.is_whitespace() || "-=*[](){}<>.…:".contains(c));
    let ellipsis = lower.contains("...") || lower.contains('…');
    if bare.is_empty() {
        return ellipsis;
    }
    if PLAIN_PHRASES.contains(&bare) {
        return true;
    }
    let at_an_end = |mark: &str| {
        let inner = lower.trim_matches(|c: char| c.is_whitespace() || "-=*[](){}<>".contains(c));
        inner.starts_with(mark) || inner.ends_with(mark)
    };
    if !ellipsis || !(at_an_end("...") || at_an_end("…")) {
        return false;
    }
    let mut words =
        bare.split(|c: char| !(c.is_alphanumeric() || c == '-' || c == '\'')).filter(|w| !w.is_empty());
    words.clone().count() <= 12 && words.any(|word| KEPT_WORDS.contains(&word))
}

/// Whether a line of code holds a marker beside the code, as `f() { /* ... existing code ... */ }` does.
pub(crate) fn has_inline_marker(line: &str) -> bool {
    let in_block = line
        .split_once("/*")
        .and_then(|(_, rest)| rest.split_once("*/"))
        .is_some_and(|(inner, _)| is_marker_text(inner));
    let at_end = ["// ", "# "].iter().any(|mark| {
        line.rsplit_once(mark)
            .is_some_and(|(code, comment)| !code.trim().is_empty() && is_marker_text(comment))
    });
    in_block || at_end
}
