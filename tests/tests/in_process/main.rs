//! The hub in process: routers and handlers on the embedded store, with a clock that stands still. One program,
//! for each would be linked with the whole hub: `cargo test --test in_process reservations::` runs one file of it.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod agreement;
mod architecture;
mod callers;
mod capacity;
mod changes;
mod checklist;
mod contention;
mod documents;
mod door;
mod endpoints;
mod exports;
mod facilities;
mod facility_list;
mod feeds;
mod imports;
mod information;
mod jobs;
mod keys;
mod linear;
mod mails;
mod notice;
mod once;
mod pages;
mod pending;
mod portal;
mod procedures;
mod public_events;
mod relay;
mod reports;
mod reservations;
mod round_trips;
mod samples;
mod search;
mod slots;
mod sources;
mod spoken;
mod store_faults;
mod strangers;

mod typed;
mod upgrade;
mod vacancies;
mod visits;
mod webhooks;
mod words;
