//! Properties of edits on generated files: what is shown as it stands changes nothing, an edit applied twice changes
//! nothing more, and no byte outside of the edited definition ever changes.

use booster_apply::{Request, apply};

use crate::support::Random;

/// How a language writes a function of three statements; `NAME` and `NUMBER` are filled in.
const SHAPES: [(&str, &str); 8] = [
    ("javascript", "function NAME(a) {\n  const b = a + NUMBER;\n  log(b);\n  return b;\n}\n"),
    (
        "typescript",
        "export const NAME = (a: number): number => {\n  const b = a + NUMBER;\n  return b;\n};\n",
    ),
    ("python", "def NAME(a):\n    b = a + NUMBER\n    log(b)\n    return b\n"),
    ("rust", "pub fn NAME(a: i32) -> i32 {\n    let b = a + NUMBER;\n    b\n}\n"),
    ("go", "func NAME(a int) int {\n\tb := a + NUMBER\n\treturn b\n}\n"),
    ("java", "class NAME {\n    int add(int a) {\n        return a + NUMBER;\n    }\n}\n"),
    ("c", "int NAME(int a) {\n\tint b = a + NUMBER;\n\treturn b;\n}\n"),
    ("cpp", "template <typename T>\nT NAME(T a) {\n  auto b = a + NUMBER;\n  return b;\n}\n"),
];

/// A generated file and one of its definitions in two versions.
struct File {
    language: &'static str,
    before: String,
    definition: String,
    after: String,
    edit: String,
}

fn definition(shape: &str, index: usize, number: usize) -> String {
    shape.replace("NAME", &format!("name{index}x")).replace("NUMBER", &number.to_string())
}

fn file(random: &mut Random) -> File {
    let (language, shape) = SHAPES[random.below(SHAPES.len())];
    let count = 2 + random.below(8);
    let chosen = random.below(count);
    let gap = ["\n", "\n\n"][random.below(2)];
    let (mut before, mut after) = (String::new(), String::new());
    let (mut old, mut new) = (String::new(), String::new());
    for index in 0..count {
        let number = random.below(1000);
        let known = definition(shape, index, number);
        let changed = if index == chosen {
            definition(shape, index, number + 1 + random.below(9))
        } else {
            known.clone()
        };
        if index > 0 {
            before.push_str(gap);
            after.push_str(gap);
        }
        before.push_str(&known);
        after.push_str(&changed);
        if index == chosen {
            (old, new) = (known, changed);
        }
    }
    // The last line may be open, the lines may end as on Windows, and a byte order mark may stand before all.
    let open = random.below(3) == 0;
    let windows = random.below(3) == 0;
    let bom = random.below(4) == 0;
    let form = |mut text: String| {
        if open {
            text.pop();
        }
        if windows {
            text = text.replace('\n', "\r\n");
        }
        if bom {
            text.insert(0, '\u{feff}');
        }
        text
    };
    File { language, before: form(before), after: form(after), definition: old, edit: new }
}

fn apply_to(file: &File, code: &str, edit: &str) -> String {
    let request =
        Request { code, edit, language: Some(file.language), path: None, format: None, min_confidence: None };
    apply(&request).unwrap_or_else(|refusal| panic!("{refusal}\n{code}\n=== edit\n{edit}")).output
}

/// Runs a check on many generated files.
fn on_files(check: impl Fn(&File)) {
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    for _ in 0..400 {
        check(&file(&mut random));
    }
}

#[test]
fn a_definition_as_it_stands_changes_nothing() {
    on_files(|file| assert_eq!(apply_to(file, &file.before, &file.definition), file.before));
}

#[test]
fn only_the_edited_definition_changes() {
    on_files(|file| assert_eq!(apply_to(file, &file.before, &file.edit), file.after));
}

#[test]
fn an_edit_applied_twice_changes_nothing_more() {
    on_files(|file| {
        let once = apply_to(file, &file.before, &file.edit);
        assert_eq!(apply_to(file, &once, &file.edit), once);
    });
}

#[test]
fn an_indented_edit_is_the_same_edit() {
    on_files(|file| {
        let indented: String = file.edit.lines().map(|line| format!("        {line}\n")).collect();
        // Where the file has tabs, eight blanks are no indentation of its kind.
        if !file.before.contains('\t') {
            assert_eq!(apply_to(file, &file.before, &indented), file.after);
        }
    });
}
