//! Lists of reservations: a search site's own, and what waits for an answer.

use std::collections::{BTreeSet, HashMap};

use aws_sdk_dynamodb::types::AttributeValue;
use domain::{
    ClientId, FacilityId, MunicipalityCode, Reservation, ReservationNumber, SlotId, Status,
    Timestamp, reminder::PendingRequest,
};
use serde::{Deserialize, Serialize};

use crate::{
    Store, StoreError,
    condition::Condition::{self, Above, All, Is},
    item::{Item, epoch_ms, from_item, known, number, some_epoch_ms, to_item},
    keys::{Key, span::Span},
    query::Query,
    reservation::{RemindersItem, from_table, number_of},
    schema::{BY_CLIENT, PENDING},
    write::Write,
};

/// Which reservations of a search site are listed.
#[derive(Debug, Clone, Default)]
pub struct ReservationFilter {
    /// In this state.
    pub status: Option<Status>,
    /// Of this facility.
    pub facility_id: Option<FacilityId>,
    /// Changed after this instant.
    pub updated_after: Option<Timestamp>,
}

/// When the number of a facility's requests that wait last changed.
#[derive(Serialize, Deserialize)]
struct Counted {
    #[serde(with = "epoch_ms")]
    changed_at: Timestamp,
}

/// After which reservation a list goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListPosition {
    reservation_number: ReservationNumber,
    requested_at: i64,
}

/// Where a list of visits goes on: at a reservation of a slot, or at the first of it.
pub type VisitPosition = (SlotId, Option<ReservationNumber>);

/// How many slots one call for a list of visits reads at most: a nursery of a slot an hour has fewer in a month.
const SLOTS_READ_AT_MOST: usize = 250;

/// How many reservations it reads at most, where most are in another state than is asked for.
const RESERVATIONS_READ_AT_MOST: usize = 500;

/// How many entries of the index one call for a list reads at most: about 25 read units.
const ENTRIES_READ_AT_MOST: usize = 1000;

impl Store {
    /// The reservations of a search site, oldest request first: up to `limit`, and where to go on. A call reads a
    /// bounded number of entries, so under a filter a page may be short, or empty, while there are more.
    pub async fn reservations_of_client(
        &self,
        client: &ClientId,
        filter: &ReservationFilter,
        limit: usize,
        after: Option<ListPosition>,
    ) -> Result<(Vec<Reservation>, Option<ListPosition>), StoreError> {
        let is = |name: &'static str, text: &str| Is(name.into(), AttributeValue::S(text.into()));
        let status = filter.status.map(|status| is("status", status.as_str()));
        let facility = filter.facility_id.as_ref().map(|id| is("facility_id", id.as_str()));
        let updated = |at: Timestamp| Above("updated_at".into(), number(at.epoch_ms()));
        let updated = filter.updated_after.map(updated);
        let conditions: Vec<_> = status.into_iter().chain(facility).chain(updated).collect();
        let filter = (!conditions.is_empty()).then_some(All(conditions));
        let query = Query::of_index(&BY_CLIENT, client).filter(filter);
        let mut start = after.map(|position| position_key(client, &position));
        let mut numbers = Vec::new();
        let mut entries_left = ENTRIES_READ_AT_MOST;
        let next = loop {
            // A filter leaves out most of what is read; without one, no more than is wanted.
            let wanted = limit + 1 - numbers.len();
            let read = if query.is_filtered() { entries_left } else { wanted };
            let page = self.page(&query, Some(read), start.take()).await?;
            for entry in page.items {
                numbers.extend(known(entry, position)?);
            }
            if numbers.len() > limit {
                numbers.truncate(limit);
                break numbers.last().cloned();
            }
            entries_left = entries_left.saturating_sub(page.read.max(1));
            match page.next {
                Some(key) if entries_left == 0 => break Some(position(key)?),
                Some(key) => start = Some(key),
                None => break None,
            }
        };
        let wanted: Vec<_> = numbers.into_iter().map(|entry| entry.reservation_number).collect();
        Ok((self.reservations(&wanted).await?, next))
    }

    /// These reservations, in this order; those that do not exist, or cannot be read, are left out.
    pub async fn reservations(
        &self,
        numbers: &[ReservationNumber],
    ) -> Result<Vec<Reservation>, StoreError> {
        let items = self.get_items(numbers.iter().cloned().map(Key::Reservation), false).await?;
        let mut found = HashMap::new();
        for item in items {
            if let Some(reservation) = known(item, from_table)? {
                found.insert(reservation.reservation_number.clone(), reservation);
            }
        }
        Ok(numbers.iter().filter_map(|number| found.remove(number)).collect())
    }

