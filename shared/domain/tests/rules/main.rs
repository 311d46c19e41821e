//! The rules against the contract, written a second time: the search, and the states of a reservation. One program, for
//! each is linked by itself: `cargo test --workspace --test rules search::` runs one of them.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod search;
mod states;
