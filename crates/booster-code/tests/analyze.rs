//! Measures of small functions, each computed by hand; the sum is written beside it.

use booster_code::analyze::analyze_json;
use serde_json::{Value, json};

fn analyze(language: &str, code: &str) -> Value {
    let input = json!({ "language": language, "code": code }).to_string();
    serde_json::from_str(&analyze_json(&input).expect("the code is measured")).expect("the report is JSON")
}

/// Finds one function of a report.
fn function<'a>(report: &'a Value, name: &str) -> &'a Value {
    let functions = report["functions"].as_array().expect("a list of functions");
    let names: Vec<&Value> = functions.iter().map(|function| &function["name"]).collect();
    functions.iter().find(|f| f["name"] == name).unwrap_or_else(|| panic!("no `{name}` among {names:?}"))
}

/// Checks cyclomatic and cognitive complexity, nesting and loop depth.
#[track_caller]
fn check(language: &str, code: &str, name: &str, measures: [u64; 4]) {
    let report = analyze(language, code);
    let found = function(&report, name);
    let fields = ["cyclomatic", "cognitive", "nesting", "loopDepth"];
    let values = fields.map(|field| found[field].as_u64().expect("a number"));
    assert_eq!(values, measures, "{name}: {fields:?}\n{found:#}");
    assert_eq!(report["syntaxErrors"], 0);
}

#[test]
fn nested_loops_with_a_labelled_jump() {
    // Cyclomatic: 1 + outer loop + inner loop + if = 4.
    // Cognitive: loop 1, loop in loop 2, if in both 3, jump to a label 1 = 7.
    let java = "class Primes {\n  int sum(int max) {\n    int total = 0;\n    outer:\n    for (int i = 2; i <= max; i++) {\n      for (int j = 2; j < i; j++) {\n        if (i % j == 0) {\n          continue outer;\n        }\n      }\n      total += i;\n    }\n    return total;\n  }\n}\n";
    check("java", java, "Primes.sum", [4, 7, 3, 2]);
    let rust = "fn sum(max: u32) -> u32 {\n    let mut total = 0;\n    'outer: for i in 2..=max {\n        for j in 2..i {\n            if i % j == 0 {\n                continue 'outer;\n            }\n        }\n        total += i;\n    }\n    total\n}\n";
    check("rust", rust, "sum", [4, 7, 3, 2]);
    let go = "package p\n\nfunc sum(max int) int {\n\ttotal := 0\nouter:\n\tfor i := 2; i <= max; i++ {\n\t\tfor j := 2; j < i; j++ {\n\t\t\tif i%j == 0 {\n\t\t\t\tcontinue outer\n\t\t\t}\n\t\t}\n\t\ttotal += i\n\t}\n\treturn total\n}\n";
    check("go", go, "sum", [4, 7, 3, 2]);
    let javascript = "function sum(max) {\n  let total = 0;\n  outer: for (let i = 2; i <= max; i++) {\n    for (let j = 2; j < i; j++) {\n      if (i % j === 0) continue outer;\n    }\n    total += i;\n  }\n  return total;\n}\n";
    check("javascript", javascript, "sum", [4, 7, 3, 2]);
    // C has `goto` for it: the same sum.
    let c = "int sum(int max) {\n  int total = 0;\n  for (int i = 2; i <= max; i++) {\n    for (int j = 2; j < i; j++) {\n      if (i % j == 0) {\n        goto next;\n      }\n    }\n    total += i;\nnext:;\n  }\n  return total;\n}\n";
    check("c", c, "sum", [4, 7, 3, 2]);
    check("cpp", c, "sum", [4, 7, 3, 2]);
}

