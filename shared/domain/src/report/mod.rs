//! What is counted of reservations, slots and data items, for the people who look after many nurseries.
//!
//! Reports count [`Fact`]s: of each reservation what is counted, and nothing personal. Each report is a
//! plain function of facts, slots or facilities.

mod count;
mod fact;
mod items;
mod lead;
mod month;
mod online;
mod pending;
mod review;
mod slots;
mod times;

pub use self::{
    count::{Percent, Share},
    fact::{Answered, AnsweredBy, Fact},
    items::{ItemRow, ItemUse},
    lead::{LeadBand, LeadTimes, lead_times},
    month::{ReportedMonth, StateCounts, StatesByMonth, states_by_month},
    online::{OnlineByMonth, OriginCounts, online_by_month},
    pending::{NewRequests, PendingOfDay, PendingRequests, PendingRow, new_requests, pending},
    review::{ReviewBand, ReviewTimes, review_times},
    slots::{SlotUse, SlotUseByMonth, slot_use_by_month},
    times::{HourCount, RequestTimes, WeekdayCount, request_times},
};
