//! Every shipped rule with the code before and after it, what it must leave alone, and the caller's own rules.

use std::collections::HashSet;

use booster_code::rewrite::{rewrite_json, shipped};
use serde_json::{Value, json};

fn rewrite(input: Value) -> Result<Value, Value> {
    let read = |text: String| serde_json::from_str(&text).expect("the answer is JSON");
    rewrite_json(&input.to_string()).map(read).map_err(read)
}

/// The output of all shipped rules of a language, or of one.
#[track_caller]
fn output(language: &str, rule: Option<&str>, code: &str) -> String {
    let input = json!({ "code": code, "language": language, "rules": rule.map(|rule| [rule]) });
    let answer = rewrite(input).unwrap_or_else(|refusal| panic!("refused: {refusal}"));
    answer["output"].as_str().expect("a text").to_owned()
}

/// Rule, language, before, after.
const EXAMPLES: &[(&str, &str, &str, &str)] = &[
    ("js-new-array", "javascript", "const a = new Array();\n", "const a = [];\n"),
    ("js-conditional-to-boolean", "javascript", "const b = x > 1 ? true : false;\n", "const b = x > 1;\n"),
    ("js-conditional-to-boolean", "typescript", "f(!(x > 1 ? true : false) && y);\n", "f(!(x > 1) && y);\n"),
    ("js-negated-equality", "javascript", "if (!(a === b)) f();\n", "if (a !== b) f();\n"),
    ("js-negated-equality", "javascript", "const n = !(a === b) + 1;\n", "const n = (a !== b) + 1;\n"),
    (
        "js-negated-inequality",
        "tsx",
        "const e = <p>{f(!(a !== b))}</p>;\n",
        "const e = <p>{f(a === b)}</p>;\n",
    ),
    ("js-negated-loose-equality", "javascript", "return_(!(a == null));\n", "return_(a != null);\n"),
    ("js-condition-double-negation", "javascript", "while (!!next) step();\n", "while (next) step();\n"),
    ("js-compound-addition", "javascript", "total = total + price;\n", "total += price;\n"),
    (
        "js-if-return-boolean",
        "javascript",
        "function f(a) {\n  if (a > 1) { return true; } else { return false; }\n}\n",
        "function f(a) {\n  return a > 1;\n}\n",
    ),
    ("py-dict-literal", "python", "d = dict()\n", "d = {}\n"),
    ("py-list-literal", "python", "xs = f(list())\n", "xs = f([])\n"),
    ("py-set-of-list", "python", "s = set([1, 2])\n", "s = {1, 2}\n"),
    ("py-set-of-comprehension", "python", "s = set([x.id for x in xs])\n", "s = {x.id for x in xs}\n"),
    ("py-range-from-zero", "python", "for i in range(0, n):\n    pass\n", "for i in range(n):\n    pass\n"),
    ("py-not-in", "python", "if not a in b:\n    pass\n", "if a not in b:\n    pass\n"),
    ("py-is-not", "python", "x = not a is None\n", "x = a is not None\n"),
    ("py-conditional-to-not", "python", "x = False if a or b else True\n", "x = not (a or b)\n"),
    ("py-conditional-to-bool", "python", "x = True if a else False\n", "x = bool(a)\n"),
    (
        "rs-empty-string-from",
        "rust",
        "fn f() -> String {\n    String::from(\"\")\n}\n",
        "fn f() -> String {\n    String::new()\n}\n",
    ),
    (
        "rs-empty-to-string",
        "rust",
        "fn f() {\n    g(\"\".to_string());\n}\n",
        "fn f() {\n    g(String::new());\n}\n",
    ),
    (
        "rs-empty-to-owned",
        "rust",
        "fn f() {\n    g(\"\".to_owned());\n}\n",
        "fn f() {\n    g(String::new());\n}\n",
    ),
    (
        "rs-mem-take",
        "rust",
        "fn f(a: &mut A) {\n    let b = std::mem::replace(&mut a.b, Default::default());\n}\n",
        "fn f(a: &mut A) {\n    let b = std::mem::take(&mut a.b);\n}\n",
    ),
    (
        "rs-mem-take-vec",
        "rust",
        "fn f(a: &mut Vec<u8>) {\n    g(std::mem::replace(a, Vec::new()));\n}\n",
        "fn f(a: &mut Vec<u8>) {\n    g(std::mem::take(a));\n}\n",
    ),
    (
        "rs-mem-take-string",
        "rust",
        "fn f(a: &mut String) {\n    g(std::mem::replace(a, String::new()));\n}\n",
        "fn f(a: &mut String) {\n    g(std::mem::take(a));\n}\n",
    ),
    (
        "rs-iter-find",
        "rust",
        "fn f(a: &[u8]) -> Option<&u8> {\n    a.iter().filter(|x| **x > 1).next()\n}\n",
        "fn f(a: &[u8]) -> Option<&u8> {\n    a.iter().find(|x| **x > 1)\n}\n",
    ),
    (
        "rs-iter-nth",
        "rust",
        "fn f(a: &[u8]) -> Option<&u8> {\n    a.iter().skip(2).next()\n}\n",
        "fn f(a: &[u8]) -> Option<&u8> {\n    a.iter().nth(2)\n}\n",
    ),
    (
        "rs-if-to-bool",
        "rust",
        "fn f(a: u8) -> bool {\n    let b = if a > 1 { true } else { false };\n    b\n}\n",
        "fn f(a: u8) -> bool {\n    let b = a > 1;\n    b\n}\n",
    ),
    (
        "go-range-without-value",
        "go",
        "package p\n\nfunc f(xs []int) {\n\tfor i, _ := range xs {\n\t\tg(i)\n\t}\n}\n",
        "package p\n\nfunc f(xs []int) {\n\tfor i := range xs {\n\t\tg(i)\n\t}\n}\n",
    ),
    (
        "go-range-without-variables",
        "go",
        "package p\n\nfunc f(xs []int) {\n\tfor _ = range xs {\n\t\tg()\n\t}\n}\n",
        "package p\n\nfunc f(xs []int) {\n\tfor range xs {\n\t\tg()\n\t}\n}\n",
    ),
    (
        "go-replace-all",
        "go",
        "package p\n\nvar a = strings.Replace(s, \"x\", \"y\", -1)\n",
        "package p\n\nvar a = strings.ReplaceAll(s, \"x\", \"y\")\n",
    ),
    (
        "go-time-since",
        "go",
        "package p\n\nfunc f() {\n\td := time.Now().Sub(start)\n\tg(d)\n}\n",
        "package p\n\nfunc f() {\n\td := time.Since(start)\n\tg(d)\n}\n",
    ),
    (
        "go-bytes-equal",
        "go",
        "package p\n\nfunc f() bool {\n\treturn bytes.Compare(a, b) == 0\n}\n",
        "package p\n\nfunc f() bool {\n\treturn bytes.Equal(a, b)\n}\n",
    ),
    (
        "go-strings-contains",
        "go",
        "package p\n\nfunc f() bool {\n\treturn strings.Index(a, b) >= 0\n}\n",
        "package p\n\nfunc f() bool {\n\treturn strings.Contains(a, b)\n}\n",
    ),
    (
        "go-strings-contains-not-equal",
        "go",
        "package p\n\nfunc f() bool {\n\treturn strings.Index(a, b) != -1\n}\n",
        "package p\n\nfunc f() bool {\n\treturn strings.Contains(a, b)\n}\n",
    ),
    ("go-slice-from-zero", "go", "package p\n\nvar a = xs[0:n]\n", "package p\n\nvar a = xs[:n]\n"),
    ("go-slice-to-end", "go", "package p\n\nvar a = xs[1:len(xs)]\n", "package p\n\nvar a = xs[1:]\n"),
    (
        "go-negated-equality",
        "go",
        "package p\n\nfunc f() bool {\n\treturn !(a == b)\n}\n",
        "package p\n\nfunc f() bool {\n\treturn a != b\n}\n",
    ),
    (
        "go-condition-true",
        "go",
        "package p\n\nfunc f() {\n\tif ok == true {\n\t\tg()\n\t}\n}\n",
        "package p\n\nfunc f() {\n\tif ok {\n\t\tg()\n\t}\n}\n",
    ),
    (
        "java-conditional-to-boolean",
        "java",
        "class A {\n  boolean f(int a) {\n    return a > 1 ? true : false;\n  }\n}\n",
        "class A {\n  boolean f(int a) {\n    return a > 1;\n  }\n}\n",
    ),
    (
        "java-negated-equality",
        "java",
        "class A {\n  boolean f(int a) {\n    return !(a == 1) && b;\n  }\n}\n",
        "class A {\n  boolean f(int a) {\n    return a != 1 && b;\n  }\n}\n",
    ),
    (
        "java-negated-inequality",
        "java",
        "class A {\n  boolean f(int a) {\n    return !(a != 1);\n  }\n}\n",
        "class A {\n  boolean f(int a) {\n    return a == 1;\n  }\n}\n",
    ),
    (
        "java-boolean-true",
        "java",
        "class A {\n  Boolean f() {\n    return Boolean.valueOf(true);\n  }\n}\n",
        "class A {\n  Boolean f() {\n    return Boolean.TRUE;\n  }\n}\n",
    ),
    (
        "java-boolean-false",
        "java",
        "class A {\n  Boolean f() {\n    return Boolean.valueOf(false);\n  }\n}\n",
        "class A {\n  Boolean f() {\n    return Boolean.FALSE;\n  }\n}\n",
    ),
    (
        "java-integer-value-of",
        "java",
        "class A {\n  Integer f(String s) {\n    return Integer.valueOf(Integer.parseInt(s));\n  }\n}\n",
        "class A {\n  Integer f(String s) {\n    return Integer.valueOf(s);\n  }\n}\n",
    ),
    (
        "java-to-array-of-zero",
        "java",
        "class A {\n  String[] f(List<String> xs) {\n    return xs.toArray(new String[xs.size()]);\n  }\n}\n",
        "class A {\n  String[] f(List<String> xs) {\n    return xs.toArray(new String[0]);\n  }\n}\n",
    ),
    (
        "java-if-return-boolean",
        "java",
        "class A {\n  boolean f(int a) {\n    if (a > 1) { return true; } else { return false; }\n  }\n}\n",
        "class A {\n  boolean f(int a) {\n    return a > 1;\n  }\n}\n",
    ),
    (
        "c-strlen-zero",
        "c",
        "int f(const char *s) {\n  return strlen(s) == 0;\n}\n",
        "int f(const char *s) {\n  return s[0] == '\\0';\n}\n",
    ),
    (
        "c-strlen-not-zero",
        "cpp",
        "bool f(const char *s) {\n  return strlen(s) != 0;\n}\n",
        "bool f(const char *s) {\n  return s[0] != '\\0';\n}\n",
    ),
    (
        "c-strlen-positive",
        "c",
        "int f(const char *s) {\n  while (strlen(s) > 0) { s++; }\n  return 0;\n}\n",
        "int f(const char *s) {\n  while (s[0] != '\\0') { s++; }\n  return 0;\n}\n",
    ),
    (
        "c-negated-equality",
        "c",
        "int f(int a, int b) {\n  return !(a == b);\n}\n",
        "int f(int a, int b) {\n  return a != b;\n}\n",
    ),
    (
        "c-arrow",
        "c",
        "int f(struct p *a) {\n  return (*a).x;\n}\n",
        "int f(struct p *a) {\n  return a->x;\n}\n",
    ),
    (
        "c-compound-addition",
        "c",
        "int f(int a) {\n  a = a + 2;\n  return a;\n}\n",
        "int f(int a) {\n  a += 2;\n  return a;\n}\n",
    ),
    (
        "c-conditional-to-int",
        "c",
        "int f(int a) {\n  return a > 1 ? 1 : 0;\n}\n",
        "int f(int a) {\n  return a > 1;\n}\n",
    ),
    (
        "c-if-return-int",
        "c",
        "int f(int a) {\n  if (a > 1) { return 1; } else { return 0; }\n}\n",
        "int f(int a) {\n  return a > 1;\n}\n",
    ),
    (
        "cpp-conditional-to-bool",
        "cpp",
        "bool f(P p) {\n  return p ? true : false;\n}\n",
        "bool f(P p) {\n  return static_cast<bool>(p);\n}\n",
    ),
    (
        "cpp-conditional-to-not",
        "cpp",
        "bool f(P p) {\n  return p ? false : true;\n}\n",
        "bool f(P p) {\n  return !static_cast<bool>(p);\n}\n",
    ),
    (
        "cpp-make-unique",
        "cpp",
        "void f() {\n  auto p = std::unique_ptr<Node>(new Node(1, 2));\n}\n",
        "void f() {\n  auto p = std::make_unique<Node>(1, 2);\n}\n",
    ),
    (
        "cpp-prefix-increment",
        "cpp",
        "void f(V& v) {\n  for (auto it = v.begin(); it != v.end(); it++) {\n    g(it);\n  }\n}\n",
        "void f(V& v) {\n  for (auto it = v.begin(); it != v.end(); ++it) {\n    g(it);\n  }\n}\n",
    ),
];

