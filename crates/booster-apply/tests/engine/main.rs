//! Tests of the edit engine from outside.

mod accept;
mod cases;
mod fuzz;
mod properties;
mod support;