#[test]
fn a_switch_is_one_break_and_many_decisions() {
    // Cyclomatic: 1 + three cases = 4. Cognitive: the switch, 1.
    let javascript = "function word(n) {\n  switch (n) {\n    case 1: return 'one';\n    case 2: return 'a couple';\n    case 3: return 'a few';\n    default: return 'lots';\n  }\n}\n";
    check("javascript", javascript, "word", [4, 1, 1, 0]);
    check("typescript", javascript, "word", [4, 1, 1, 0]);
    let java = "class W {\n  String word(int n) {\n    switch (n) {\n      case 1: return \"one\";\n      case 2: return \"a couple\";\n      case 3: return \"a few\";\n      default: return \"lots\";\n    }\n  }\n}\n";
    check("java", java, "W.word", [4, 1, 1, 0]);
    let rust = "fn word(n: u8) -> &'static str {\n    match n {\n        1 => \"one\",\n        2 => \"a couple\",\n        3 => \"a few\",\n        _ => \"lots\",\n    }\n}\n";
    check("rust", rust, "word", [4, 1, 1, 0]);
    let python = "def word(n):\n    match n:\n        case 1:\n            return 'one'\n        case 2:\n            return 'a couple'\n        case 3:\n            return 'a few'\n        case _:\n            return 'lots'\n";
    check("python", python, "word", [4, 1, 1, 0]);
    let go = "package p\n\nfunc word(n int) string {\n\tswitch n {\n\tcase 1:\n\t\treturn \"one\"\n\tcase 2:\n\t\treturn \"a couple\"\n\tcase 3:\n\t\treturn \"a few\"\n\tdefault:\n\t\treturn \"lots\"\n\t}\n}\n";
    check("go", go, "word", [4, 1, 1, 0]);
    let c = "const char *word(int n) {\n  switch (n) {\n    case 1: return \"one\";\n    case 2: return \"a couple\";\n    case 3: return \"a few\";\n    default: return \"lots\";\n  }\n}\n";
    check("c", c, "word", [4, 1, 1, 0]);
    check("cpp", c, "word", [4, 1, 1, 0]);
}

#[test]
fn else_and_else_if_cost_one_each_however_deep() {
    // Cyclomatic: 1 + loop + if + else if = 4. Cognitive: loop 1, if in it 2, else if 1, else 1 = 5.
    let javascript = "function f(xs) {\n  let n = 0;\n  for (const x of xs) {\n    if (x > 0) {\n      n++;\n    } else if (x < 0) {\n      n--;\n    } else {\n      n = 0;\n    }\n  }\n  return n;\n}\n";
    check("javascript", javascript, "f", [4, 5, 2, 1]);
    let python = "def f(xs):\n    n = 0\n    for x in xs:\n        if x > 0:\n            n += 1\n        elif x < 0:\n            n -= 1\n        else:\n            n = 0\n    return n\n";
    check("python", python, "f", [4, 5, 2, 1]);
    let go = "package p\n\nfunc f(xs []int) int {\n\tn := 0\n\tfor _, x := range xs {\n\t\tif x > 0 {\n\t\t\tn++\n\t\t} else if x < 0 {\n\t\t\tn--\n\t\t} else {\n\t\t\tn = 0\n\t\t}\n\t}\n\treturn n\n}\n";
    check("go", go, "f", [4, 5, 2, 1]);
    let java = "class A {\n  int f(int[] xs) {\n    int n = 0;\n    for (int x : xs) {\n      if (x > 0) n++;\n      else if (x < 0) n--;\n      else n = 0;\n    }\n    return n;\n  }\n}\n";
    check("java", java, "A.f", [4, 5, 2, 1]);
    let rust = "fn f(xs: &[i32]) -> i32 {\n    let mut n = 0;\n    for x in xs {\n        if *x > 0 {\n            n += 1;\n        } else if *x < 0 {\n            n -= 1;\n        } else {\n            n = 0;\n        }\n    }\n    n\n}\n";
    check("rust", rust, "f", [4, 5, 2, 1]);
    let cpp = "int f(const std::vector<int>& xs) {\n  int n = 0;\n  for (int x : xs) {\n    if (x > 0) {\n      n++;\n    } else if (x < 0) {\n      n--;\n    } else {\n      n = 0;\n    }\n  }\n  return n;\n}\n";
    check("cpp", cpp, "f", [4, 5, 2, 1]);
}

