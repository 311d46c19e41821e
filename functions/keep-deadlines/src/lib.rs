//! Every minute: does what time does to reservations. It approves where the nursery wants it (RSV-19), offers
//! places that came free, gives up what nobody confirmed or answered in time (RSV-20), reminds parents
//! on the day before the visit, and completes visits on the day after. It takes what is long past out of its feed,
//! publishes procedures on their day, and brings into the feeds what was there before them.
//!
//! The table lists what is due in order of time, so a run reads what is due and no more. An entry only
//! says when to look: what is done is a change like any other, compare-and-set, so two runs at once or a
//! run that was cut do everything once.

use std::collections::BTreeSet;

use domain::{
    Refusal, Reservation, Status, Timestamp,
    feed::Feed,
    reservation::{Action, Actor},
};
use futures::{StreamExt, stream};
use runtime::telemetry::{self, ErrorChain, Outcome, ms};
use serde::{Deserialize, Serialize};
use store::{ChangeOutcome, Deadline, Store, StoreError};

/// What the schedule sends.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Scheduled {
    /// The time for which the run was scheduled.
    pub scheduled_at: Timestamp,
}

/// What a run did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Entries that were due.
    pub due: usize,
    /// Reservations that were approved in the nursery's place.
    pub approved: usize,
    /// Families that were offered a place.
    pub offered: usize,
    /// Reservations that were given up.
    pub expired: usize,
    /// Parents that were reminded.
    pub reminded: usize,
    /// Visits that were completed.
    pub completed: usize,
    /// What entered or left its feed.
    pub feed_turns: usize,
    /// What was looked at because it was there before its feed.
    pub feed_built: usize,
    /// Entries that were put off, because something failed.
    pub failed: usize,
}

/// How many entries are read at a time, and how many reservations are worked on at once.
const AT_A_TIME: usize = 100;
const AT_ONCE: usize = 8;

/// A run takes this many entries at most: what is left, the next minute goes on with.
const A_RUN: usize = 5_000;

/// Of so many facilities what they have is brought into the feeds in a run.
const BUILT_AT_ONCE: usize = 200;

/// What fails is looked at again after this time, so that it does not keep the rest waiting.
const PUT_OFF: jiff::SignedDuration = jiff::SignedDuration::from_mins(10);

/// Does all that is due at this time.
pub async fn run(store: &Store, now: Timestamp) -> Result<Report, StoreError> {
    telemetry::scheduled("keep-deadlines", now, keep_due(store, now)).await
}

async fn keep_due(store: &Store, now: Timestamp) -> Result<Report, StoreError> {
    let started = std::time::Instant::now();
    let mut report = Report::default();
    keep_deadlines(store, now, &mut report).await?;
    for feed in Feed::ALL {
        turn_feed(store, feed, now, &mut report).await?;
    }
    report.feed_built = store.build_feeds(BUILT_AT_ONCE, now).await?;
    // Most minutes have nothing to tell.
    if report.due + report.feed_built > 0 {
        let outcome = Outcome::of(report.failed == 0).as_str();
        let duration_ms = ms(started.elapsed());
        tracing::info!(job = "keep-deadlines", ?report, outcome, duration_ms, "run");
    }
    Ok(report)
}

async fn keep_deadlines(
    store: &Store,
    now: Timestamp,
    report: &mut Report,
) -> Result<(), StoreError> {
    while report.due < A_RUN {
        let due = store.deadlines(now, AT_A_TIME).await?;
        if due.is_empty() {
            break;
        }
        report.due += due.len();
        let work = due.into_iter().map(|deadline| async move {
            let done = keep(store, &deadline, now).await;
            (deadline, done)
        });
        let mut kept = stream::iter(work).buffer_unordered(AT_ONCE);
        while let Some((deadline, done)) = kept.next().await {
            match done {
                Ok(done) => report.count(&done),
                Err(error) => {
                    let number = &deadline.reservation_number;
                    tracing::error!(reservation_number = %number, error = %ErrorChain(&error), "put off");
                    report.failed += 1;
                    store.add_deadline(now + PUT_OFF, number).await?;
                    store.remove_deadline(deadline.at, number).await?;
                }
            }
        }
    }
    Ok(())
}