/// Language, and code that all rules together must leave as it is.
const UNCHANGED: &[(&str, &str)] = &[
    // Arguments, and a name with another meaning.
    ("javascript", "const a = new Array(3);\n"),
    ("javascript", "import Array from './array.js';\nconst a = new Array();\n"),
    // Not a comparison, so not a truth value; a value that is used; a place with effects; a comment.
    ("javascript", "const b = x ? true : false;\n"),
    ("javascript", "const b = !!x;\n"),
    ("javascript", "a[i++] = a[i++] + 1;\n"),
    ("javascript", "if (!(a === b /* why */)) f();\n"),
    ("javascript", "total = other + price;\n"),
    ("python", "def dict():\n    pass\nd = dict()\n"),
    ("python", "def f(list):\n    return list()\n"),
    ("python", "d = dict(a=1)\ns = set([])\nt = set(xs)\nr = range(1, n)\n"),
    ("python", "from numpy import bool\nx = True if a else False\n"),
    ("python", "x = not a\ny = a not in b\nz = not a in b in c\n"),
    ("rust", "fn f() {\n    let a = String::from(\"a\");\n    let b = std::mem::replace(&mut c, d);\n}\n"),
    ("rust", "fn f() -> bool {\n    if lock().is_ok() { true } else { false }\n}\n"),
    ("rust", "fn f(s: S) {\n    s.filter(p).next();\n}\n"),
    (
        "go",
        "package p\n\nfunc f() {\n\tvar b = ok == true\n\ta := strings.Replace(s, x, y, 1)\n\tfor i, x := range xs {\n\t\tg(i, x)\n\t}\n}\n",
    ),
    ("go", "package p\n\nvar a = f()[1:len(f())]\n"),
    ("java", "class A {\n  Object f(Boolean a) {\n    return a ? true : false;\n  }\n}\n"),
    ("java", "class A {\n  Object[] f() {\n    return g().toArray(new String[g().size()]);\n  }\n}\n"),
    ("c", "int f(int a) {\n  return a ? 1 : 0;\n}\n"),
    ("c", "int f(void) {\n  return strlen(g()) == 0;\n}\n"),
    ("cpp", "bool f(A a, A b) {\n  return !(a == b);\n}\n"),
    ("cpp", "int f(int i) {\n  int j = i++;\n  return j;\n}\n"),
];

