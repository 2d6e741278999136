//! The shipped rules. Each says why it keeps behaviour; the tests hold an example for each, before and after.

use super::guard::Guard::{
    self, Builtin, Comparison, FilledArguments, Identifier, InCondition, NoCall, ValueUnused,
};
use crate::language::Language::{self, C, Cpp, Go, Java, JavaScript, Python, Rust, Tsx, TypeScript};

/// A shipped rule.
#[derive(Debug)]
pub struct Rule {
    /// Its name, which begins with the language's.
    pub id: &'static str,
    /// Where it applies.
    pub languages: &'static [Language],
    /// What is searched.
    pub pattern: &'static str,
    /// The kind of node inside the pattern that is meant, where the pattern needs something around it to parse.
    pub(super) selector: Option<&'static str>,
    /// What it becomes.
    pub rewrite: &'static str,
    /// Conditions beyond the pattern.
    pub(super) guards: &'static [Guard],
    /// Whether the result binds less tightly than what it replaces.
    pub(super) loose: bool,
    /// Why it keeps behaviour.
    pub why: &'static str,
}

/// All shipped rules, in the order in which they are tried.
pub fn shipped() -> &'static [Rule] {
    RULES
}

/// A rule with neither guards nor a selector, whose result binds as tightly as what it replaces.
const PLAIN: Rule = Rule {
    id: "",
    languages: &[],
    pattern: "",
    selector: None,
    rewrite: "",
    guards: &[],
    loose: false,
    why: "",
};

const SCRIPT: &[Language] = &[JavaScript, TypeScript, Tsx];

