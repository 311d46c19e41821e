//! The hub's one DynamoDB table.
//!
//! Keys stand in [`keys`], the table and its indexes in [`schema`], and each aggregate has a module
//! with its item and its operations. Every write is a condition, and what a call consumes is
//! metered, so tests assert it and functions can log it.

mod archive;
mod attempt;
mod breaker;
mod change_request;
mod condition;
mod correlation;
mod deadline;
mod error;
mod event;
mod facility;
mod facility_list;
mod fact;
mod family;
mod feed;
mod import;
mod information;
pub mod item;
pub mod keys;
mod meter;
mod notice;
mod once;
mod place;
mod procedure;
mod query;
mod reservation;
mod reservation_list;
pub mod schema;
mod search;
mod search_old;
mod slot;
mod stream;
mod suppression;
mod transaction;
mod vacancy;
mod vendor;
mod write;

use std::sync::Arc;

use aws_sdk_dynamodb::Client;

pub use self::{
    attempt::SavedAttempts,
    change_request::{ChangeCreated, ChangeMade, ChangePosition, ListedChange},
    correlation::with_correlation_id,
    deadline::{Deadline, FeedTurn},
    error::StoreError,
    event::Listener,
    facility::{MunicipalityContact, SavedSettings},
    family::Family,
    feed::{FeedItem, FeedRead, FeedThing},
    import::{ImportRequested, ImportToRun},
    information::{ChangeDigest, InformationReminder},
    keys::Key,
    meter::{Consumed, Meter},
    notice::{Digest, Listed, PendingReminder, PlanDigest, SlotPlanReminder},
    once::{Earlier, Once},
    procedure::ProcedurePosition,
    reservation::{ChangeOutcome, Judged, Reserved},
    reservation_list::{ListPosition, ReservationFilter, VisitPosition},
    search::{Rebuild, SearchGaps, SearchVersions},
    search_old::ShardVersion,
    slot::{FirstAnswer, OpenSlotsOutcome, SLOTS_LOOKED_AT, SlotChangeOutcome},
    stream::{StreamChange, correlation_id_of},
    vendor::{EndpointCreated, VendorRecord},
};

/// The table, as the functions use it. Cloning is cheap and shares the meter.
#[derive(Debug, Clone)]
pub struct Store {
    db: Client,
    table: Arc<str>,
    meter: Meter,
}

impl Store {
    /// The table of this name, reached through this client.
    pub fn new(db: Client, table: impl Into<Arc<str>>) -> Self {
        Self { db, table: table.into(), meter: Meter::default() }
    }

    /// What has been consumed through this store.
    pub fn meter(&self) -> &Meter {
        &self.meter
    }

    /// One cheap read of nothing. Made while a function starts, so that the connection stands before the
    /// first request comes.
    pub async fn warm_up(&self, kind: keys::Kind) -> Result<(), StoreError> {
        self.get_attributes(keys::nothing(kind), false).await.map(drop)
    }
}