#[test]
fn every_shipped_rule_has_an_example_and_does_what_it_says() {
    let mut shown = HashSet::new();
    for (rule, language, before, after) in EXAMPLES {
        shown.insert(*rule);
        assert_eq!(output(language, Some(rule), before), *after, "{rule} in {language}");
        // All rules together end at the same text, and it stays.
        assert_eq!(output(language, None, after), *after, "{rule} in {language}, again");
    }
    let all: HashSet<&str> = shipped().iter().map(|rule| rule.id).collect();
    let missing: Vec<&&str> = all.difference(&shown).collect();
    assert!(missing.is_empty(), "rules without an example: {missing:?}");
    assert_eq!(all.len(), shipped().len(), "two rules have one name");
}

#[test]
fn what_a_rule_does_not_surely_keep_is_left_alone() {
    for (language, code) in UNCHANGED {
        assert_eq!(output(language, None, code), *code, "{language}");
    }
}

#[test]
fn inner_matches_follow_in_a_later_pass() {
    let answer =
        rewrite(json!({ "language": "javascript", "code": "f(!(a === !(b === c)));\n" })).expect("done");
    assert_eq!(answer["output"], "f(a !== (b !== c));\n");
    assert_eq!(answer["replacements"], 2);
    assert_eq!(answer["changes"][0]["rule"], "js-negated-equality");
}

