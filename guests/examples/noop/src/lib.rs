//! The booster `noop`: answers every input with `{}`, so that a benchmark measures the fleet and not the booster.

wit_bindgen::generate!({ path: "../../../wit", world: "booster" });

struct Noop;

impl Guest for Noop {
    fn apply(_input: String) -> Result<String, String> {
        Ok("{}".to_owned())
    }
}

export!(Noop);