#[test]
fn a_sequence_of_one_operator_costs_one() {
    // Cyclomatic: 1 + if + five operators = 7. Cognitive: if 1, `&&` run 1, `||` run 1, `&&` run 1 = 4.
    let code = "function f(a, b, c, d, e, g) {\n  if (a && b && c || d || e && g) {\n    return 1;\n  }\n  return 0;\n}\n";
    check("javascript", code, "f", [7, 4, 1, 0]);
    // A negated group is a sequence of its own: if 1, `&&` 1, `&&` 1 = 3; cyclomatic 1 + 1 + 2 = 4.
    let code = "int f(int a, int b, int c) { if (a && !(b && c)) { return 1; } return 0; }\n";
    check("c", code, "f", [4, 3, 1, 0]);
    let code = "def f(a, b, c):\n    if a and b or c:\n        return 1\n    return 0\n";
    // If 1, `and` 1, `or` 1 = 3; cyclomatic 1 + 1 + 2 = 4.
    check("python", code, "f", [4, 3, 1, 0]);
    // `??` decides, but is a shorthand: cyclomatic 2, cognitive 0.
    check("typescript", "const f = (a?: number) => a ?? 1;\n", "f", [2, 0, 0, 0]);
}

#[test]
fn conditional_expressions_and_handlers_nest() {
    // Cyclomatic: 1 + catch + conditional = 3. Cognitive: catch 1, conditional in it 2 = 3. `try` costs nothing.
    let java = "class A {\n  int f(String s) {\n    try {\n      return Integer.parseInt(s);\n    } catch (NumberFormatException e) {\n      return s == null ? 0 : -1;\n    }\n  }\n}\n";
    check("java", java, "A.f", [3, 3, 2, 0]);
    let python = "def f(s):\n    try:\n        return int(s)\n    except ValueError:\n        return 0 if s is None else -1\n";
    check("python", python, "f", [3, 3, 2, 0]);
    let typescript = "function f(s: string): number {\n  try {\n    return JSON.parse(s);\n  } catch {\n    return s ? 0 : -1;\n  }\n}\n";
    check("typescript", typescript, "f", [3, 3, 2, 0]);
}

#[test]
fn lambdas_add_nesting_and_named_inner_functions_are_measured_too() {
    // A lambda costs nothing but nests: if in it 2. Cyclomatic 1 + if = 2.
    let javascript =
        "function f(xs) {\n  return xs.map((x) => {\n    if (x) return 1;\n    return 0;\n  });\n}\n";
    check("javascript", javascript, "f", [2, 2, 2, 0]);
    // The inner function has its own cyclomatic complexity; cognitive complexity counts in the outer one, nested.
    let python = "def outer(xs):\n    if xs:\n        xs = xs[1:]\n    def inner(x):\n        if x:\n            return 1\n        return 0\n    return [inner(x) for x in xs]\n";
    // outer: if 1, if in the inner function 2 = 3; cyclomatic 1 + if + comprehension = 3.
    check("python", python, "outer", [3, 3, 1, 1]);
    check("python", python, "outer.inner", [2, 1, 1, 0]);
}

#[test]
fn a_python_decorator_does_not_nest() {
    // The wrapper's if costs 1 and not 2.
    let code = "def logged(fn):\n    def wrapper(x):\n        if x:\n            print(x)\n        return fn(x)\n    return wrapper\n";
    check("python", code, "logged", [1, 1, 0, 0]);
    check("python", code, "logged.wrapper", [2, 1, 1, 0]);
}

