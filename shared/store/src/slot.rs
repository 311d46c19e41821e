//! Slots: opening and listing them.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::{AttributeValue, ReturnConsumedCapacity, ReturnValue};
use domain::{
    Capacity, Facility, FacilityId, MunicipalityCode, ReservationNumber, Slot, SlotId, SlotNumber,
    Timestamp,
    slot::{Note, OpenSlot, SlotStatus},
};
use serde::{Deserialize, Serialize};

use crate::{
    Store, StoreError,
    condition::{
        Condition::{self, All, FewerThan, Is},
        Limit,
    },
    item::{Item, epoch_ms, from_item, number, to_item},
    keys::{
        Key,
        member::{self, parse_waiting},
        span::Span,
    },
    once::{Earlier, Once},
    query::Query,
    transaction::Transaction,
    write::Write,
};

#[derive(Serialize, Deserialize)]
struct SlotItem {
    slot_id: SlotId,
    slot_number: SlotNumber,
    facility_id: FacilityId,
    municipality_code: MunicipalityCode,
    #[serde(with = "epoch_ms")]
    starts_at: Timestamp,
    #[serde(with = "epoch_ms")]
    ends_at: Timestamp,
    capacity: Capacity,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    note: Option<Note>,
    disabled: bool,
    version: u32,
    #[serde(flatten)]
    sets: SetsItem,
}

/// The reservations of a slot, as sets of strings.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct SetsItem {
    #[serde(skip_serializing_if = "BTreeSet::is_empty", with = "serde_dynamo::string_set")]
    holding: BTreeSet<ReservationNumber>,
    #[serde(skip_serializing_if = "BTreeSet::is_empty", with = "serde_dynamo::string_set")]
    #[serde(rename = "asking")]
    undecided: BTreeSet<ReservationNumber>,
    #[serde(skip_serializing_if = "BTreeSet::is_empty", with = "serde_dynamo::string_set")]
    waiting: BTreeSet<String>,
}

fn item(slot: &Slot) -> Result<Item, StoreError> {
    to_item(&SlotItem {
        slot_id: slot.slot_id.clone(),
        slot_number: slot.slot_number.clone(),
        facility_id: slot.facility_id.clone(),
        municipality_code: slot.municipality_code,
        starts_at: slot.starts_at,
        ends_at: slot.ends_at,
        capacity: slot.capacity,
        note: slot.note.clone(),
        disabled: slot.disabled,
        version: slot.version,
        sets: SetsItem {
            holding: slot.holding.clone(),
            undecided: slot.undecided.clone(),
            waiting: slot.waiting.iter().map(|(at, n)| member::waiting(*at, n)).collect(),
        },
    })
}

/// A slot from its item, as the table or its stream gives it.
pub fn from_table(item: Item) -> Result<Slot, StoreError> {
    let item: SlotItem = from_item(item)?;
    let unknown = || StoreError::UnknownForm("a member of a slot's set".into());
    Ok(Slot {
        slot_id: item.slot_id,
        slot_number: item.slot_number,
        facility_id: item.facility_id,
        municipality_code: item.municipality_code,
        starts_at: item.starts_at,
        ends_at: item.ends_at,
        capacity: item.capacity,
        note: item.note,
        disabled: item.disabled,
        holding: item.sets.holding,
        undecided: item.sets.undecided,
        waiting: item
            .sets
            .waiting
            .iter()
            .map(|member| parse_waiting(member).ok_or_else(unknown))
            .collect::<Result<_, _>>()?,
        version: item.version,
    })
}

/// Makes the answer to a request of the slots that it opened.
pub type FirstAnswer<'a> = dyn Fn(&[Slot]) -> Result<String, serde_json::Error> + Sync + 'a;

/// What came of opening slots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OpenSlotsOutcome {
    /// They are open: each as it was opened, in the order of the plan.
    Done(Vec<Slot>),
    /// A request under the same idempotency key was faster.
    Earlier(Earlier),
}

/// What came of a change of a slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SlotChangeOutcome {
    /// It happened; the slot as it is now.
    Done(Slot),
    /// It did not: the slot is this, newer than what was read.
    Stale(Slot),
}

