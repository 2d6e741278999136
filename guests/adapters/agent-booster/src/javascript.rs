//! What the package's JavaScript does with strings and numbers.

use serde_json::Value;

/// Whether the package takes an edit for a wish and not for code.
pub(crate) fn is_vague(edit: &str) -> bool {
    const PHRASES: [&str; 14] = [
        "make it better",
        "improve",
        "optimize",
        "fix",
        "refactor",
        "add feature",
        "implement",
        "create",
        "design",
        "build",
        "handle",
        "manage",
        "process",
        "support",
    ];
    const CODE: [&str; 4] = ["{", "function", "const", "class"];
    if edit.chars().all(is_blank) {
        return true;
    }
    let small = edit.to_lowercase();
    let wish = PHRASES.iter().any(|phrase| small.contains(phrase));
    wish && !CODE.iter().any(|word| edit.contains(word))
}

/// What `trim` takes away (ECMAScript: WhiteSpace and LineTerminator).
fn is_blank(c: char) -> bool {
    matches!(
        c,
        '\t' | '\n' | '\u{b}' | '\u{c}' | '\r' | ' ' | '\u{a0}' | '\u{1680}' | '\u{2000}'
            ..='\u{200a}' | '\u{2028}' | '\u{2029}' | '\u{202f}' | '\u{205f}' | '\u{3000}' | '\u{feff}'
    )
}

/// What a string becomes where WebAssembly wants an `i32`: names become 0, digits their number.
pub(crate) fn to_int32(text: &str) -> i32 {
    let text = text.trim_matches(is_blank);
    let number = match text.parse::<f64>() {
        // Rust also reads `inf` and `nan`, which are no numbers in JavaScript.
        Ok(number) if number.is_finite() && !text.contains(['n', 'N']) => number,
        _ => return 0,
    };
    // Modulo 2³², as ECMAScript's ToInt32 defines it; the cast keeps the low bits of what is exact here.
    (number.trunc() % 4_294_967_296.0) as i64 as i32
}

/// A number as `JSON.stringify` writes it: whole numbers have no fraction.
pub(crate) fn number(number: f64) -> Value {
    if number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0 {
        Value::from(number as i64)
    } else {
        Value::from(number)
    }
}