#[test]
fn recursion_costs_one_for_each_function_of_the_cycle() {
    // Cognitive: if 1, recursion 1 = 2.
    let code = "def fact(n):\n    if n < 2:\n        return 1\n    return n * fact(n - 1)\n";
    check("python", code, "fact", [2, 2, 1, 0]);
    let code = "fn even(n: u32) -> bool { n == 0 || odd(n - 1) }\nfn odd(n: u32) -> bool { n != 0 && even(n - 1) }\nfn third(n: u32) -> bool { odd(n) }\n";
    // One operator sequence and the cycle = 2; `third` is no part of the cycle.
    check("rust", code, "even", [2, 2, 0, 0]);
    check("rust", code, "third", [1, 0, 0, 0]);
    // The same name on another object is another function.
    let code = "class Cache:\n    def get(self, key):\n        return self.items.get(key)\n    def walk(self, n):\n        return self.walk(n - 1)\n";
    check("python", code, "Cache.get", [1, 0, 0, 0]);
    check("python", code, "Cache.walk", [1, 1, 0, 0]);
    let code = "package p\n\ntype T struct{ next *T }\n\nfunc (t *T) Len() int { return t.next.Len() + 1 }\nfunc (t *T) Sum() int { return t.Sum() }\n";
    check("go", code, "T.Len", [1, 0, 0, 0]);
    check("go", code, "T.Sum", [1, 1, 0, 0]);
}

#[test]
fn rust_let_else_and_let_chains_decide() {
    // Cyclomatic: 1 + let-else + if + one `&&` of the chain = 4. Cognitive: let-else 1, if 1, sequence 1 = 3.
    let code = "fn f(a: Option<u8>, b: Option<u8>) -> u8 {\n    let Some(a) = a else { return 0 };\n    if let Some(b) = b && b > a {\n        return b;\n    }\n    a\n}\n";
    check("rust", code, "f", [4, 3, 1, 0]);
}

#[test]
fn conditional_compilation_inside_a_function_is_a_condition() {
    // Cyclomatic: 1 + #ifdef = 2. Cognitive: #ifdef 1, #else 1 = 2.
    let code = "int f(void) {\n#ifdef FAST\n  return 1;\n#else\n  return 2;\n#endif\n}\n";
    check("c", code, "f", [2, 2, 1, 0]);
}

#[test]
fn only_what_a_loop_repeats_counts_as_in_the_loop() {
    let allocations = |language: &str, code: &str, name: &str| {
        let report = analyze(language, code);
        let found = function(&report, name);
        let list = found["allocations"].as_array().expect("a list").clone();
        assert_eq!(found["allocationsInLoops"], list.len());
        let one =
            |a: &Value| format!("{} {} {}", a["line"], a["what"].as_str().expect("text"), a["loopDepth"]);
        list.iter().map(one).collect::<Vec<_>>()
    };
    let python = "def f(rows):\n    out = []\n    for row in [1, 2]:\n        for cell in row:\n            out.append({'c': cell})\n        out.append(f'{row}')\n    return out\n";
    assert_eq!(allocations("python", python, "f"), ["5 dict 2", "6 string 1"]);
    let rust = "fn f(xs: &[u8]) -> Vec<String> {\n    let mut out = Vec::new();\n    for x in xs.to_vec() {\n        out.push(format!(\"{x}\"));\n        out.push(x.to_string());\n    }\n    out\n}\n";
    assert_eq!(allocations("rust", rust, "f"), ["4 format 1", "5 x.to_string 1"]);
    let javascript = "function f(xs) {\n  for (let a = [], i = 0; i < 3; i++) {\n    a.push({ i });\n  }\n  while (next(() => 1)) {}\n}\n";
    assert_eq!(allocations("javascript", javascript, "f"), ["3 object 1", "5 closure 1"]);
    let go = "package p\n\nfunc f(xs []int) [][]int {\n\tvar out [][]int\n\tfor _, x := range xs {\n\t\tout = append(out, []int{x})\n\t}\n\treturn out\n}\n";
    assert_eq!(allocations("go", go, "f"), ["6 append 1", "6 composite literal 1"]);
    let java = "class A {\n  void f(java.util.List<int[]> xs) {\n    for (int i = 0; i < 3; i++) {\n      xs.add(new int[3]);\n      xs.add(String.format(\"%d\", i));\n    }\n  }\n}\n";
    assert_eq!(allocations("java", java, "A.f"), ["4 array 1", "5 format 1"]);
    let cpp = "void f(std::vector<int*>& xs) {\n  for (int i = 0; i < 3; i++) {\n    xs.push_back(new int(i));\n    auto p = std::make_unique<int>(i);\n    void* q = malloc(4);\n  }\n}\n";
    assert_eq!(allocations("cpp", cpp, "f"), ["3 new 1", "4 make_unique 1", "5 malloc 1"]);
}

