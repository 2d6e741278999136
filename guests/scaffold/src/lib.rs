//! The booster `scaffold`: a shell that gives `booster_code::scaffold` the contract of `wit/booster.wit`.

wit_bindgen::generate!({ path: "../../wit", world: "booster" });

struct Scaffold;

impl Guest for Scaffold {
    fn apply(input: String) -> Result<String, String> {
        booster_code::scaffold::scaffold_json(&input)
    }
}

export!(Scaffold);
