//! The whole hub on one machine.
//!
//! The routers and handlers that are deployed, driven by what stands in for AWS here: an embedded
//! DynamoDB ([`embedded`]), queues, a mailbox, a clock that can be moved, a scheduler, and an issuer
//! of tokens. None of it is compiled into a deployed function.

mod adapters;
pub mod api;
mod clock;
mod connector;
mod control;
mod credentials;
mod data_dir;
pub mod embedded;
mod engine;
mod fault;
mod functions;
mod gateway;
mod hub;
mod hub_keys;
mod import;
mod issuer;
mod queue;
pub mod receiver;
mod schedule;
mod seed;
pub mod smoke;
mod state;
mod stream;
pub mod tour;
mod uploads;

pub use self::{
    adapters::LocalSeal,
    clock::LocalClock,
    data_dir::DataDirError,
    fault::{Dependency, Faults},
    functions::{FUNCTIONS, Needs, Served, document, serve},
    hub::{LocalHub, Options, StartError, import_deployed, seed},
    hub_keys::HubKeys,
    import::{ImportError, List, import},
    seed::Demo,
    stream::{Stream, StreamError},
    uploads::LocalUploads,
};
