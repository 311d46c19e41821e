//! The local hub over HTTP, as a caller meets it. One program, for each would be linked with the whole hub.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod attack;
mod crash;
mod hub;
mod pilot;
mod smoke;
mod start;
mod time;
mod upload;
