//! Edits in Markdown: fenced code blocks that name a file.

use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag, TagEnd};

use super::answer::Failure;
use super::editor::Edit;

/// The form of a block, for messages.
const FORM: &str = "```LANGUAGE filepath=PATH instruction=TEXT";

/// The edits of all fenced blocks with a `filepath`, in their order. Other blocks are only text.
pub(crate) fn edits(markdown: &str) -> Result<Vec<Edit>, Failure> {
    let mut edits = Vec::new();
    let mut block: Option<Edit> = None;
    for (event, range) in Parser::new(markdown).into_offset_iter() {
        match event {
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))) => {
                block = named(&info);
                // A block without an end would swallow whatever was cut off.
                if let Some(edit) = block.as_ref().filter(|_| !is_closed(&markdown[range])) {
                    let message = format!(
                        "the block for `{}` has no closing fence; is the text cut off?",
                        edit.target_filepath
                    );
                    return Err(Failure::new("edit_incomplete", message));
                }
            }
            Event::Text(text) => {
                if let Some(block) = &mut block {
                    block.code_edit.push_str(&text);
                }
            }
            Event::End(TagEnd::CodeBlock) => edits.extend(block.take()),
            _ => {}
        }
    }
    if edits.is_empty() {
        let message = format!("no code block names a file; expected blocks that begin with {FORM}");
        return Err(Failure::new("edit_empty", message));
    }
    Ok(edits)
}

/// An edit without its code, when a fence's words name a file.
fn named(info: &str) -> Option<Edit> {
    let target_filepath = value(info, "filepath=", false)?;
    let instructions = value(info, "instruction=", true).unwrap_or_default();
    let first = info.split_whitespace().next().filter(|word| !word.contains('='));
    Some(Edit { target_filepath, instructions, code_edit: String::new(), language: first.map(str::to_owned) })
}

/// The value after `name`: what is in quotes, else a word, or with `rest` all that follows.
fn value(info: &str, name: &str, rest: bool) -> Option<String> {
    let text = &info[info.find(name)? + name.len()..];
    let end = match text.chars().next()? {
        quote @ ('"' | '\'') => return text[1..].split_once(quote).map(|(value, _)| value.to_owned()),
        _ if rest => text.len(),
        _ => text.find(char::is_whitespace).unwrap_or(text.len()),
    };
    Some(text[..end].trim().to_owned())
}

/// Whether a fenced block ends with its fence.
fn is_closed(block: &str) -> bool {
    let fence = |line: &str| {
        let line = line.trim_start_matches([' ', '\t', '>']);
        let mark = line.chars().next().filter(|mark| ['`', '~'].contains(mark))?;
        Some((mark, line.chars().take_while(|c| *c == mark).count()))
    };
    let mut lines = block.trim_end().lines();
    let (first, last) = (lines.next().and_then(fence), lines.next_back().and_then(fence));
    matches!((first, last), (Some((mark, count)), Some((end, many))) if mark == end && many >= count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_with_a_file_are_edits_and_others_are_text() {
        let text = "Intro\n\n```ts filepath=\"src/a b.ts\" instruction='I add x'\nconst x = 1;\n```\n\n```py\nprint()\n```\n\n\
                    ```filepath=b.py instruction=I change it all\r\ndef b():\r\n    pass\r\n```\n\n- item\n  ~~~~md filepath=c.md\n  ```\n  x\n  ```\n  ~~~~\n";
        let edits = edits(text).unwrap();
        let all: Vec<_> = edits
            .iter()
            .map(|edit| (edit.target_filepath.as_str(), edit.instructions.as_str(), edit.language.as_deref()))
            .collect();
        assert_eq!(
            all,
            [
                ("src/a b.ts", "I add x", Some("ts")),
                ("b.py", "I change it all", None),
                ("c.md", "", Some("md"))
            ]
        );
        assert_eq!(edits[0].code_edit, "const x = 1;\n");
        assert_eq!(edits[1].code_edit, "def b():\n    pass\n");
        assert_eq!(edits[2].code_edit, "```\nx\n```\n");
    }

    #[test]
    fn what_holds_no_whole_edit_is_refused() {
        for (text, reason) in [
            ("", "edit_empty"),
            ("```ts\nlet x;\n```", "edit_empty"),
            ("```ts filepath=a.ts\nlet x;", "edit_incomplete"),
            ("````ts filepath=a.ts\nlet x;\n```", "edit_incomplete"),
        ] {
            assert_eq!(edits(text).unwrap_err().reason, reason, "{text}");
        }
    }
}
