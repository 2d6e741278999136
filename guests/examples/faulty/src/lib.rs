//! The booster `faulty`: fails in every way a booster can, when asked to.
//!
//! Its input is `{"do": "…", "times"?: n, "ms"?: n}`:
//!
//! | `do` | what happens |
//! |---|---|
//! | `panic` | a Rust panic, which compiles to the instruction `unreachable` |
//! | `trap` | unbounded recursion, until the sandbox ends it; no `unreachable` is involved |
//! | `loop` | spins for ever |
//! | `memory` | takes and touches memory until it gets no more, then panics |
//! | `refuse` | a refusal with the reason `asked_to` |
//! | `defer` | a refusal with `retryAfterMs`, which is `ms` whatever that is |
//! | `work` | `times` steps (a million if absent) of arithmetic, then `{"worked": times}` |
//! | `echo` | the input is the output |

use std::hint::black_box;

use serde_json::{Value, json};

wit_bindgen::generate!({ path: "../../../wit", world: "booster" });

/// How much memory is asked for at a time.
const CHUNK_BYTES: usize = 1 << 20;

/// The steps of `work` when the input names no number.
const DEFAULT_STEPS: u64 = 1_000_000;

struct Faulty;

impl Guest for Faulty {
    fn apply(input: String) -> Result<String, String> {
        let Ok(request) = serde_json::from_str::<Value>(&input) else {
            return Err(refusal("invalid_input", "the input is not valid JSON"));
        };
        match request["do"].as_str() {
            Some("panic") => panic!("asked to panic"),
            Some("trap") => Ok(json!({ "depth": recurse(0) }).to_string()),
            Some("loop") => spin(),
            Some("memory") => exhaust_memory(),
            Some("refuse") => Err(refusal("asked_to", "the input asked for a refusal")),
            Some("defer") => Err(deferral(&request["ms"])),
            Some("work") => match &request["times"] {
                Value::Null => Ok(work(DEFAULT_STEPS)),
                times => match times.as_u64() {
                    Some(times) => Ok(work(times)),
                    None => Err(refusal("invalid_input", "`times` is no whole number from 0 on")),
                },
            },
            Some("echo") => Ok(input),
            _ => Err(refusal(
                "invalid_input",
                "`do` is none of panic, trap, loop, memory, refuse, defer, work, echo",
            )),
        }
    }
}

export!(Faulty);

fn refusal(reason: &str, message: &str) -> String {
    json!({ "success": false, "reason": reason, "message": message }).to_string()
}

/// A refusal that asks to be tried again. `ms` is handed on as it came, so that wrong values can be tried too.
fn deferral(ms: &Value) -> String {
    let message = "the input asked for another try later";
    json!({ "success": false, "reason": "not_yet", "message": message, "retryAfterMs": ms }).to_string()
}

/// Calls itself until the stack is used up. The frame is kept in memory and used after the call, so that the
/// compiler can make no loop of it.
fn recurse(depth: u64) -> u64 {
    let frame = black_box([depth; 32]);
    // Always true, but the compiler cannot know.
    let deeper = if black_box(true) { recurse(depth + 1) } else { 0 };
    deeper.wrapping_add(black_box(&frame)[(depth % 32) as usize])
}

fn spin() -> ! {
    let mut turns = 0_u64;
    loop {
        turns = black_box(turns.wrapping_add(1));
    }
}

fn exhaust_memory() -> ! {
    let mut held: Vec<Vec<u8>> = Vec::new();
    loop {
        let mut chunk = Vec::new();
        if chunk.try_reserve_exact(CHUNK_BYTES).is_err() || held.try_reserve(1).is_err() {
            panic!("no memory left after {} MiB", held.len());
        }
        // Not zero: untouched zero pages need not be backed by memory.
        chunk.resize(CHUNK_BYTES, 0xA5);
        held.push(black_box(chunk));
    }
}

/// Steps of a xorshift generator, each of which needs the one before.
fn work(times: u64) -> String {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    for _ in 0..times {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
    }
    black_box(state);
    json!({ "worked": times }).to_string()
}