#[test]
fn the_callers_rules_run_once_under_their_conditions() {
    let answer = rewrite(json!({
        "language": "python",
        "code": "import log\n\nlog.debug(x)\nlog.info(log.debug(y))\n",
        "rules": [],
        "own": [{
            "id": "no-debug",
            "pattern": "log.$LEVEL($$$ARGS)",
            "rewrite": "log.at(\"$LEVEL\", $$$ARGS)",
            "where": { "LEVEL": "^(debug|trace)$" }
        }]
    }));
    let answer = answer.expect("done");
    assert_eq!(answer["output"], "import log\n\nlog.at(\"debug\", x)\nlog.info(log.at(\"debug\", y))\n");
    assert_eq!(answer["replacements"], 2);
    assert_eq!(
        answer["changes"][1],
        json!({ "rule": "no-debug", "line": 4, "before": "log.debug(y)", "after": "log.at(\"debug\", y)" })
    );
    let diff = answer["diff"].as_str().expect("a text");
    assert!(diff.contains("\n-log.debug(x)\n") && diff.contains("\n+log.at(\"debug\", x)\n"), "{diff}");
    // A rule whose result matches again runs once all the same.
    let answer = rewrite(json!({
        "language": "rust", "code": "fn f() { g(1); }\n", "rules": [],
        "own": [{ "pattern": "g($A)", "rewrite": "g(g($A))" }]
    }));
    assert_eq!(answer.expect("done")["output"], "fn f() { g(g(1)); }\n");
    let answer = rewrite(json!({
        "language": "go", "code": "package p\n\nfunc f() {\n\tdefer g()\n}\n", "rules": [],
        "own": [{ "pattern": "func x() { defer $A }", "selector": "defer_statement", "rewrite": "defer done($A)" }]
    }));
    assert_eq!(answer.expect("done")["output"], "package p\n\nfunc f() {\n\tdefer done(g())\n}\n");
}

