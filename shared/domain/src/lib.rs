//! The rules of the hub, as plain functions over plain types.
//!
//! If a question begins with "may a parent …", its answer is here and nowhere else. Nothing in this
//! crate performs I/O, knows AWS or HTTP, or reads a clock: time comes in as an [`Timestamp`].

pub mod applicant;
pub mod archive;
pub mod attempt;
pub mod audience;
pub mod calendar;
pub mod change_request;
pub mod event;
pub mod export;
pub mod facility;
pub mod family;
pub mod feed;
pub mod id;
pub mod import;
pub mod information;
pub mod invalid;
pub mod item;
pub mod keys;
pub mod municipality;
pub mod notice_token;
pub mod procedure;
mod refusal;
pub mod reminder;
pub mod report;
pub mod reservation;
pub mod search;
pub mod settings;
pub mod sheet;
pub mod slot;
mod status;
pub mod suppression;
pub mod text;
pub mod time;
pub mod token;
pub mod vacancy;
pub mod vendor;
pub mod visit_token;

pub use applicant::{Applicant, Sealed};
pub use change_request::ChangeRequest;
pub use facility::Facility;
pub use id::{
    ChangeRequestId, ChangeRequestNumber, ClientId, CorrelationId, EventId, FacilityId, ImportId,
    ProcedureId, ReservationNumber, SlotId, SlotNumber, WebhookEndpointId,
};
pub use invalid::Invalid;
pub use municipality::MunicipalityCode;
pub use refusal::Refusal;
pub use reservation::Reservation;
pub use settings::Settings;
pub use slot::{Capacity, Slot};
pub use status::Status;
pub use time::Timestamp;
