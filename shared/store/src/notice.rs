//! What was sent about requests that wait: an item for each asking and each digest, so that two
//! runs of the job send once, and the stream tells the mailer.

use domain::{
    FacilityId, MunicipalityCode, ReservationNumber, Timestamp,
    reminder::{self, PendingRequest},
};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::{
    Store, StoreError,
    item::{Item, epoch_ms, from_item, number, to_item},
    keys::{Hour, Key, Month},
    reservation::put_over,
    schema::EXPIRES_AT,
    write::Write,
};

/// A waiting request as a mail lists it. Holds no personal data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// Its number.
    pub reservation_number: ReservationNumber,
    /// The nursery.
    pub facility_id: FacilityId,
    /// When it was asked for.
    #[serde(with = "epoch_ms")]
    pub requested_at: Timestamp,
    /// When the visit would be.
    #[serde(with = "epoch_ms")]
    pub starts_at: Timestamp,
    /// How often the nursery was asked, this time included.
    #[serde(rename = "asked_count")]
    pub reminder_count: u32,
    /// Whether the visit comes before the next business day is over (RSV-16).
    #[serde(default)]
    pub urgent: bool,
}

/// One mail to a facility that lists its overdue requests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingReminder {
    /// The facility.
    pub facility_id: FacilityId,
    /// The hour of the run.
    #[serde(with = "epoch_ms")]
    pub at: Timestamp,
    /// What it lists, oldest first.
    pub requests: Vec<Listed>,
}

/// A mail to a municipality that lists what its facilities were asked about twice or more: all of it, or a part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digest {
    /// The municipality.
    pub municipality_code: MunicipalityCode,
    /// The hour of the run.
    #[serde(with = "epoch_ms")]
    pub at: Timestamp,
    /// What it lists, by facility, oldest first.
    pub requests: Vec<Listed>,
    /// Which part it is, counted from 1.
    #[serde(default = "one")]
    pub part: usize,
    /// How many parts there are.
    #[serde(default = "one")]
    pub parts: usize,
}

fn one() -> usize {
    1
}

/// One mail to a facility that has opened no slots for a month yet (SLOT-08).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlotPlanReminder {
    /// The facility.
    pub facility_id: FacilityId,
    /// The first day of the month.
    pub month: Date,
    /// When it was looked at.
    #[serde(with = "epoch_ms")]
    pub at: Timestamp,
}

/// One mail to a municipality that lists its facilities that were asked to open slots (SLOT-10).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanDigest {
    /// The municipality.
    pub municipality_code: MunicipalityCode,
    /// The first day of the month.
    pub month: Date,
    /// When it was looked at.
    #[serde(with = "epoch_ms")]
    pub at: Timestamp,
    /// The facilities.
    pub facilities: Vec<FacilityId>,
}

/// Askings and digests are kept for a year, for the reports.
const KEPT_SECONDS: i64 = 366 * 24 * 3600;

/// One mail lists this many requests at most: what one transaction can note down. A facility with
/// more is asked about the rest in the next hour.
const LISTED_AT_MOST: usize = 99;

/// One mail to a municipality lists this many requests at most: an item may have 400 KB, and one of them takes about
/// 180 bytes. The parts of a digest are written in one transaction, of 100 items and 4 MB at most.
const DIGEST_LISTS_AT_MOST: usize = 500;

/// An asking from its item, as the table or its stream gives it.
pub fn pending_reminder_from_table(item: Item) -> Result<PendingReminder, StoreError> {
    from_item(item)
}

/// A digest from its item, as the table or its stream gives it.
pub fn digest_from_table(item: Item) -> Result<Digest, StoreError> {
    from_item(item)
}

/// An asking to open slots from its item, as the table or its stream gives it.
pub fn slot_plan_reminder_from_table(item: Item) -> Result<SlotPlanReminder, StoreError> {
    from_item(item)
}

/// A list of facilities without slots from its item, as the table or its stream gives it.
pub fn plan_digest_from_table(item: Item) -> Result<PlanDigest, StoreError> {
    from_item(item)
}

fn listed(pending: &PendingRequest, times: u32, now: Timestamp) -> Listed {
    Listed {
        reservation_number: pending.reservation_number.clone(),
        facility_id: pending.facility_id.clone(),
        requested_at: pending.requested_at,
        starts_at: pending.starts_at,
        reminder_count: times,
        urgent: pending.is_urgent(now),
    }
}

