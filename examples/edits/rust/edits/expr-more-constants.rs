// ... existing code ...

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::f64::consts;
use std::fmt;

// ... existing code ...

impl Default for Env {
    fn default() -> Self {
        let mut globals = BTreeMap::new();
        globals.insert("pi".to_owned(), consts::PI);
        globals.insert("tau".to_owned(), consts::TAU);
        globals.insert("true".to_owned(), 1.0);
        globals.insert("false".to_owned(), 0.0);
        Env {
            scopes: vec![globals],
        }
    }
}

// ... existing code ...
