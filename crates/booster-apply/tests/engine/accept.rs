//! Files that somebody else made are judged as the engine's own results are.

use booster_apply::{Language, Reason, Refusal, Request, accept};

fn request(code: &str) -> Request<'_> {
    Request { code, edit: "", language: None, path: Some("a.py"), format: None, min_confidence: Some(1.0) }
}

fn reason(result: Result<booster_apply::Applied, Refusal>) -> Reason {
    result.expect_err("it is refused").reason
}

#[test]
fn a_file_with_more_syntax_errors_is_refused_and_one_with_as_many_is_not() {
    let whole = "def a():\n    return 1\n";
    let broken = "def a(:\n    return 1\n";
    assert_eq!(reason(accept(&request(whole), "def a(:\n    return 2\n")), Reason::SyntaxError);
    assert_eq!(accept(&request(whole), "def a():\n    return 2\n").unwrap().language, Some(Language::Python));
    assert_eq!(
        accept(&request(broken), "def a(:\n    return 2\n").unwrap().output,
        "def a(:\n    return 2\n"
    );
    // The language is that of the request, else that of the path, else the one that the code shows.
    let named = Request { language: Some("python"), path: None, ..request(whole) };
    assert_eq!(reason(accept(&named, "def a(:\n")), Reason::SyntaxError);
    let unnamed = Request { path: None, ..request("fn main() { let x: u8 = 1; println!(\"{x}\"); }\n") };
    assert_eq!(reason(accept(&unnamed, "fn main( {\n")), Reason::SyntaxError);
    // Where there is no grammar, there is nothing to count.
    let text = Request { path: Some("notes.txt"), ..request("Dear all,\n") };
    assert_eq!(accept(&text, "Dear both,\n").unwrap().language, None);
}

#[test]
fn an_empty_file_and_the_original_are_refused() {
    let code = "x = 1\n";
    assert_eq!(reason(accept(&request(code), " \n")), Reason::EditEmpty);
    assert_eq!(reason(accept(&request(code), code)), Reason::TargetNotFound);
    let large = "x = 1\n".repeat(1_000_000);
    assert_eq!(reason(accept(&request(code), &large)), Reason::TooLarge);
}

#[test]
fn line_ends_and_untouched_lines_stay_those_of_the_original() {
    let applied = accept(&request("a = 1\r\nb = 1\r\n"), "a = 1\nb = 2\n").unwrap();
    assert_eq!(applied.output, "a = 1\r\nb = 2\r\n");
    assert_eq!(applied.edits.len(), 1);
    assert!(applied.edits[0].start >= 7, "the first line is not touched: {:?}", applied.edits);
}
