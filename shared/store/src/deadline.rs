//! What is due by time: an entry for each reservation that time will do something to, and for each thing that is to enter
//! or leave its feed, in order.
//!
//! Entries follow the reservations by way of the stream, so they cost a request nothing, and a job
//! reads what is due and no more. An entry only says when to look: the reservation says what is due, so
//! an entry that is old or doubled does no harm.

use domain::{Reservation, ReservationNumber, Timestamp, feed::Feed};

use crate::{
    FeedThing, Store, StoreError,
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

/// That time changes what a feed says of a thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedTurn {
    /// Since when.
    pub at: Timestamp,
    /// Of which.
    pub thing: FeedThing,
}

impl FeedTurn {
    fn of(item: &Item) -> Option<Self> {
        let (at, thing) = match Key::of(item)? {
            Key::SlotLeaves(at, facility, slot) => (at, FeedThing::Slot(facility, slot)),
            Key::VacancyLeaves(at, facility, month) => (at, FeedThing::Vacancy(facility, month)),
            Key::ProcedureTurns(at, code, year, id) => (at, FeedThing::Procedure(code, year, id)),
            _ => return None,
        };
        Some(Self { at, thing })
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

    /// Puts off what a feed is to say of a thing.
    pub async fn put_off_turn(&self, turn: &FeedTurn, later: Timestamp) -> Result<(), StoreError> {
        if let Some(key) = turn.thing.turn(later) {
            self.add(key, Item::new()).await?;
        }
        self.remove_turn(turn).await
    }

    /// Removes that time changes what a feed says of a thing; what is not there is removed already.
    pub async fn remove_turn(&self, turn: &FeedTurn) -> Result<(), StoreError> {
        match turn.thing.turn(turn.at) {
            Some(key) => self.remove(key).await,
            None => Ok(()),
        }
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

    /// The things of a feed that are to enter or leave it at this instant, the longest due first: up to `limit`.
    pub async fn feed_turns(
        &self,
        feed: Feed,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<FeedTurn>, StoreError> {
        let query = Query::of(Span::feed_turns(feed, now)).consistent();
        let parse = |item: Item| {
            FeedTurn::of(&item).ok_or_else(|| StoreError::UnknownForm("what is due".into()))
        };
        self.list(&query, Some(limit), parse).await
    }

    /// When something is due first, where that is by then.
    pub async fn first_due(&self, until: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        let mut first = self.deadlines(until, 1).await?.first().map(|deadline| deadline.at);
        for feed in Feed::ALL {
            let turn = self.feed_turns(feed, until, 1).await?.first().map(|turn| turn.at);
            first = first.into_iter().chain(turn).min();
        }
        Ok(first)
    }
}
