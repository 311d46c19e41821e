//! What is due by time: an entry for each reservation that time will do something to, in order.
//!
//! Entries follow the reservations by way of the stream, so they cost a request nothing, and a job
//! reads what is due and no more. An entry only says when to look: the reservation says what is due, so
//! an entry that is old or doubled does no harm.

use aws_sdk_dynamodb::types::{AttributeValue, ReturnConsumedCapacity};
use domain::{Instant, Reservation, ReservationNumber};

use crate::{Store, StoreError, item::sort_key, keys};

/// That something is due about a reservation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deadline {
    /// Since when.
    pub at: Instant,
    /// About which.
    pub reservation_number: ReservationNumber,
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
        at: Instant,
        number: &ReservationNumber,
    ) -> Result<(), StoreError> {
        self.add(keys::deadline(at, number).attributes()).await
    }

    /// Removes an entry; one that is not there is removed already.
    pub async fn remove_deadline(
        &self,
        at: Instant,
        number: &ReservationNumber,
    ) -> Result<(), StoreError> {
        let output = self
            .db
            .delete_item()
            .table_name(&*self.table)
            .set_key(Some(keys::deadline(at, number).attributes()))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await?;
        self.meter.write(output.consumed_capacity());
        Ok(())
    }

    /// What is due at this instant, the longest due first: up to `limit`.
    pub async fn deadlines(&self, now: Instant, limit: usize) -> Result<Vec<Deadline>, StoreError> {
        let until = format!("{:013}~", now.epoch_ms());
        let output = self
            .db
            .query()
            .table_name(&*self.table)
            .key_condition_expression("pk = :due AND sk <= :until")
            .expression_attribute_values(":due", AttributeValue::S(keys::DUE.into()))
            .expression_attribute_values(":until", AttributeValue::S(until))
            .limit(limit as i32)
            // What was handled a moment ago must not come again.
            .consistent_read(true)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await?;
        self.meter.read(output.consumed_capacity());
        let unknown = || StoreError::UnknownForm("a deadline".into());
        let parse = |sk: &str| {
            let (at, number) = sk.split_once('#')?;
            let at = Instant::from_epoch_ms(at.parse().ok()?)?;
            Some(Deadline { at, reservation_number: number.parse().ok()? })
        };
        let items = output.items.unwrap_or_default();
        items.iter().map(|item| sort_key(item).and_then(parse).ok_or_else(unknown)).collect()
    }
}