const RULES: &[Rule] = &[
    Rule {
        id: "js-new-array",
        languages: SCRIPT,
        pattern: "new Array()",
        rewrite: "[]",
        guards: &[Builtin("Array")],
        why: "Without arguments both make an empty array; a literal needs no look-up and no call.",
        ..PLAIN
    },
    Rule {
        id: "js-conditional-to-boolean",
        languages: SCRIPT,
        pattern: "$A ? true : false",
        rewrite: "$A",
        guards: &[Comparison("A")],
        loose: true,
        why: "A comparison is `true` or `false` already.",
        ..PLAIN
    },
    Rule {
        id: "js-negated-equality",
        languages: SCRIPT,
        pattern: "!($A === $B)",
        rewrite: "$A !== $B",
        loose: true,
        why: "`!==` is defined as the negation of `===`.",
        ..PLAIN
    },
    Rule {
        id: "js-negated-inequality",
        languages: SCRIPT,
        pattern: "!($A !== $B)",
        rewrite: "$A === $B",
        loose: true,
        why: "`!==` is defined as the negation of `===`.",
        ..PLAIN
    },
    Rule {
        id: "js-negated-loose-equality",
        languages: SCRIPT,
        pattern: "!($A == $B)",
        rewrite: "$A != $B",
        loose: true,
        why: "`!=` is defined as the negation of `==`.",
        ..PLAIN
    },
    Rule {
        id: "js-condition-double-negation",
        languages: SCRIPT,
        pattern: "!!$A",
        rewrite: "$A",
        guards: &[InCondition],
        why: "A condition looks at the truth of its value only, and `!!` does not change that.",
        ..PLAIN
    },
    Rule {
        id: "js-compound-addition",
        languages: SCRIPT,
        pattern: "$A = $A + $B",
        rewrite: "$A += $B",
        guards: &[Identifier("A")],
        why: "For a plain variable, both read it, evaluate the right side, add and assign, in this order.",
        ..PLAIN
    },
    Rule {
        id: "js-if-return-boolean",
        languages: SCRIPT,
        pattern: "if ($A) { return true; } else { return false; }",
        rewrite: "return $A;",
        guards: &[Comparison("A")],
        why: "A comparison is `true` or `false` already.",
        ..PLAIN
    },
    Rule {
        id: "py-dict-literal",
        languages: &[Python],
        pattern: "dict()",
        rewrite: "{}",
        guards: &[Builtin("dict")],
        why: "Both make an empty dict; the display needs no look-up and no call.",
        ..PLAIN
    },
    Rule {
        id: "py-list-literal",
        languages: &[Python],
        pattern: "list()",
        rewrite: "[]",
        guards: &[Builtin("list")],
        why: "Both make an empty list; the display needs no look-up and no call.",
        ..PLAIN
    },
    Rule {
        id: "py-set-of-list",
        languages: &[Python],
        pattern: "set([$$$A])",
        rewrite: "{$$$A}",
        guards: &[Builtin("set"), FilledArguments],
        why: "Both evaluate the elements in order and put them into a set; the list in between is not made.",
        ..PLAIN
    },
    Rule {
        id: "py-set-of-comprehension",
        languages: &[Python],
        pattern: "set([$A for $B in $C])",
        rewrite: "{$A for $B in $C}",
        guards: &[Builtin("set")],
        why: "Both run the loop to its end and put each element into a set; the list in between is not made.",
        ..PLAIN
    },
    Rule {
        id: "py-range-from-zero",
        languages: &[Python],
        pattern: "range(0, $A)",
        rewrite: "range($A)",
        guards: &[Builtin("range")],
        why: "A range begins at zero when no beginning is given.",
        ..PLAIN
    },
    Rule {
        id: "py-not-in",
        languages: &[Python],
        pattern: "not $A in $B",
        rewrite: "$A not in $B",
        loose: true,
        why: "`not in` is defined as the negation of `in`.",
        ..PLAIN
    },
    Rule {
        id: "py-is-not",
        languages: &[Python],
        pattern: "not $A is $B",
        rewrite: "$A is not $B",
        loose: true,
        why: "`is not` is defined as the negation of `is`.",
        ..PLAIN
    },
    Rule {
        id: "py-conditional-to-not",
        languages: &[Python],
        pattern: "False if $A else True",
        rewrite: "not ($A)",
        loose: true,
        why: "Both take the truth of the condition and give its opposite.",
        ..PLAIN
    },
    Rule {
        id: "py-conditional-to-bool",
        languages: &[Python],
        pattern: "True if $A else False",
        rewrite: "bool($A)",
        guards: &[Builtin("bool")],
        why: "Both take the truth of the condition; `bool` is the built-in.",
        ..PLAIN
    },
    Rule {
        id: "rs-empty-string-from",
        languages: &[Rust],
        pattern: r#"String::from("")"#,
        rewrite: "String::new()",
        why: "Both are the empty string; `new` copies nothing and is a constant.",
        ..PLAIN
    },
    Rule {
        id: "rs-empty-to-string",
        languages: &[Rust],
        pattern: r#""".to_string()"#,
        rewrite: "String::new()",
        why: "Both are the empty string; `new` goes through no formatting.",
        ..PLAIN
    },
    Rule {
        id: "rs-empty-to-owned",
        languages: &[Rust],
        pattern: r#""".to_owned()"#,
        rewrite: "String::new()",
        why: "Both are the empty string.",
        ..PLAIN
    },
    Rule {
        id: "rs-mem-take",
        languages: &[Rust],
        pattern: "std::mem::replace($A, Default::default())",
        rewrite: "std::mem::take($A)",
        why: "`take` is defined as this replacement.",
        ..PLAIN
    },
    Rule {
        id: "rs-mem-take-vec",
        languages: &[Rust],
        pattern: "std::mem::replace($A, Vec::new())",
        rewrite: "std::mem::take($A)",
        why: "The default of a vector is the empty one.",
        ..PLAIN
    },
    Rule {
        id: "rs-mem-take-string",
        languages: &[Rust],
        pattern: "std::mem::replace($A, String::new())",
        rewrite: "std::mem::take($A)",
        why: "The default of a string is the empty one.",
        ..PLAIN
    },
    Rule {
        id: "rs-iter-find",
        languages: &[Rust],
        pattern: "$A.iter().filter($P).next()",
        rewrite: "$A.iter().find($P)",
        why: "`find` is defined as the first element that the filter lets through; both stop there.",
        ..PLAIN
    },
    Rule {
        id: "rs-iter-nth",
        languages: &[Rust],
        pattern: "$A.iter().skip($N).next()",
        rewrite: "$A.iter().nth($N)",
        why: "`nth` passes over as many elements and gives the next; slices and vectors jump there.",
        ..PLAIN
    },
    Rule {
        id: "rs-if-to-bool",
        languages: &[Rust],
        pattern: "if $A { true } else { false }",
        rewrite: "$A",
        guards: &[NoCall("A")],
        loose: true,
        why: "A condition is a `bool` already. Conditions with calls are left alone: their temporaries would live longer.",
        ..PLAIN
    },
    Rule {
        id: "go-range-without-value",
        languages: &[Go],
        pattern: "for $A, _ := range $B {}",
        rewrite: "$A := range $B",
        selector: Some("range_clause"),
        why: "A second variable that is `_` may be left out.",
        ..PLAIN
    },
    Rule {
        id: "go-range-without-variables",
        languages: &[Go],
        pattern: "for _ = range $B {}",
        rewrite: "range $B",
        selector: Some("range_clause"),
        why: "Variables that are `_` may be left out.",
        ..PLAIN
    },
    Rule {
        id: "go-replace-all",
        languages: &[Go],
        pattern: "strings.Replace($A, $B, $C, -1)",
        rewrite: "strings.ReplaceAll($A, $B, $C)",
        why: "`ReplaceAll` is documented as `Replace` without a limit (Go 1.12).",
        ..PLAIN
    },
    Rule {
        id: "go-time-since",
        languages: &[Go],
        pattern: "time.Now().Sub($A)",
        rewrite: "time.Since($A)",
        why: "`Since` is documented as shorthand for this; it reads the monotonic clock only.",
        ..PLAIN
    },
    Rule {
        id: "go-bytes-equal",
        languages: &[Go],
        pattern: "bytes.Compare($A, $B) == 0",
        rewrite: "bytes.Equal($A, $B)",
        why: "Both say whether length and bytes are the same; `Equal` looks at the lengths first.",
        ..PLAIN
    },
    Rule {
        id: "go-strings-contains",
        languages: &[Go],
        pattern: "strings.Index($A, $B) >= 0",
        rewrite: "strings.Contains($A, $B)",
        why: "`Contains` is defined as this comparison.",
        ..PLAIN
    },
    Rule {
        id: "go-strings-contains-not-equal",
        languages: &[Go],
        pattern: "strings.Index($A, $B) != -1",
        rewrite: "strings.Contains($A, $B)",
        why: "`Index` is never less than -1, so this is what `Contains` is defined as.",
        ..PLAIN
    },
    Rule {
        id: "go-slice-from-zero",
        languages: &[Go],
        pattern: "$A[0:$N]",
        rewrite: "$A[:$N]",
        why: "A missing low bound is zero.",
        ..PLAIN
    },
    Rule {
        id: "go-slice-to-end",
        languages: &[Go],
        pattern: "$A[$N:len($A)]",
        rewrite: "$A[$N:]",
        guards: &[Identifier("A"), Builtin("len")],
        why: "A missing high bound is the length. The operand is a plain variable and `len` the built-in.",
        ..PLAIN
    },
    Rule {
        id: "go-negated-equality",
        languages: &[Go],
        pattern: "!($A == $B)",
        rewrite: "$A != $B",
        loose: true,
        why: "`!=` is the negation of `==` for every type.",
        ..PLAIN
    },
    Rule {
        id: "go-condition-true",
        languages: &[Go],
        pattern: "$A == true",
        rewrite: "$A",
        guards: &[InCondition, Builtin("true")],
        why: "A condition of a boolean type needs no comparison.",
        ..PLAIN
    },
    Rule {
        id: "java-conditional-to-boolean",
        languages: &[Java],
        pattern: "$A ? true : false",
        rewrite: "$A",
        guards: &[Comparison("A")],
        loose: true,
        why: "A comparison is a primitive `boolean` already.",
        ..PLAIN
    },
    Rule {
        id: "java-negated-equality",
        languages: &[Java],
        pattern: "!($A == $B)",
        rewrite: "$A != $B",
        loose: true,
        why: "`!=` is the negation of `==` for every type.",
        ..PLAIN
    },
    Rule {
        id: "java-negated-inequality",
        languages: &[Java],
        pattern: "!($A != $B)",
        rewrite: "$A == $B",
        loose: true,
        why: "`!=` is the negation of `==` for every type.",
        ..PLAIN
    },
    Rule {
        id: "java-boolean-true",
        languages: &[Java],
        pattern: "Boolean.valueOf(true)",
        rewrite: "Boolean.TRUE",
        why: "`valueOf` is documented to return this very object.",
        ..PLAIN
    },
    Rule {
        id: "java-boolean-false",
        languages: &[Java],
        pattern: "Boolean.valueOf(false)",
        rewrite: "Boolean.FALSE",
        why: "`valueOf` is documented to return this very object.",
        ..PLAIN
    },
    Rule {
        id: "java-integer-value-of",
        languages: &[Java],
        pattern: "Integer.valueOf(Integer.parseInt($A))",
        rewrite: "Integer.valueOf($A)",
        why: "`valueOf` of a string is documented as this composition.",
        ..PLAIN
    },
    Rule {
        id: "java-to-array-of-zero",
        languages: &[Java],
        pattern: "$L.toArray(new $T[$L.size()])",
        rewrite: "$L.toArray(new $T[0])",
        guards: &[Identifier("L")],
        why: "`toArray` makes an array of the right length when the given one is too short; the JVM need not clear the first.",
        ..PLAIN
    },
    Rule {
        id: "java-if-return-boolean",
        languages: &[Java],
        pattern: "if ($A) { return true; } else { return false; }",
        rewrite: "return $A;",
        guards: &[Comparison("A")],
        why: "A comparison is a primitive `boolean` already.",
        ..PLAIN
    },
    Rule {
        id: "c-strlen-zero",
        languages: &[C, Cpp],
        pattern: "strlen($S) == 0",
        rewrite: r#"$S[0] == '\0'"#,
        guards: &[Identifier("S")],
        loose: true,
        why: "The length is zero exactly when the first byte ends the string; the rest is not read.",
        ..PLAIN
    },
    Rule {
        id: "c-strlen-not-zero",
        languages: &[C, Cpp],
        pattern: "strlen($S) != 0",
        rewrite: r#"$S[0] != '\0'"#,
        guards: &[Identifier("S")],
        loose: true,
        why: "The length is zero exactly when the first byte ends the string; the rest is not read.",
        ..PLAIN
    },
    Rule {
        id: "c-strlen-positive",
        languages: &[C, Cpp],
        pattern: "strlen($S) > 0",
        rewrite: r#"$S[0] != '\0'"#,
        guards: &[Identifier("S")],
        loose: true,
        why: "The length is unsigned, so it is positive exactly when the first byte does not end the string.",
        ..PLAIN
    },
    Rule {
        id: "c-negated-equality",
        languages: &[C],
        pattern: "!($A == $B)",
        rewrite: "$A != $B",
        loose: true,
        why: "`!=` is the negation of `==` for every type of C. In C++ the two may be overloaded apart.",
        ..PLAIN
    },
    Rule {
        id: "c-arrow",
        languages: &[C],
        pattern: "(*$A).$B",
        rewrite: "$A->$B",
        guards: &[Identifier("A")],
        why: "`->` is defined as this.",
        ..PLAIN
    },
    Rule {
        id: "c-compound-addition",
        languages: &[C],
        pattern: "$A = $A + $B",
        rewrite: "$A += $B",
        guards: &[Identifier("A")],
        why: "For a plain variable both read it once, add, convert and assign.",
        ..PLAIN
    },
    Rule {
        id: "c-conditional-to-int",
        languages: &[C],
        pattern: "$A ? 1 : 0",
        rewrite: "$A",
        guards: &[Comparison("A")],
        loose: true,
        why: "A comparison has type `int` and is 1 or 0 already.",
        ..PLAIN
    },
    Rule {
        id: "c-if-return-int",
        languages: &[C],
        pattern: "if ($A) { return 1; } else { return 0; }",
        rewrite: "return $A;",
        guards: &[Comparison("A")],
        why: "A comparison has type `int` and is 1 or 0 already.",
        ..PLAIN
    },
    Rule {
        id: "cpp-conditional-to-bool",
        languages: &[Cpp],
        pattern: "$A ? true : false",
        rewrite: "static_cast<bool>($A)",
        why: "The condition is converted to `bool` in the same way, operators of its own type included.",
        ..PLAIN
    },
    Rule {
        id: "cpp-conditional-to-not",
        languages: &[Cpp],
        pattern: "$A ? false : true",
        rewrite: "!static_cast<bool>($A)",
        why: "The condition is converted to `bool` in the same way and then negated.",
        ..PLAIN
    },
    Rule {
        id: "cpp-make-unique",
        languages: &[Cpp],
        pattern: "auto x = std::unique_ptr<$T>(new $T($$$A));",
        rewrite: "std::make_unique<$T>($$$A)",
        selector: Some("call_expression"),
        why: "`make_unique` is specified as this expression (C++14).",
        ..PLAIN
    },
    Rule {
        id: "cpp-prefix-increment",
        languages: &[Cpp],
        pattern: "$I++",
        rewrite: "++$I",
        guards: &[Identifier("I"), ValueUnused],
        why: "Where the value is not used both do the same: for built-in types by definition, for iterators by their requirements. The prefix form makes no copy.",
        ..PLAIN
    },
];
