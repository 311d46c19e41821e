//! On Mondays at 9:00: reminds facilities of drafts that they do not submit and of information that was stated more than a
//! year ago, and municipalities of change requests that they do not decide (FAC-10).
//!
//! Each reminder is recorded once for its day and mailed by way of the stream: a run that was cut is completed by the
//! next, and two runs at once remind once.

use std::collections::BTreeSet;

use domain::{
    ChangeRequestId, FacilityId, MunicipalityCode, Timestamp,
    information::{self, FacilityDue},
};
use futures::{StreamExt, stream};
use runtime::telemetry::{self, ErrorChain, Outcome, ms};
use serde::{Deserialize, Serialize};
use store::{Store, StoreError};

/// What the schedule sends.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Scheduled {
    /// The time for which the run was scheduled.
    pub scheduled_at: Timestamp,
}

/// What a run did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Facilities that were looked at.
    pub looked_at: usize,
    /// Facilities that were reminded by this run.
    pub reminded: usize,
    /// Municipalities that were told by this run.
    pub notified: usize,
}

/// How many facilities are reminded at once.
const AT_ONCE: usize = 8;

/// Reminds on a Monday. On any other day it does nothing; that it runs shows that it can.
pub async fn run(store: &Store, scheduled_at: Timestamp) -> Result<Report, StoreError> {
    if !information::is_reminder_day(scheduled_at) {
        return Ok(Report::default());
    }
    let mut run = Run { store, now: scheduled_at, report: Report::default(), failed: None };
    telemetry::scheduled("check-information", scheduled_at, run.look_at_all()).await?;
    run.failed.map_or(Ok(run.report), Err)
}

struct Run<'a> {
    store: &'a Store,
    now: Timestamp,
    report: Report,
    failed: Option<StoreError>,
}

impl Run<'_> {
    async fn look_at_all(&mut self) -> Result<(), StoreError> {
        let started = std::time::Instant::now();
        let mut requests = self.store.open_change_requests().await?;
        let mut facilities = self.store.facilities_by_municipality().await?;
        let codes: BTreeSet<_> = requests.keys().chain(facilities.keys()).copied().collect();
        // One municipality after the other, so that the facilities of one are in memory.
        for code in codes {
            let facilities = facilities.remove(&code).unwrap_or_default();
            let requests = Vec::from_iter(requests.remove(&code).unwrap_or_default());
            let looked = self.look_at(code, &facilities, &requests).await;
            self.note(looked);
        }
        let (report, outcome) = (&self.report, Outcome::of(self.failed.is_none()).as_str());
        let duration_ms = ms(started.elapsed());
        tracing::info!(job = "check-information", ?report, outcome, duration_ms, "run");
        Ok(())
    }

    async fn look_at(
        &mut self,
        code: MunicipalityCode,
        facilities: &[FacilityId],
        requests: &[ChangeRequestId],
    ) -> Result<(), StoreError> {
        let facilities = self.store.facilities(facilities, false).await?;
        let requests = self.store.change_requests(requests).await?;
        self.report.looked_at += facilities.len();
        let due = information::due(&facilities, &requests, self.now);
        let (store, now) = (self.store, self.now);
        let reminders = due.facilities.into_iter().map(|(id, due)| remind(store, id, due, now));
        let mut reminders = stream::iter(reminders).buffer_unordered(AT_ONCE);
        while let Some(reminded) = reminders.next().await {
            self.report.reminded += usize::from(self.note(reminded).unwrap_or_default());
        }
        if !due.undecided.is_empty() {
            let notified = store.add_change_digest(code, &due.undecided, now).await?;
            self.report.notified += usize::from(notified);
        }
        Ok(())
    }

    /// What cannot be done keeps nothing else from being done.
    fn note<T>(&mut self, done: Result<T, StoreError>) -> Option<T> {
        done.map_err(|error| {
            tracing::error!(error = %ErrorChain(&error), "not reminded");
            self.failed = Some(error);
        })
        .ok()
    }
}

/// Reminds a facility that can be written to; tells whether this call did it.
async fn remind(
    store: &Store,
    facility: FacilityId,
    due: FacilityDue,
    now: Timestamp,
) -> Result<bool, StoreError> {
    if store.settings(&facility).await?.confirmed_addresses().is_empty() {
        return Ok(false);
    }
    store.remind_of_information(&facility, due, now).await
}
