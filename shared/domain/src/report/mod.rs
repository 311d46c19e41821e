//! What is counted of reservations and slots, for the people who look after many nurseries.
//!
//! Reports count [`Fact`]s: of each reservation what is counted, and nothing personal. Each report is a
//! plain function of facts or slots.

mod count;
mod fact;
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
    lead::{LeadBand, LeadTimes, lead_times},
    month::{ReportedMonth, StateCounts, StatesByMonth, states_by_month},
    online::{OnlineByMonth, OriginCounts, online_by_month},
    pending::{NewRequests, PendingOfDay, PendingRequests, PendingRow, new_requests, pending},
    review::{ReviewBand, ReviewTimes, review_times},
    slots::{SlotUse, SlotUseByMonth, slot_use_by_month},
    times::{HourCount, RequestTimes, WeekdayCount, request_times},
};
