//! Black-box tests of the whole fleet. Each test has its own Redis server and worker processes.
#![allow(missing_docs, reason = "a test program has no public items")]

mod access;
mod bad_input;
mod boosters;
mod cache;
mod chaos;
mod claims;
mod command_line;
mod deferral;
mod edits;
mod end_to_end;
mod fallback;
mod faults;
mod gateway;
mod help;
mod intake;
mod mcp;
mod modules;
mod monitoring;
mod monitoring_files;
mod outages;
mod pool;
mod protocol;
mod replay;
mod schedules;
mod security;
mod tenants;
mod terminal;
mod tidy;
mod topologies;
mod traces;