#[test]
fn names_scopes_lines_and_parameters() {
    let report = analyze(
        "cpp",
        "namespace geo {\n\nclass Shape {\n public:\n  Shape(int w, int h = 1) : w_(w) {}\n  int area() const;\n};\n\nint Shape::area() const {\n  return 1;\n}\n\n}  // namespace geo\n",
    );
    let constructor = function(&report, "geo::Shape::Shape");
    assert_eq!((&constructor["kind"], &constructor["parameters"]), (&json!("constructor"), &json!(2)));
    let area = function(&report, "geo::Shape::area");
    assert_eq!(
        (&area["kind"], &area["line"], &area["endLine"], &area["lines"]),
        (&json!("method"), &json!(9), &json!(11), &json!(3))
    );
    let report = analyze(
        "typescript",
        "export class Cart {\n  total = (tax: number, ...rest: string[]): number => 1;\n  static of(this: void, { a }: X): Cart { return new Cart(); }\n}\nexport const api = { get(id: string) { return id; } };\napp.get('/', (req, res) => res.end());\n",
    );
    assert_eq!(function(&report, "Cart.total")["parameters"], 2);
    assert_eq!(function(&report, "Cart.of")["parameters"], 1);
    assert_eq!(function(&report, "api.get")["parameters"], 1);
    assert_eq!(function(&report, "<lambda>")["kind"], "lambda");
    let report = analyze("rust", "impl<T> Stack<T> {\n    pub fn push(&mut self, item: T) {}\n}\n");
    assert_eq!(function(&report, "Stack::push")["parameters"], 1);
    let report = analyze(
        "python",
        "class A:\n    def m(self, a, *, b=1, **kw):\n        pass\n    @staticmethod\n    def s(a):\n        pass\n",
    );
    assert_eq!(
        (&function(&report, "A.m")["parameters"], &function(&report, "A.s")["parameters"]),
        (&json!(3), &json!(1))
    );
}

#[test]
fn wrong_input_is_refused_with_its_reason() {
    let reason = |input: &str| {
        let refusal = analyze_json(input).expect_err("it is refused");
        serde_json::from_str::<Value>(&refusal).expect("the refusal is JSON")["reason"]
            .as_str()
            .map(ToOwned::to_owned)
    };
    for (input, expected) in [
        ("", "invalid_input"),
        ("[]", "invalid_input"),
        ("{}", "invalid_input"),
        (r#"{"code":1,"language":"python"}"#, "invalid_input"),
        (r#"{"code":"","language":"cobol"}"#, "language_unknown"),
        (r#"{"code":"","path":"a.txt"}"#, "language_unknown"),
        (r#"{"code":""}"#, "language_unknown"),
    ] {
        assert_eq!(reason(input).as_deref(), Some(expected), "{input}");
    }
    let large = json!({ "code": " ".repeat(booster_code::MAX_BYTES + 1), "language": "c" }).to_string();
    assert_eq!(reason(&large).as_deref(), Some("too_large"));
}

#[test]
fn broken_and_hostile_code_is_measured_in_bounded_time() {
    for (language, code) in [
        ("python", "def f(:\n  )(\n".repeat(50)),
        ("javascript", format!("const f = {}1;", "x => ".repeat(20_000))),
        ("javascript", format!("function f() {{ return {}1; }}", "a && ".repeat(20_000))),
        ("c", format!("int f() {{ {} }}", "if (a) { ".repeat(5_000))),
        ("rust", format!("fn f() {{ {}1{}; }}", "(".repeat(20_000), ")".repeat(20_000))),
        ("go", "\u{feff}\u{0}\u{1F600}".to_owned()),
    ] {
        let report = analyze(language, &code);
        assert_eq!(report["success"], true);
    }
}
