//! The booster `analyze`: a shell that gives `booster_code::analyze` the contract of `wit/booster.wit`.

wit_bindgen::generate!({ path: "../../wit", world: "booster" });

struct Analyze;

impl Guest for Analyze {
    fn apply(input: String) -> Result<String, String> {
        booster_code::analyze::analyze_json(&input)
    }
}

export!(Analyze);
