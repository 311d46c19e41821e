//! Hourly: asks nurseries about requests that wait for more than a day, and tells municipalities of those
//! that were asked about twice (NTF-07, RSV-18, RSV-20).
//!
//! The job only writes: that a request was asked about, and what the mail lists, in one transaction
//! for each facility. The stream sends. Two runs at once, or a run that was cut and repeated, ask
//! once.

use std::collections::BTreeMap;

use domain::{
    Timestamp,
    reminder::{self, PendingRequest},
};
use futures::{StreamExt, stream};
use runtime::telemetry::{self, ErrorChain, Outcome, ms};
use serde::{Deserialize, Serialize};
use store::{Store, StoreError};

/// What the schedule sends.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Scheduled {
    /// The time for which the run was scheduled; a run that starts late counts from it.
    pub scheduled_at: Timestamp,
}

/// What a run did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Requests that wait for an answer.
    pub pending: usize,
    /// Those that wait for more than a day.
    pub overdue: usize,
    /// Requests that were asked about.
    pub reminded: usize,
    /// Facilities that were asked.
    pub facilities: usize,
    /// Municipalities that get a digest.
    pub digests: usize,
}

/// How many nurseries, and how many municipalities, are written to at once.
const AT_ONCE: usize = 16;

/// Runs the job for an hour. Outside of business hours it does nothing.
pub async fn run(store: &Store, scheduled_at: Timestamp) -> Result<Report, StoreError> {
    telemetry::scheduled("ping-pending", scheduled_at, remind(store, scheduled_at)).await
}

async fn remind(store: &Store, scheduled_at: Timestamp) -> Result<Report, StoreError> {
    let started = std::time::Instant::now();
    let now = scheduled_at.hour_start();
    let mut report = Report::default();
    if !now.is_business_hour() {
        return Ok(report);
    }
    let waiting = store.pending().await?;
    report.pending = waiting.len();
    report.overdue = waiting.iter().filter(|w| w.is_overdue(now)).count();
    let mut failed = None;
    // First, because they tell what earlier runs asked and need not wait for this one.
    if reminder::is_digest_hour(now) {
        let escalated = grouped(&waiting, |w| w.is_escalated(now), |w| w.municipality_code);
        let additions = escalated.into_iter().map(|(code, waiting)| async move {
            store.add_digest(code, &waiting, now).await.map(usize::from)
        });
        for added in each(additions, &mut failed).await {
            report.digests += added;
        }
    }
    let due = grouped(&waiting, |w| w.is_due(now), |w| w.facility_id.clone());
    let remind = due
        .into_iter()
        .map(|(facility, due)| async move { store.remind(&facility, &due, now).await });
    for reminded in each(remind, &mut failed).await {
        report.reminded += reminded;
        report.facilities += usize::from(reminded > 0);
    }
    tracing::info!(
        job = "ping-pending",
        ?report,
        PendingOlderThanADay = report.overdue,
        outcome = Outcome::of(failed.is_none()).as_str(),
        duration_ms = ms(started.elapsed()),
        "run"
    );
    failed.map_or(Ok(report), Err)
}

fn grouped<K: Ord>(
    pending: &[PendingRequest],
    concerns: impl Fn(&PendingRequest) -> bool,
    key: impl Fn(&PendingRequest) -> K,
) -> BTreeMap<K, Vec<PendingRequest>> {
    let mut groups = BTreeMap::<K, Vec<PendingRequest>>::new();
    for one in pending.iter().filter(|one| concerns(one)) {
        groups.entry(key(one)).or_default().push(one.clone());
    }
    groups
}

/// Does all of the work, several parts at once. One that fails keeps no other from being done.
async fn each(
    work: impl Iterator<Item = impl Future<Output = Result<usize, StoreError>>>,
    failed: &mut Option<StoreError>,
) -> Vec<usize> {
    let results: Vec<_> = stream::iter(work).buffer_unordered(AT_ONCE).collect().await;
    let mut done = Vec::new();
    for result in results {
        match result {
            Ok(count) => done.push(count),
            Err(error) => {
                tracing::error!(error = %ErrorChain(&error), "not asked");
                *failed = Some(error);
            }
        }
    }
    done
}