    /// The reservations of a facility with visits in this span, by time of visit: up to `limit`, from the given
    /// place on, in the given state; and where to go on. What nobody confirmed is not among them. A call reads a
    /// bounded number of slots and reservations, so a page may be short, or empty, while there are more.
    ///
    /// A slot knows who has or wants a place, and notes beside it tell who was there, so this reads what
    /// lies in the span and no index.
    pub async fn reservations_of_facility(
        &self,
        facility: &FacilityId,
        (from, until): (Timestamp, Timestamp),
        status: Option<Status>,
        limit: usize,
        next: Option<VisitPosition>,
    ) -> Result<(Vec<Reservation>, Option<VisitPosition>), StoreError> {
        let from = next.as_ref().and_then(|(slot, _)| slot.starts_at()).unwrap_or(from);
        let slots = self.slots(facility, from, until, SLOTS_READ_AT_MOST + 1, None).await?;
        // Slots that start together are read together, with the notes of who was there.
        let until = slots.get(SLOTS_READ_AT_MOST).map_or(until, |slot| slot.starts_at);
        let (slots, unread): (Vec<_>, Vec<_>) =
            slots.into_iter().partition(|slot| slot.starts_at < until);
        let mut listed = self.over(facility, (from, until)).await?;
        for slot in &slots {
            let numbers = slot.reservations().into_iter().cloned();
            listed.extend(numbers.map(|number| (slot.slot_id.clone(), number)));
        }
        let listed = listed.into_iter().map(|(slot, number)| (slot, Some(number)));
        let listed: Vec<VisitPosition> =
            listed.filter(|place| next.as_ref().is_none_or(|next| place >= next)).collect();
        let (mut found, mut read) = (Vec::new(), 0);
        while found.len() < limit && read < listed.len() && read < RESERVATIONS_READ_AT_MOST {
            let places = &listed[read..listed.len().min(read + limit - found.len())];
            let numbers: Vec<_> = places.iter().filter_map(|(_, number)| number.clone()).collect();
            let mut reservations = self.reservations(&numbers).await?;
            reservations.retain(|reservation| {
                reservation.is_confirmed() && status.is_none_or(|is| reservation.status == is)
            });
            found.extend(reservations);
            read += places.len();
        }
        let unread = unread.first().map(|slot| (slot.slot_id.clone(), None));
        Ok((found, listed.get(read).cloned().or(unread)))
    }

    /// What is over without a place in the slots of this span.
    async fn over(
        &self,
        facility: &FacilityId,
        span: (Timestamp, Timestamp),
    ) -> Result<BTreeSet<(SlotId, ReservationNumber)>, StoreError> {
        let parse = |item: Item| match Key::of(&item) {
            Some(Key::Over(_, slot, number)) => Ok((slot, number)),
            _ => Err(StoreError::UnknownForm("what is over".into())),
        };
        let over = self.list(&Query::of(Span::over(facility, span)), None, parse).await?;
        Ok(over.into_iter().collect())
    }

    /// The requests of one facility that wait for an answer, oldest first.
    pub async fn pending_of_facility(
        &self,
        facility: &FacilityId,
    ) -> Result<Vec<PendingRequest>, StoreError> {
        self.list(&Query::of_index(&PENDING, facility), None, pending_from).await
    }

    /// How many requests of one facility wait for an answer (ICT-04), and since when it is so many; `None` where
    /// there never was one.
    pub async fn pending_count(
        &self,
        facility: &FacilityId,
    ) -> Result<(u64, Option<Timestamp>), StoreError> {
        let item = self.get_item(Key::PendingCount(facility.clone()), false);
        let (pending, item) = futures::try_join!(self.pending_of_facility(facility), item)?;
        let noted: Option<Counted> = item.map(from_item).transpose()?;
        // Who came last may be in the index before it is noted.
        let came = pending.iter().map(|pending| pending.pending_since).max();
        Ok((pending.len() as u64, came.max(noted.map(|noted| noted.changed_at))))
    }

    /// Notes that a facility has another number of requests that wait than before, where a change made it so. Safe to
    /// repeat. Costs a write unit, and nothing where the number stays.
    pub async fn follow_pending_count(
        &self,
        before: Option<&Reservation>,
        after: &Reservation,
    ) -> Result<(), StoreError> {
        let waits = |reservation: &Reservation| reservation.status == Status::Pending;
        if before.is_some_and(waits) == waits(after) {
            return Ok(());
        }
        let changed_at = after.updated_at;
        let newer = Condition::newer("changed_at", number(changed_at.epoch_ms()));
        let key = Key::PendingCount(after.facility_id.clone());
        let write = Write::replace(key, to_item(&Counted { changed_at })?, newer);
        self.write(write).await.map(drop)
    }

    /// Every request that waits for an answer, facility by facility. Reads the sparse index alone.
    pub async fn pending(&self) -> Result<Vec<PendingRequest>, StoreError> {
        let mut pending = self.scan(&PENDING, pending_from).await?;
        pending.sort_by(|a: &PendingRequest, b| {
            (&a.facility_id, a.requested_at).cmp(&(&b.facility_id, b.requested_at))
        });
        Ok(pending)
    }
}

fn position(entry: Item) -> Result<ListPosition, StoreError> {
    #[derive(Deserialize)]
    struct Entry {
        requested_at: i64,
    }
    let reservation_number = number_of(&entry)?;
    let entry: Entry = from_item(entry)?;
    Ok(ListPosition { reservation_number, requested_at: entry.requested_at })
}

fn position_key(client: &ClientId, position: &ListPosition) -> Item {
    let mut key = Key::Reservation(position.reservation_number.clone()).attributes();
    key.insert("client_id".into(), AttributeValue::S(client.to_string()));
    key.insert("requested_at".into(), number(position.requested_at));
    key
}

fn pending_from(entry: Item) -> Result<PendingRequest, StoreError> {
    #[derive(Deserialize)]
    struct Entry {
        pending_facility_id: FacilityId,
        municipality_code: MunicipalityCode,
        #[serde(with = "epoch_ms")]
        starts_at: Timestamp,
        #[serde(with = "epoch_ms")]
        requested_at: Timestamp,
        #[serde(default, with = "some_epoch_ms")]
        pending_since: Option<Timestamp>,
        #[serde(flatten)]
        reminders: RemindersItem,
    }
    let reservation_number = number_of(&entry)?;
    let entry: Entry = from_item(entry)?;
    Ok(PendingRequest {
        reservation_number,
        facility_id: entry.pending_facility_id,
        municipality_code: entry.municipality_code,
        starts_at: entry.starts_at,
        requested_at: entry.requested_at,
        pending_since: entry.pending_since.unwrap_or(entry.requested_at),
        reminders: entry.reminders.into(),
    })
}
