//! What a function runs on.
//!
//! Clients are built once, at start, from the environment ([`aws`]). What the hub needs of a
//! service is a narrow trait: [`Seal`], [`Queue`], [`Mailer`], [`Uploads`]; each has an adapter for AWS here,
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
mod start;
pub mod telemetry;
pub mod uploads;

pub use self::{
    config::{ConfigError, variable},
    hub::{Clock, Hub, machine_time},
    keys::{KeyError, KeySource, Keys},
    mail::{Mail, MailError, Mailer, SesMailer, mailbox, of_mailbox},
    queue::{LONGEST_DELAY, Message, Outgoing, Queue, QueueError, SqsQueue},
    seal::{Purpose, Seal, SealError},
    start::{Environment, Start, StartError, block_on, run},
    uploads::{Upload, UploadError, Uploads},
};

/// Why a function ended.
pub use lambda_runtime::Error;