/// DynamoDB takes 100 writes in one transaction; the facility is one, the answer another.
const SLOTS_AT_ONCE: usize = 98;

/// How many slots are read at once to find a free one.
pub const SLOTS_LOOKED_AT: usize = 20;

impl Store {
    /// One slot. `consistent` sees what was written a moment ago, at twice the cost.
    pub async fn slot(
        &self,
        facility: &FacilityId,
        id: &SlotId,
        consistent: bool,
    ) -> Result<Option<Slot>, StoreError> {
        let item = self.get_item(Key::Slot(facility.clone(), id.clone()), consistent).await?;
        item.map(from_table).transpose()
    }

    /// Writes what staff changed of a slot, compare-and-set on its version, while the places that are held
    /// fit into its capacity (SLOT-02). Otherwise tells what the slot is now.
    ///
    /// A transaction of one write: its repeat is known as such, which no version and no content could tell
    /// from the same change by somebody else.
    pub async fn change_slot(
        &self,
        read: &Slot,
        next: &Slot,
    ) -> Result<SlotChangeOutcome, StoreError> {
        let key = key(read);
        let fits = number(i64::from(next.capacity.get()) + 1);
        let fits = FewerThan("holding".into(), Limit::Value(fits));
        let unchanged = Is("version".into(), number(read.version));
        let write = Write::update(key.clone(), All(vec![unchanged, fits]))
            .set("capacity", number(i64::from(next.capacity.get())))
            .set("disabled", AttributeValue::Bool(next.disabled))
            .set("version", number(read.version + 1));
        let write = match &next.note {
            Some(note) => write.set("note", AttributeValue::S(note.as_str().into())),
            None => write.remove("note"),
        };
        match self.transact(vec![write]).await? {
            Transaction::Done => {
                let slot = self.slot(&read.facility_id, &read.slot_id, true).await?;
                slot.map(SlotChangeOutcome::Done).ok_or(StoreError::Conflict)
            }
            Transaction::Refused(refusals) => {
                let found = refusals.of(&key).ok_or(StoreError::Conflict)?;
                Ok(SlotChangeOutcome::Stale(from_table(found.expected()?)?))
            }
        }
    }

    /// The slots of a facility that start in this span, by time: up to `limit`, after a slot.
    pub async fn slots(
        &self,
        facility: &FacilityId,
        from: Timestamp,
        until: Timestamp,
        limit: usize,
        after: Option<&SlotId>,
    ) -> Result<Vec<Slot>, StoreError> {
        let span = Span::slots(facility, (from, until), after);
        self.list(&Query::of(span), Some(limit), from_table).await
    }

