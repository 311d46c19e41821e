//! What a function runs on.
//!
//! Clients are built once, at start, from the environment ([`aws`]). What the hub needs of a
//! service is a narrow trait: [`Seal`], [`Queue`], [`Mailer`]; each has an adapter for AWS here,
//! and one in process for the local hub and the tests.

pub mod aws;
pub mod batch;
mod calls;
mod config;
mod hub;
mod keys;
mod mail;
pub mod metrics;
mod queue;
mod seal;
pub mod telemetry;

pub use self::{
    config::{ConfigError, variable},
    hub::{Clock, Hub, machine_time},
    keys::{KeyError, KeySource, Keys, id_key},
    mail::{Mail, MailError, Mailer, SesMailer, mailbox, of_mailbox},
    queue::{LONGEST_DELAY, Message, Outgoing, Queue, QueueError, SqsQueue},
    seal::{KmsSeal, Purpose, Seal, SealError},
};
