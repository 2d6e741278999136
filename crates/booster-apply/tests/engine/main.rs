//! Tests of the edit engine from outside.

mod cases;
mod fuzz;
mod properties;
mod support;
