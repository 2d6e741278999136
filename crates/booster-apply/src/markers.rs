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

/// Words of which one makes a comment a marker even without an ellipsis, if all others are of [`COMMON_WORDS`].
const TELLING_WORDS: [&str; 12] = [
    "existing",
    "rest",
    "unchanged",
    "remaining",
    "remains",
    "remain",
    "untouched",
    "unmodified",
    "unaltered",
    "omitted",
    "same",
    "changes",
];

/// What else such comments are made of.
const COMMON_WORDS: [&str; 51] = [
    "code",
    "of",
    "the",
    "here",
    "is",
    "are",
    "as",
    "before",
    "your",
    "file",
    "class",
    "function",
    "functions",
    "method",
    "methods",
    "implementation",
    "implementations",
    "imports",
    "stays",
    "stay",
    "be",
    "other",
    "others",
    "all",
    "and",
    "keep",
    "previous",
    "logic",
    "this",
    "in",
    "body",
    "content",
    "no",
    "needed",
    "with",
    "to",
    "goes",
    "above",
    "below",
    "tests",
    "fields",
    "props",
    "properties",
    "styles",
    "rules",
    "items",
    "statements",
    "for",
    "brevity",
    "it",
    "any",
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
    let hash_comments = language.is_none_or(Language::has_hash_comments);
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
    let lower = text.to_lowercase().replace(['⋮', '︙'], "…");
    let bare = lower.trim_matches(|c: char| c.is_whitespace() || "-=*[](){}<>.…:".contains(c));
    let ellipsis = lower.contains("...") || lower.contains('…');
    if bare.is_empty() {
        return ellipsis;
    }
    let words: Vec<&str> = bare
        .split(|c: char| !(c.is_alphanumeric() || c == '-' || c == '\''))
        .filter(|w| !w.is_empty())
        .collect();
    if words.len() > 12 {
        return false;
    }
    let inner = lower.trim_matches(|c: char| c.is_whitespace() || "-=*[](){}<>".contains(c));
    let marks = ["...", "…"];
    let leads = marks.iter().any(|mark| {
        inner.strip_prefix(mark).is_some_and(|rest| rest.starts_with(|c: char| c.is_whitespace() || c == '.'))
    });
    let at_an_end = marks.iter().any(|mark| inner.starts_with(mark) || inner.ends_with(mark));
    let kept = words.iter().any(|word| KEPT_WORDS.contains(word));
    // Nobody begins a sentence with an ellipsis, whatever the words are that it leaves out.
    leads || at_an_end && kept || says_that_it_stays(&words)
}

/// Whether all words are such that say that something stays: `rest of the code remains unchanged`.
fn says_that_it_stays(words: &[&str]) -> bool {
    let telling = |word: &&&str| TELLING_WORDS.contains(*word);
    let known = |word: &&str| TELLING_WORDS.contains(word) || COMMON_WORDS.contains(word);
    // A single word is a marker only if it says so by itself.
    let enough = words.len() >= 2 || matches!(words, ["unchanged" | "unmodified" | "untouched" | "omitted"]);
    enough && words.iter().any(|word| telling(&word)) && words.iter().all(known)
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
