//! The JavaScript values that the module holds by number, and the imports that make and use them.
//!
//! wasm-bindgen keeps such a table in JavaScript. No import reads a property of an object, so an object needs none
//! here.

use std::cell::RefCell;

use crate::module::{give_text, take_bytes};

/// Most values that the module may hold; its own needs are below ten.
const MAX_VALUES: usize = 1024;
/// The first number that is free; those below are constants of wasm-bindgen.
const FIRST: usize = 132;

/// A JavaScript value.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    Undefined,
    Null,
    True,
    False,
    Number(f64),
    Text(String),
    Object,
}

impl Value {
    /// What JavaScript's `String` makes of it.
    pub(crate) fn to_text(&self) -> String {
        match self {
            Value::Undefined => "undefined".to_owned(),
            Value::Null => "null".to_owned(),
            Value::True => "true".to_owned(),
            Value::False => "false".to_owned(),
            Value::Number(number) => number.to_string(),
            Value::Text(text) => text.clone(),
            Value::Object => "[object Object]".to_owned(),
        }
    }
}

thread_local! {
    static TABLE: RefCell<Vec<Option<Value>>> = const { RefCell::new(Vec::new()) };
}

/// Adds a value and returns its number.
fn add(value: Value) -> i32 {
    TABLE.with_borrow_mut(|table| {
        let free = table.iter().position(Option::is_none).unwrap_or(table.len());
        assert!(free < MAX_VALUES, "the module holds more than {MAX_VALUES} values");
        if free == table.len() {
            table.push(None);
        }
        table[free] = Some(value);
        (FIRST + free) as i32
    })
}

fn get(number: i32) -> Value {
    match number {
        129 => Value::Null,
        130 => Value::True,
        131 => Value::False,
        _ => {
            let place = (number as usize).checked_sub(FIRST);
            let value =
                place.and_then(|place| TABLE.with_borrow(|table| table.get(place).cloned().flatten()));
            value.unwrap_or(Value::Undefined)
        }
    }
}

/// Removes a value and returns it.
pub(crate) fn take(number: i32) -> Value {
    let value = get(number);
    if let Some(place) = (number as usize).checked_sub(FIRST) {
        TABLE.with_borrow_mut(|table| table.get_mut(place).map(Option::take));
    }
    value
}

// The imports of the module, by the names that the fleet's composition knows.

#[unsafe(no_mangle)]
extern "C" fn drop_value(number: i32) {
    take(number);
}

#[unsafe(no_mangle)]
extern "C" fn clone_value(number: i32) -> i32 {
    add(get(number))
}

#[unsafe(no_mangle)]
extern "C" fn new_object() -> i32 {
    add(Value::Object)
}

#[unsafe(no_mangle)]
extern "C" fn set_property(_object: i32, key: i32, value: i32) {
    take(key);
    take(value);
}

#[unsafe(no_mangle)]
extern "C" fn text_value(at: i32, len: i32) -> i32 {
    add(Value::Text(String::from_utf8_lossy(&take_bytes(at, len)).into_owned()))
}

#[unsafe(no_mangle)]
extern "C" fn number_value(number: f64) -> i32 {
    add(Value::Number(number))
}

#[unsafe(no_mangle)]
extern "C" fn to_text(result: i32, number: i32) {
    give_text(result, &get(number).to_text());
}

/// A stack trace has no use where nobody reads it, and would differ from machine to machine.
#[unsafe(no_mangle)]
extern "C" fn error_stack(result: i32, _error: i32) {
    give_text(result, "Error");
}

/// The module gives the text away.
#[unsafe(no_mangle)]
extern "C" fn console_error(at: i32, len: i32) {
    crate::module::free(at, len);
}

#[unsafe(no_mangle)]
extern "C" fn throw(at: i32, len: i32) {
    panic!("the module threw: {}", String::from_utf8_lossy(&take_bytes(at, len)));
}
