//! What is found of a history when it is over: whether it is linearizable, and whether the places agree.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    ops::AddAssign,
    time::{Duration, Instant},
};

use domain::{Reservation, ReservationNumber, SlotId, Status, reservation::Actor};
use http::Method;
use porcupine_rs::{Operation, check_operations};
use serde_json::Value;

use super::{
    client::{count, of},
    door::Who,
    history::{History, moment},
    model::{Contract, Op, holds_place},
    witness::for_checker,
};

/// How many, and what was found.
#[derive(Debug, Default)]
pub struct Totals {
    pub histories: usize,
    pub operations: usize,
    /// Answers that told a client that somebody else had been faster, or that a rule said no.
    pub conflicts: usize,
    /// What was not available.
    pub unknown: usize,
    /// Offers and expiries.
    pub by_time: usize,
    /// How long the checker took.
    pub checking: Duration,
    /// What is wrong, by the names of the histories.
    pub not_linearizable: Vec<String>,
    pub oversold: Vec<String>,
    pub disagree: Vec<String>,
}

impl AddAssign for Totals {
    fn add_assign(&mut self, other: Self) {
        self.histories += other.histories;
        self.operations += other.operations;
        self.conflicts += other.conflicts;
        self.unknown += other.unknown;
        self.by_time += other.by_time;
        self.checking += other.checking;
        self.not_linearizable.extend(other.not_linearizable);
        self.oversold.extend(other.oversold);
        self.disagree.extend(other.disagree);
    }
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} histories, {} operations, {} conflicts, {} by time, {} not available: \
             {} not linearizable, {} oversold, {} with lost places; checked in {:.1?}",
            self.histories,
            self.operations,
            self.conflicts,
            self.by_time,
            self.unknown,
            self.not_linearizable.len(),
            self.oversold.len(),
            self.disagree.len(),
            self.checking,
        )
    }
}

impl Totals {
    /// Whether nothing is wrong.
    pub fn are_right(&self) -> bool {
        self.not_linearizable.is_empty() && self.oversold.is_empty() && self.disagree.is_empty()
    }
}

/// What is recorded of a reservation, as staff see it.
struct Recorded {
    id: usize,
    number: ReservationNumber,
    status: Status,
    sequence: u32,
    would_wait: bool,
    asked: u64,
    /// What the hub did to it.
    by_hub: Vec<Status>,
}

impl Recorded {
    fn of(body: &Value) -> Self {
        let history = body["history"].as_array().into_iter().flatten();
        Self {
            id: of(body, "message_to_facility"),
            number: of(body, "reservation_number"),
            status: of(body, "status"),
            sequence: count(body, "sequence"),
            would_wait: false,
            asked: body["reminders"]["count"].as_u64().unwrap_or_default(),
            by_hub: history
                .filter(|change| change["by"] == "hub")
                .map(|change| of(change, "to"))
                .collect(),
        }
    }

    /// What nobody confirmed.
    fn unconfirmed(id: usize, reservation: &Reservation) -> Self {
        let by_hub = reservation.history.iter().filter(|change| change.by == Actor::Hub);
        Self {
            id,
            number: reservation.reservation_number.clone(),
            status: reservation.status,
            sequence: reservation.sequence,
            would_wait: reservation.would_wait,
            asked: 0,
            by_hub: by_hub.map(|change| change.to).collect(),
        }
    }
}

impl History {
    /// Every reservation of the slot.
    async fn recorded(&self) -> Vec<Recorded> {
        let day = self.starts_at.date();
        let list = format!(
            "/v1/staff/facilities/{}/reservations?from={day}&to={day}&limit=100",
            self.door.facility()
        );
        let (mut found, mut cursor) = (Vec::new(), String::new());
        loop {
            let path = format!("{list}{cursor}");
            let page = self.door.call(&Who::Staff, Method::GET, &path, None, None).await.body;
            let items = page["items"].as_array().into_iter().flatten();
            let own = items.filter(|item| item["slot_id"] == self.slot_id.as_str());
            found.extend(own.map(Recorded::of));
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        let known = self.known.lock().unwrap().clone();
        for known in known.into_iter().filter(|known| known.portal) {
            let reservation = self.door.of_portal(&known.number).await;
            if let Some(reservation) = reservation.filter(|it| !it.is_confirmed()) {
                found.push(Recorded::unconfirmed(known.id, &reservation));
            }
        }
        found
    }

    /// Looks at everything once more, now that nobody does anything, and judges. Time did its work between
    /// `began` and now; the feed was read when all was told.
    pub async fn verdict(
        &self,
        began: i64,
        pending_holds_place: bool,
        feed: &BTreeMap<SlotId, Value>,
    ) -> Totals {
        let time_ended = moment();
        let recorded = self.recorded().await;
        for found in &recorded {
            let &Recorded { id, status, sequence, .. } = found;
            for to in &found.by_hub {
                self.note(0, (began, time_ended), Op::ByTime { id, to: *to });
            }
            for _ in 0..found.asked {
                self.note(0, (began, time_ended), Op::Reminders { id });
            }
            self.note(0, (moment(), moment()), Op::Read { id, status, sequence });
        }
        self.look(0).await;
        let slot = self.look_as_anybody(0).await;
        let (capacity, remaining): (usize, usize) =
            (count(&slot, "capacity"), count(&slot, "remaining"));
        let holding: BTreeSet<ReservationNumber> = recorded
            .iter()
            .filter(|found| !(found.would_wait && found.status == Status::Unconfirmed))
            .filter(|found| holds_place(found.status, pending_holds_place))
            .map(|found| found.number.clone())
            .collect();

        let operations = self.operations();
        let started = Instant::now();
        let to_check = for_checker(operations.clone());
        let linearizable = check_operations(&to_check);
        let mut totals = Totals {
            histories: 1,
            operations: operations.len(),
            conflicts: operations.iter().filter(|it| it.op.is_refused()).count(),
            unknown: operations.iter().filter(|it| it.return_time == i64::MAX).count(),
            by_time: operations.iter().filter(|it| matches!(it.op, Op::ByTime { .. })).count(),
            checking: started.elapsed(),
            ..Totals::default()
        };
        let name = || self.name.clone();
        if !linearizable {
            totals.not_linearizable.push(format!("{}\n{}", self.name, told(to_check)));
        }
        if holding.len() > capacity {
            totals.oversold.push(name());
        }
        let agrees = self.door.holding(&self.slot_id).await.is_none_or(|set| set == holding);
        // A slot that is disabled is in no feed.
        let in_feed = Some(&slot).filter(|slot| slot["status"] != "disabled");
        let feed_agrees = feed.get(&self.slot_id) == in_feed;
        if holding.len() + remaining != capacity || !agrees || !feed_agrees {
            totals.disagree.push(name());
        }
        totals
    }
}

/// The operations, for somebody who looks for what is wrong.
fn told(mut operations: Vec<Operation<Contract>>) -> String {
    operations.sort_by_key(|it| it.call_time);
    let line = |it: &Operation<Contract>| {
        format!("  {:?} {}..{} {:?}\n", it.client_id, it.call_time, it.return_time, it.op)
    };
    operations.iter().map(line).collect()
}
