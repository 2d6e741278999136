//! Black-box tests of the whole fleet. Each test has its own Redis server and worker processes.
#![allow(missing_docs, reason = "a test program has no public items")]

mod access;
mod bad_input;
mod boosters;
mod chaos;
mod command_line;
mod deferral;
mod edits;
mod end_to_end;
mod faults;
mod gateway;
mod help;
mod intake;
mod mcp;
mod monitoring;
mod outages;
mod protocol;
mod schedules;
mod tenants;
mod terminal;
mod tidy;
mod topologies;
