//! The booster `rewrite`: a shell that gives `booster_code::rewrite` the contract of `wit/booster.wit`.

wit_bindgen::generate!({ path: "../../wit", world: "booster" });

struct Rewrite;

impl Guest for Rewrite {
    fn apply(input: String) -> Result<String, String> {
        booster_code::rewrite::rewrite_json(&input)
    }
}

export!(Rewrite);