    /// The first slot of a facility until then that has a free place and still takes requests: one of the first
    /// [`SLOTS_LOOKED_AT`], which are read beside the facility, or a later one.
    pub async fn next_free_slot(
        &self,
        facility: &Facility,
        mut slots: Vec<Slot>,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<Slot>, StoreError> {
        let free = |slot: &Slot| {
            slot.status(now) == SlotStatus::Open && facility.still_takes(slot.starts_at, now)
        };
        loop {
            let Some(last) = slots.last().map(|slot| slot.slot_id.clone()) else { return Ok(None) };
            if let Some(slot) = slots.into_iter().find(free) {
                return Ok(Some(slot));
            }
            let id = &facility.facility_id;
            slots = self.slots(id, now, until, SLOTS_LOOKED_AT, Some(&last)).await?;
        }
    }

    /// Opens slots of a facility, which becomes bookable with the first of them.
    ///
    /// `plan` names each slot's id, derived from the idempotency key and the body: a request that was cut
    /// half-way is completed by its repeat. Numbers are given out in order, with gaps where a
    /// request was repeated. The last of them are written with what `answer` makes of all.
    pub async fn open_slots(
        &self,
        facility: &Facility,
        plan: Vec<(SlotId, OpenSlot)>,
        once: &Once,
        answer: &FirstAnswer<'_>,
        now: Timestamp,
    ) -> Result<OpenSlotsOutcome, StoreError> {
        let mut opened = Vec::with_capacity(plan.len());
        let mut plan = plan.into_iter().peekable();
        loop {
            let from = opened.len();
            let chunk: Vec<_> = plan.by_ref().take(SLOTS_AT_ONCE).collect();
            let first = if chunk.is_empty() { 0 } else { self.count_slots(chunk.len()).await? };
            opened.extend(chunk.into_iter().zip(first..).map(|((slot_id, open), count)| {
                let (facility_id, code) =
                    (facility.facility_id.clone(), facility.municipality_code);
                Slot::new(slot_id, SlotNumber::nth(count), facility_id, code, open)
            }));
            let last = plan.peek().is_none().then_some((once, answer));
            let met = self.put_new_slots(facility, &mut opened, from, last, now).await?;
            match (met, last) {
                (Some(earlier), _) => return Ok(OpenSlotsOutcome::Earlier(earlier)),
                (None, Some(_)) => return Ok(OpenSlotsOutcome::Done(opened)),
                (None, None) => {}
            }
        }
    }

    /// Writes those of the slots after a place that do not exist, all as they were opened, and with the last of a
    /// request the answer to it. Returns what an earlier request left, if there was one.
    async fn put_new_slots(
        &self,
        facility: &Facility,
        slots: &mut [Slot],
        from: usize,
        last: Option<(&Once, &FirstAnswer<'_>)>,
        now: Timestamp,
    ) -> Result<Option<Earlier>, StoreError> {
        let mut missing: Vec<usize> = (from..slots.len()).collect();
        loop {
            let mut writes = Vec::with_capacity(missing.len() + 2);
            for place in &missing {
                writes.push(Write::create(key(&slots[*place]), item(&slots[*place])?));
            }
            if !facility.bookable && !missing.is_empty() {
                writes.push(make_bookable(&facility.facility_id, now)?);
            }
            if let Some((once, answer)) = last {
                let answer =
                    answer(slots).map_err(|error| StoreError::UnknownForm(error.into()))?;
                writes.push(self.answered(once, answer, now)?);
            }
            if writes.is_empty() {
                return Ok(None);
            }
            let refusals = match self.transact(writes).await? {
                Transaction::Done => return Ok(None),
                Transaction::Refused(refusals) => refusals,
            };
            if let Some((once, _)) = last
                && let Some(earlier) = once.met(&refusals)?
            {
                return Ok(Some(earlier));
            }
            let mut still_missing = Vec::new();
            for place in &missing {
                match refusals.of(&key(&slots[*place])) {
                    Some(existing) => {
                        let existing = from_table(existing.expected()?)?;
                        slots[*place].slot_number = existing.slot_number;
                        slots[*place].capacity = existing.capacity;
                    }
                    None => still_missing.push(*place),
                }
            }
            if still_missing.len() == missing.len() {
                return Err(StoreError::Conflict);
            }
            missing = still_missing;
        }
    }

    /// Counts slots and returns the number of the first of them.
    async fn count_slots(&self, slots: usize) -> Result<u64, StoreError> {
        let output = self
            .db
            .update_item()
            .table_name(&*self.table)
            .set_key(Some(Key::SlotCount().attributes()))
            .update_expression("ADD slots :slots")
            .expression_attribute_values(":slots", number(slots as i64))
            .return_values(ReturnValue::UpdatedNew)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await?;
        self.meter.write(output.consumed_capacity());
        let count: u64 = output
            .attributes
            .and_then(|mut updated| updated.remove("slots"))
            .and_then(|count| count.as_n().ok()?.parse().ok())
            .ok_or_else(|| StoreError::UnknownForm("the count of slots".into()))?;
        Ok(count - slots as u64 + 1)
    }
}

fn key(slot: &Slot) -> Key {
    Key::Slot(slot.facility_id.clone(), slot.slot_id.clone())
}

fn make_bookable(facility: &FacilityId, now: Timestamp) -> Result<Write, StoreError> {
    Ok(Write::update(Key::Facility(facility.clone()), Condition::Present)
        .set("bookable", AttributeValue::Bool(true))
        .set("updated_at", serde_dynamo::to_attribute_value(now)?))
}