/// Has a feed say what time changed, of as many things at once as one transaction takes.
async fn turn_feed(
    store: &Store,
    feed: Feed,
    now: Timestamp,
    report: &mut Report,
) -> Result<(), StoreError> {
    for _ in 0..A_RUN / AT_A_TIME {
        let due = store.feed_turns(feed, now, AT_A_TIME).await?;
        if due.is_empty() {
            break;
        }
        report.due += due.len();
        let things: BTreeSet<_> = due.iter().map(|turn| turn.thing.clone()).collect();
        let together = store.publish(&things, now).await;
        for turn in due {
            // Where it failed, each alone: the others need not wait for the one that cannot be told.
            let told = match &together {
                Ok(_) => Ok(0),
                Err(_) => store.publish(&BTreeSet::from([turn.thing.clone()]), now).await,
            };
            match told {
                Ok(told) => {
                    report.feed_turns += told;
                    store.remove_turn(&turn).await?;
                }
                Err(error) => {
                    let (feed, id) = (feed.name(), turn.thing.id());
                    tracing::error!(feed, id, error = %ErrorChain(&error), "put off");
                    report.failed += 1;
                    store.put_off_turn(&turn, now + PUT_OFF).await?;
                }
            }
        }
        report.feed_turns += together.unwrap_or_default();
    }
    Ok(())
}

/// What was done about an entry.
#[derive(Default)]
struct Done {
    became: Option<Status>,
    reminded: bool,
    offered: usize,
}

impl Report {
    /// With what another run did.
    pub fn add(&mut self, other: &Self) {
        self.due += other.due;
        self.approved += other.approved;
        self.offered += other.offered;
        self.expired += other.expired;
        self.reminded += other.reminded;
        self.completed += other.completed;
        self.feed_turns += other.feed_turns;
        self.feed_built += other.feed_built;
        self.failed += other.failed;
    }

    fn count(&mut self, done: &Done) {
        self.offered += done.offered;
        self.reminded += usize::from(done.reminded);
        match done.became {
            Some(Status::Approved) => self.approved += 1,
            Some(Status::Expired) => self.expired += 1,
            Some(Status::Completed) => self.completed += 1,
            _ => {}
        }
    }
}

/// Does what is due about one reservation, and takes the entry away.
async fn keep(store: &Store, deadline: &Deadline, now: Timestamp) -> Result<Done, StoreError> {
    let number = &deadline.reservation_number;
    let mut done = Done::default();
    if let Some(reservation) = store.reservation(number, true).await? {
        let settings = store.settings(&reservation.facility_id).await?;
        let changed = store.change(number, |current| current.after_time(&settings, now)).await?;
        let current = match changed {
            ChangeOutcome::Done(next) => {
                done.became = (next.status != reservation.status).then_some(next.status);
                done.reminded = next.reminded_at != reservation.reminded_at;
                Some(next)
            }
            ChangeOutcome::Already(current) => Some(current),
            // A place that it needs is not there: it waits for the next thing that time does.
            ChangeOutcome::Refused(_) => Some(Box::new(reservation)),
            ChangeOutcome::NotFound => None,
        };
        if let Some(current) = current {
            if current.status == Status::Waiting {
                done.offered = offer(store, &current, &settings, now).await?;
            }
            // A change brings its own entry by way of the stream; what did not change keeps one here.
            if let Some(at) = current.due_after(now) {
                store.add_deadline(at, number).await?;
            }
        }
    }
    store.remove_deadline(deadline.at, number).await?;
    Ok(done)
}

/// Offers the free places of a slot to those who wait for them, in their order.
async fn offer(
    store: &Store,
    waiting: &Reservation,
    settings: &domain::Settings,
    now: Timestamp,
) -> Result<usize, StoreError> {
    let mut offered = 0;
    let action = Action::Offer { settings: settings.clone() };
    loop {
        let slot = store.slot(&waiting.facility_id, &waiting.slot_id, true).await?;
        let Some(next) = slot.as_ref().and_then(|slot| slot.next_waiting(now)) else {
            return Ok(offered);
        };
        match store.change(next, |current| current.after(&action, Actor::Hub, now)).await? {
            ChangeOutcome::Done(_) => offered += 1,
            // Another run, or the parent, was faster: the slot knows.
            ChangeOutcome::Already(_) | ChangeOutcome::Refused(Refusal::StateConflict { .. }) => {}
            ChangeOutcome::Refused(_) | ChangeOutcome::NotFound => return Ok(offered),
        }
    }
}
