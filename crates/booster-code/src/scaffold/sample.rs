//! Sample arguments: the plainest value of a type as it is written.

use crate::language::Language;
use crate::signature::Parameter;

/// The arguments of a call: one for each parameter that a call must give.
pub(super) fn arguments(parameters: &[Parameter], language: Language) -> Vec<String> {
    let needed = parameters.iter().filter(|parameter| !parameter.optional && !parameter.variadic);
    needed.map(|parameter| value(&parameter.ty, language)).collect()
}

/// A value of a type; where the type is not known, what stands for nothing.
fn value(ty: &str, language: Language) -> String {
    let plain = ty.trim_start_matches("const ").trim();
    let value = match language {
        Language::JavaScript => "undefined",
        Language::TypeScript | Language::Tsx => return typescript(plain),
        Language::Python => python(plain),
        Language::Rust => rust(plain),
        Language::Go => return go(plain),
        Language::Java => java(plain),
        Language::C | Language::Cpp => return c(plain, language),
    };
    value.to_owned()
}

fn typescript(ty: &str) -> String {
    match ty {
        "string" => "\"\"".to_owned(),
        "number" => "0".to_owned(),
        "bigint" => "0n".to_owned(),
        "boolean" => "false".to_owned(),
        _ if ty.ends_with("[]") || ty.starts_with("Array<") => "[]".to_owned(),
        "" | "any" | "unknown" | "undefined" => "undefined".to_owned(),
        "null" => "null".to_owned(),
        _ => "undefined as never".to_owned(),
    }
}

fn python(ty: &str) -> &'static str {
    match ty.split(['[', ' ']).next().unwrap_or_default() {
        "int" => "0",
        "float" => "0.0",
        "str" => "\"\"",
        "bytes" => "b\"\"",
        "bool" => "False",
        "list" | "List" | "Sequence" | "Iterable" => "[]",
        "dict" | "Dict" | "Mapping" => "{}",
        "tuple" | "Tuple" => "()",
        "set" | "Set" => "set()",
        _ => "None",
    }
}

fn rust(ty: &str) -> &'static str {
    match ty {
        "&str" | "&'static str" => "\"\"",
        "bool" => "false",
        "char" => "' '",
        "f32" | "f64" => "0.0",
        "u8" | "u16" | "u32" | "u64" | "u128" | "usize" | "i8" | "i16" | "i32" | "i64" | "i128" | "isize" => {
            "0"
        }
        _ if ty.starts_with("&mut ") => "&mut Default::default()",
        _ if ty.starts_with("&[") => "&[]",
        _ if ty.starts_with('&') => "&Default::default()",
        _ if ty.starts_with("Option<") => "None",
        _ => "Default::default()",
    }
}

fn go(ty: &str) -> String {
    match ty {
        "string" => "\"\"".to_owned(),
        "bool" => "false".to_owned(),
        "byte" | "rune" | "int" | "int8" | "int16" | "int32" | "int64" | "uint" | "uint8" | "uint16"
        | "uint32" | "uint64" | "float32" | "float64" => "0".to_owned(),
        _ if ty.starts_with(['*', '[']) || ty.starts_with("map[") || ty.starts_with("func") => {
            "nil".to_owned()
        }
        _ if ty.starts_with("chan") || matches!(ty, "error" | "any" | "interface{}") => "nil".to_owned(),
        // The zero value of any type there is.
        _ => format!("*new({ty})"),
    }
}

fn java(ty: &str) -> &'static str {
    match ty {
        "byte" | "short" | "int" | "long" => "0",
        "float" => "0f",
        "double" => "0.0",
        "boolean" => "false",
        "char" => "' '",
        "String" | "CharSequence" => "\"\"",
        _ => "null",
    }
}

fn c(ty: &str, language: Language) -> String {
    let null = if language == Language::C { "NULL" } else { "nullptr" };
    match ty {
        "bool" | "_Bool" => "false".to_owned(),
        "float" | "double" => "0.0".to_owned(),
        "char *" | "char*" => "\"\"".to_owned(),
        _ if ty.ends_with(']') || ty.contains('*') => null.to_owned(),
        _ if ty.split(' ').all(|word| C_INTEGERS.contains(&word)) => "0".to_owned(),
        _ if language == Language::Cpp => "{}".to_owned(),
        _ => format!("({ty}){{0}}"),
    }
}

const C_INTEGERS: [&str; 18] = [
    "char",
    "short",
    "int",
    "long",
    "signed",
    "unsigned",
    "size_t",
    "ssize_t",
    "int8_t",
    "int16_t",
    "int32_t",
    "int64_t",
    "uint8_t",
    "uint16_t",
    "uint32_t",
    "uint64_t",
    "uintptr_t",
    "ptrdiff_t",
];
