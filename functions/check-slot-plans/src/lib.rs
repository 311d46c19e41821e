//! On the 10th of each month at 9:00: asks every nursery that has opened no slot for the third month ahead,
//! and tells its municipality (SLOT-08, SLOT-10). A nursery that tells parents why it opens none is left
//! in peace (SLOT-09).
//!
//! Each asking is recorded once for its month and mailed by way of the stream: a run that was cut is
//! completed by the next, and two runs at once ask once.

use std::collections::BTreeMap;

use domain::{Facility, FacilityId, MunicipalityCode, Timestamp};
use futures::{StreamExt, stream};
use jiff::{ToSpan, civil::Date};
use runtime::telemetry::{self, ErrorChain, Outcome, ms};
use serde::{Deserialize, Serialize};
use store::{PlanDigest, Store, StoreError};

/// What the schedule sends.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Scheduled {
    /// The time for which the run was scheduled.
    pub scheduled_at: Timestamp,
}

/// What a run did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Nurseries that take bookings here and were looked at.
    pub looked_at: usize,
    /// Nurseries that were asked by this run.
    pub reminded: usize,
    /// Municipalities that were told by this run.
    pub notified: usize,
}

/// How many nurseries are looked at at once.
const AT_ONCE: usize = 8;

/// The month that has to be open on this day: the third one ahead. On 10 December it is March.
pub fn month_to_open(today: Date) -> Date {
    today.first_of_month().saturating_add(3.months())
}

/// Looks at every nursery that takes bookings here, on the 10th: by then slots are due. On any other day it does nothing;
/// that it runs shows that it can.
pub async fn run(store: &Store, scheduled_at: Timestamp) -> Result<Report, StoreError> {
    if scheduled_at.date().day() != 10 {
        return Ok(Report::default());
    }
    telemetry::scheduled("check-slot-plans", scheduled_at, check(store, scheduled_at)).await
}

async fn check(store: &Store, scheduled_at: Timestamp) -> Result<Report, StoreError> {
    let started = std::time::Instant::now();
    let month = month_to_open(scheduled_at.date());
    let mut report = Report::default();
    let mut lacking = BTreeMap::<MunicipalityCode, Vec<FacilityId>>::new();
    for (code, ids) in store.facilities_by_municipality().await? {
        let mut facilities = store.facilities(&ids, false).await?;
        facilities.retain(Facility::takes_requests);
        facilities.sort_by(|a, b| a.facility_id.cmp(&b.facility_id));
        report.looked_at += facilities.len();
        let looks = facilities.into_iter().map(|facility| async move {
            let silent = facility.message_to_parents.is_none();
            let lacks = silent && !has_slots(store, &facility.facility_id, month).await?;
            Ok::<_, StoreError>(lacks.then_some(facility.facility_id))
        });
        let mut looks = stream::iter(looks).buffered(AT_ONCE);
        while let Some(lacks) = looks.next().await {
            lacking.entry(code).or_default().extend(lacks?);
        }
    }
    // One that cannot be asked does not keep the others from being asked.
    let mut failed = None;
    let mut note = |error: StoreError| {
        tracing::error!(error = %ErrorChain(&error), "not asked");
        failed = Some(error);
    };
    for (municipality_code, facilities) in lacking {
        for facility in &facilities {
            match store.remind_of_slots(facility, month, scheduled_at).await {
                Ok(reminded) => report.reminded += usize::from(reminded),
                Err(error) => note(error),
            }
        }
        if facilities.is_empty() {
            continue;
        }
        let digest = PlanDigest { municipality_code, month, at: scheduled_at, facilities };
        match store.add_plan_digest(&digest).await {
            Ok(notified) => report.notified += usize::from(notified),
            Err(error) => note(error),
        }
    }
    let outcome = Outcome::of(failed.is_none()).as_str();
    let duration_ms = ms(started.elapsed());
    tracing::info!(job = "check-slot-plans", ?report, outcome, duration_ms, "run");
    failed.map_or(Ok(report), Err)
}

/// Whether a nursery has a slot in this month that it did not disable.
async fn has_slots(store: &Store, facility: &FacilityId, month: Date) -> Result<bool, StoreError> {
    let (from, until) =
        (Timestamp::midnight(month), Timestamp::midnight(month.saturating_add(1.month())));
    let mut after = None;
    loop {
        // Most have one at once, and a page of ten says so.
        let slots = store.slots(facility, from, until, 10, after.as_ref()).await?;
        if slots.iter().any(|slot| !slot.disabled) {
            return Ok(true);
        }
        match slots.last() {
            Some(last) => after = Some(last.slot_id.clone()),
            None => return Ok(false),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slot_08_on_the_tenth_of_december_march_has_to_be_open() {
        let month = |today: &str| month_to_open(today.parse().unwrap()).to_string();
        assert_eq!(month("2026-12-10"), "2027-03-01");
        assert_eq!(month("2026-11-30"), "2027-02-01");
    }
}
