//! What is due by time: an entry for each reservation that time will do something to, and for each slot that
//! is to leave its feed, in order.
//!
//! Entries follow the reservations by way of the stream, so they cost a request nothing, and a job
//! reads what is due and no more. An entry only says when to look: the reservation says what is due, so
//! an entry that is old or doubled does no harm.

use domain::{FacilityId, Reservation, ReservationNumber, SlotId, Timestamp};

use crate::{
    Store, StoreError,
    condition::Condition,
    item::Item,
    keys::{Key, span::Span},
    query::Query,
    write::Write,
};

/// That something is due about a reservation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deadline {
    /// Since when.
    pub at: Timestamp,
    /// About which.
    pub reservation_number: ReservationNumber,
}

/// That a slot is to leave its feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlotLeaves {
    /// Since when.
    pub at: Timestamp,
    /// Whose slot it is.
    pub facility_id: FacilityId,
    /// Which.
    pub slot_id: SlotId,
}

impl SlotLeaves {
    fn key(&self) -> Key {
        Key::SlotLeaves(self.at, self.facility_id.clone(), self.slot_id.clone())
    }
}

impl Store {
    /// Brings the entry of a reservation in step with what it became. Safe to repeat.
    pub async fn follow_deadline(
        &self,
        before: Option<&Reservation>,
        after: &Reservation,
    ) -> Result<(), StoreError> {
        let (old, new) = (before.and_then(Reservation::first_due), after.first_due());
        let number = &after.reservation_number;
        if old != new {
            // First the new one: cut in between, a reservation has two entries, not none.
            if let Some(at) = new {
                self.add_deadline(at, number).await?;
            }
            if let Some(at) = old {
                self.remove_deadline(at, number).await?;
            }
        }
        Ok(())
    }

    /// Adds an entry.
    pub async fn add_deadline(
        &self,
        at: Timestamp,
        number: &ReservationNumber,
    ) -> Result<(), StoreError> {
        self.add(Key::Deadline(at, number.clone()), Item::new()).await
    }

    /// Removes an entry; one that is not there is removed already.
    pub async fn remove_deadline(
        &self,
        at: Timestamp,
        number: &ReservationNumber,
    ) -> Result<(), StoreError> {
        self.remove(Key::Deadline(at, number.clone())).await
    }

    /// Adds that a slot is to leave its feed.
    pub async fn add_slot_leaves(&self, leaves: &SlotLeaves) -> Result<(), StoreError> {
        self.add(leaves.key(), Item::new()).await
    }

    /// Removes that a slot is to leave its feed; what is not there is removed already.
    pub async fn remove_slot_leaves(&self, leaves: &SlotLeaves) -> Result<(), StoreError> {
        self.remove(leaves.key()).await
    }

    async fn remove(&self, key: Key) -> Result<(), StoreError> {
        self.write(Write::delete(key, Condition::Whatever)).await.map(drop)
    }

    /// What is due at this instant, the longest due first: up to `limit`.
    pub async fn deadlines(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<Deadline>, StoreError> {
        // Consistent: what was handled a moment ago must not come again.
        let query = Query::of(Span::deadlines(now)).consistent();
        let parse = |item: Item| match Key::of(&item) {
            Some(Key::Deadline(at, reservation_number)) => Ok(Deadline { at, reservation_number }),
            _ => Err(StoreError::UnknownForm("what is due".into())),
        };
        self.list(&query, Some(limit), parse).await
    }

    /// The slots that are to leave their feed at this instant, the longest due first: up to `limit`.
    pub async fn slots_leave(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<SlotLeaves>, StoreError> {
        let query = Query::of(Span::slots_leave(now)).consistent();
        let parse = |item: Item| match Key::of(&item) {
            Some(Key::SlotLeaves(at, facility_id, slot_id)) => {
                Ok(SlotLeaves { at, facility_id, slot_id })
            }
            _ => Err(StoreError::UnknownForm("what is due".into())),
        };
        self.list(&query, Some(limit), parse).await
    }

    /// When something is due first, where that is by then.
    pub async fn first_due(&self, until: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        let deadline = self.deadlines(until, 1).await?.first().map(|deadline| deadline.at);
        let leaves = self.slots_leave(until, 1).await?.first().map(|leaves| leaves.at);
        Ok(deadline.into_iter().chain(leaves).min())
    }
}
