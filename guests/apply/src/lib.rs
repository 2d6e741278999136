//! The booster `apply`: a shell that gives the `booster-apply` library the contract of `wit/booster.wit`.

wit_bindgen::generate!({ path: "../../wit", world: "booster" });

struct Apply;

impl Guest for Apply {
    fn apply(input: String) -> Result<String, String> {
        booster_apply::apply_json(&input)
    }
}

export!(Apply);