#[test]
fn wrong_input_is_refused_with_its_reason() {
    let own = |rule: Value| json!({ "code": "a()\n", "language": "python", "own": [rule] });
    for (input, reason) in [
        (json!([]), "invalid_input"),
        (json!({ "language": "python" }), "invalid_input"),
        (json!({ "code": "", "language": "python", "rules": "all" }), "invalid_input"),
        (json!({ "code": "", "language": "python", "rules": ["js-new-array"] }), "rule_invalid"),
        (json!({ "code": "", "language": "cobol" }), "language_unknown"),
        (own(json!("x")), "invalid_input"),
        (own(json!({ "pattern": "a()" })), "rule_invalid"),
        (own(json!({ "pattern": "$A", "rewrite": "b" })), "rule_invalid"),
        (own(json!({ "pattern": "", "rewrite": "b" })), "rule_invalid"),
        (own(json!({ "pattern": "a(", "rewrite": "b" })), "rule_invalid"),
        (own(json!({ "pattern": "a($A)", "rewrite": "b($B)" })), "rule_invalid"),
        (own(json!({ "pattern": "a($A)", "rewrite": "b", "where": { "B": "x" } })), "rule_invalid"),
        (own(json!({ "pattern": "a($A)", "rewrite": "b", "where": { "A": "(" } })), "rule_invalid"),
        (own(json!({ "pattern": "a($A)", "rewrite": "b", "selector": "nothing" })), "rule_invalid"),
        (own(json!({ "pattern": "a()", "rewrite": "x".repeat(1001) })), "rule_invalid"),
        // The result would not parse.
        (own(json!({ "pattern": "a()", "rewrite": "b((" })), "syntax_error"),
    ] {
        let refusal = rewrite(input.clone()).expect_err(&input.to_string());
        assert_eq!(
            (&refusal["reason"], &refusal["success"]),
            (&json!(reason), &json!(false)),
            "{input} {refusal}"
        );
    }
    let deep =
        json!({ "code": format!("x = {}1{}\n", "(".repeat(2000), ")".repeat(2000)), "language": "python" });
    assert_eq!(rewrite(deep).expect_err("too deep")["reason"], "too_large");
}
