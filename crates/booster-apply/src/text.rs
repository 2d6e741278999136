//! The original text in the form the engine works on: line feeds only and no byte order mark,
//! with the way back to the original's bytes.

use std::borrow::Cow;

const BOM: &str = "\u{feff}";

/// A text with its line ends made uniform.
#[derive(Debug)]
pub(crate) struct Text<'a> {
    /// The text with `\n` line ends and without a byte order mark.
    pub(crate) lf: Cow<'a, str>,
    /// Length of the byte order mark that was removed.
    bom: usize,
    /// Offsets in `lf` of the line feeds that were `\r\n` in the original.
    crlf: Vec<usize>,
    /// Whether most lines end in `\r\n`, so that new lines should too.
    mostly_crlf: bool,
}

impl<'a> Text<'a> {
    /// Takes off the byte order mark and the carriage returns of line ends.
    pub(crate) fn new(original: &'a str) -> Text<'a> {
        let body = original.strip_prefix(BOM).unwrap_or(original);
        let bom = original.len() - body.len();
        if !body.contains("\r\n") {
            return Text { lf: Cow::Borrowed(body), bom, crlf: Vec::new(), mostly_crlf: false };
        }
        let mut lf = String::with_capacity(body.len());
        let mut crlf = Vec::new();
        for piece in body.split_inclusive("\r\n") {
            match piece.strip_suffix("\r\n") {
                Some(line) => {
                    lf.push_str(line);
                    crlf.push(lf.len());
                    lf.push('\n');
                }
                None => lf.push_str(piece),
            }
        }
        let newlines = lf.bytes().filter(|&b| b == b'\n').count();
        let mostly_crlf = crlf.len() * 2 >= newlines;
        Text { lf: Cow::Owned(lf), bom, crlf, mostly_crlf }
    }

    /// The offset in the original's bytes of an offset in `lf`.
    pub(crate) fn to_original(&self, offset: usize) -> usize {
        self.bom + offset + self.crlf.partition_point(|&at| at < offset)
    }

    /// New text with the original's line ends.
    pub(crate) fn with_line_ends(&self, text: &str) -> String {
        if self.mostly_crlf { text.replace('\n', "\r\n") } else { text.to_owned() }
    }
}

/// Where the lines of a text begin.
#[derive(Debug, Clone)]
pub(crate) struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    /// Finds the lines; a final line feed does not open another line.
    pub(crate) fn new(text: &'a str) -> Lines<'a> {
        let mut starts = vec![0];
        starts.extend(text.bytes().enumerate().filter(|&(_, b)| b == b'\n').map(|(at, _)| at + 1));
        if starts.len() > 1 && starts.last() == Some(&text.len()) {
            starts.pop();
        }
        Lines { text, starts }
    }

    /// How many lines there are; an empty text has one empty line.
    pub(crate) fn count(&self) -> usize {
        self.starts.len()
    }

    /// The line (from 0) that holds a byte offset.
    pub(crate) fn line_of(&self, offset: usize) -> usize {
        self.starts.partition_point(|&start| start <= offset).saturating_sub(1)
    }

    /// Where a line begins; the text's end for a line past the last.
    pub(crate) fn start(&self, line: usize) -> usize {
        self.starts.get(line).copied().unwrap_or(self.text.len())
    }

    /// Where a line ends, before its line feed.
    pub(crate) fn end(&self, line: usize) -> usize {
        let next = self.start(line + 1);
        let terminated = next > self.start(line) && self.text.as_bytes().get(next - 1) == Some(&b'\n');
        if terminated { next - 1 } else { next }
    }

    /// A line without its line feed.
    pub(crate) fn get(&self, line: usize) -> &'a str {
        self.text.get(self.start(line)..self.end(line)).unwrap_or_default()
    }

    /// Whether only blanks stand before `offset` on its line.
    pub(crate) fn begins_line(&self, offset: usize) -> bool {
        let start = self.start(self.line_of(offset));
        self.text.get(start..offset).is_some_and(|before| before.trim().is_empty())
    }
}

/// The blanks at the beginning of a line.
pub(crate) fn indent_of(line: &str) -> &str {
    let rest = line.trim_start_matches([' ', '\t']);
    line.get(..line.len() - rest.len()).unwrap_or_default()
}

/// Whether a line has nothing but blanks.
pub(crate) fn is_blank(line: &str) -> bool {
    line.trim().is_empty()
}

/// Text with blanks removed except where they separate two words, to compare across layouts.
pub(crate) fn squash(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut gap = false;
    for c in text.chars() {
        if c.is_whitespace() {
            gap = true;
            continue;
        }
        if gap && is_word(c) && out.chars().next_back().is_some_and(is_word) {
            out.push(' ');
        }
        gap = false;
        out.push(c);
    }
    out
}

/// Whether a character belongs to an identifier or number.
pub(crate) fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '$'
}

/// The words (identifiers, keywords, numbers) of a text.
pub(crate) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !is_word(c)).filter(|w| !w.is_empty())
}