impl Store {
    /// Asks a facility about its overdue requests: notes each as asked and records the mail, in one
    /// transaction. Requests that were answered or asked about meanwhile are left out; returns how
    /// many remained.
    pub async fn remind(
        &self,
        facility: &FacilityId,
        overdue: &[PendingRequest],
        now: Timestamp,
    ) -> Result<usize, StoreError> {
        // Once more is enough: whoever changed them in between was another run or an answer.
        for _ in 0..2 {
            let overdue = &overdue[..overdue.len().min(LISTED_AT_MOST)];
            let numbers: Vec<_> =
                overdue.iter().map(|pending| pending.reservation_number.clone()).collect();
            let (mut writes, mut requests) = (Vec::new(), Vec::new());
            for current in self.reservations(&numbers).await? {
                let Some(pending) = overdue
                    .iter()
                    .find(|pending| pending.reservation_number == current.reservation_number)
                else {
                    continue;
                };
                let Some(next) = reminder::remind(&current, pending, now) else { continue };
                requests.push(listed(
                    pending,
                    next.reminders.map_or(1, |reminders| reminders.count),
                    now,
                ));
                writes.push(put_over(&current, &next)?);
            }
            if requests.is_empty() {
                return Ok(0);
            }
            let reminders = requests.len();
            let pending_reminder =
                PendingReminder { facility_id: facility.clone(), at: now, requests };
            let key = Key::PendingReminder(facility.clone(), Hour(now));
            writes.push(Write::create(key, kept(to_item(&pending_reminder)?, now)));
            if self.transact(writes).await?.is_done() {
                return Ok(reminders);
            }
        }
        Ok(0)
    }

    /// Records the digest of a municipality for today, in as many parts as it takes; tells whether this call did it.
    pub async fn add_digest(
        &self,
        code: MunicipalityCode,
        pending: &[PendingRequest],
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let list = |pending: &PendingRequest| {
            listed(pending, pending.reminders.map_or(0, |reminders| reminders.count), now)
        };
        let parts = pending.chunks(DIGEST_LISTS_AT_MOST);
        let count = parts.len();
        let writes: Result<Vec<_>, StoreError> = parts
            .zip(1..)
            .map(|(requests, part)| {
                let requests = requests.iter().map(list).collect();
                let digest =
                    Digest { municipality_code: code, at: now, requests, part, parts: count };
                let key = Key::digest(code, now.date(), part);
                Ok(Write::create(key, kept(to_item(&digest)?, now)))
            })
            .collect();
        Ok(self.transact(writes?).await?.is_done())
    }

    /// One asking.
    pub async fn pending_reminder(
        &self,
        facility: &FacilityId,
        at: Timestamp,
    ) -> Result<Option<PendingReminder>, StoreError> {
        self.get_item(Key::PendingReminder(facility.clone(), Hour(at)), false)
            .await?
            .map(pending_reminder_from_table)
            .transpose()
    }

    /// A part of a digest.
    pub async fn digest(
        &self,
        code: MunicipalityCode,
        day: Date,
        part: usize,
    ) -> Result<Option<Digest>, StoreError> {
        let item = self.get_item(Key::digest(code, day, part), false).await?;
        item.map(digest_from_table).transpose()
    }

    /// Asks a facility to open slots for a month; tells whether this call did it.
    pub async fn remind_of_slots(
        &self,
        facility: &FacilityId,
        month: Date,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let reminder = SlotPlanReminder { facility_id: facility.clone(), month, at: now };
        let key = Key::SlotPlanReminder(facility.clone(), Month(month));
        self.add_notice(key, to_item(&reminder)?, now).await
    }

    /// Records which facilities of a municipality have no slots for a month; tells whether this call
    /// did it.
    pub async fn add_plan_digest(&self, digest: &PlanDigest) -> Result<bool, StoreError> {
        let key = Key::PlanDigest(digest.municipality_code, Month(digest.month));
        self.add_notice(key, to_item(digest)?, digest.at).await
    }

    /// A municipality's list of facilities without slots for a month.
    pub async fn plan_digest(
        &self,
        code: MunicipalityCode,
        month: Date,
    ) -> Result<Option<PlanDigest>, StoreError> {
        let item = self.get_item(Key::PlanDigest(code, Month(month)), false).await?;
        item.map(plan_digest_from_table).transpose()
    }

    /// Records a notice; tells whether this call did it.
    pub(crate) async fn add_notice(
        &self,
        key: Key,
        item: Item,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        Ok(self.write(Write::create(key, kept(item, now))).await?.is_done())
    }
}

pub(crate) fn kept(mut item: Item, now: Timestamp) -> Item {
    item.insert(EXPIRES_AT.into(), number(now.epoch_ms() / 1000 + KEPT_SECONDS));
    item
}
