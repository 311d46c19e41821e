//! What a reservation takes of its slot: the writes that keep a slot's sets in step with the reservations
//! in them.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{
    AttributeValue, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update,
};
use domain::{
    Reservation,
    slot::{Standing, WAITING_AT_MOST},
};

use crate::{
    Store, StoreError,
    item::{WHATEVER, number, put},
    keys::{Key, member},
};

/// A place is free.
const FREE: &str = "(attribute_not_exists(holding) OR size(holding) < #capacity)";

/// The waiting list takes one more.
const LIST_OPEN: &str = "(attribute_not_exists(waiting) OR size(waiting) < :longest)";

fn longest_list(to: Standing) -> Option<(String, AttributeValue)> {
    (to == Standing::OnWaitingList).then(|| (":longest".to_owned(), number(WAITING_AT_MOST as i64)))
}

/// The set of the slot in which a reservation with this place is.
fn set(place: Standing) -> Option<&'static str> {
    match place {
        Standing::HoldsPlace => Some("holding"),
        Standing::AwaitsDecision => Some("asking"),
        Standing::OnWaitingList => Some("waiting"),
        Standing::None => None,
    }
}

/// What the reservation is in that set: the waiting list is in order of the requests.
fn member_of(reservation: &Reservation, place: Standing) -> String {
    match place {
        Standing::OnWaitingList => {
            member::waiting(reservation.waiting_since(), &reservation.reservation_number)
        }
        Standing::HoldsPlace | Standing::AwaitsDecision | Standing::None => {
            reservation.reservation_number.to_string()
        }
    }
}

fn set_of(members: impl IntoIterator<Item = String>) -> Option<AttributeValue> {
    let members: Vec<String> = members.into_iter().collect();
    (!members.is_empty()).then_some(AttributeValue::Ss(members))
}

impl Store {
    /// A new reservation enters its slot, if the slot still is what the request was made for.
    pub(crate) fn enter_slot(
        &self,
        reservation: &Reservation,
    ) -> Result<TransactWriteItem, StoreError> {
        let to = reservation.standing();
        let room = match to {
            Standing::OnWaitingList => {
                format!(
                    "(attribute_exists(waiting) OR (attribute_exists(holding) AND \
                     size(holding) >= #capacity)) AND {LIST_OPEN}"
                )
            }
            // A place that came free belongs to those who wait.
            _ => format!("attribute_not_exists(waiting) AND {FREE}"),
        };
        let mut values = HashMap::from([(":false".to_owned(), AttributeValue::Bool(false))]);
        values.extend(set_of([member_of(reservation, to)]).map(|value| (":to".to_owned(), value)));
        values.extend(longest_list(to));
        let update = set(to).map(|set| format!("ADD {set} :to")).unwrap_or_default();
        let condition = format!("attribute_exists(pk) AND disabled = :false AND {room}");
        self.update_slot(reservation, update, condition, values)
    }

    /// A reservation goes from one of the slot's sets to another, or leaves it.
    pub(crate) fn move_in_slot(
        &self,
        current: &Reservation,
        next: &Reservation,
    ) -> Result<TransactWriteItem, StoreError> {
        let (from, to) = (current.standing(), next.standing());
        let (mut values, mut condition) = (HashMap::new(), "attribute_exists(pk)".to_owned());
        let (mut add, mut delete) = (Vec::new(), Vec::new());
        if let Some(set) = set(from) {
            delete.push(format!("{set} :from"));
            values.extend(
                set_of([member_of(current, from)]).map(|value| (":from".to_owned(), value)),
            );
        }
        if let Some(set) = set(to) {
            add.push(format!("{set} :to"));
            values.extend(set_of([member_of(next, to)]).map(|value| (":to".to_owned(), value)));
        }
        let clauses = [("ADD", add), ("DELETE", delete)].into_iter();
        let clauses = clauses.filter(|(_, members)| !members.is_empty());
        let update: Vec<_> =
            clauses.map(|(verb, members)| format!("{verb} {}", members.join(", "))).collect();
        if to == Standing::HoldsPlace {
            condition = format!("{condition} AND {FREE}");
        }
        if to == Standing::OnWaitingList {
            condition = format!("{condition} AND {LIST_OPEN}");
            values.extend(longest_list(to));
        }
        if (from, to) == (Standing::OnWaitingList, Standing::HoldsPlace)
            || to == Standing::OnWaitingList
        {
            condition += " AND disabled = :false";
            values.insert(":false".into(), AttributeValue::Bool(false));
        }
        self.update_slot(next, update.join(" "), condition, values)
    }

    /// Notes that a reservation is over without a place, for the lists of its facility: the slot knows it no more,
    /// so that it does not grow with all who came and went.
    pub(crate) fn note_over(
        &self,
        reservation: &Reservation,
    ) -> Result<TransactWriteItem, StoreError> {
        let Reservation { facility_id, slot_id, reservation_number, .. } = reservation;
        let key = Key::Over(facility_id.clone(), slot_id.clone(), reservation_number.clone());
        put(&self.table, key.attributes(), WHATEVER, [])
    }

    fn update_slot(
        &self,
        reservation: &Reservation,
        update: String,
        condition: String,
        values: HashMap<String, AttributeValue>,
    ) -> Result<TransactWriteItem, StoreError> {
        let key = Key::Slot(reservation.facility_id.clone(), reservation.slot_id.clone());
        let names = condition
            .contains("#capacity")
            .then(|| HashMap::from([("#capacity".to_owned(), "capacity".to_owned())]));
        let update = Update::builder()
            .table_name(&*self.table)
            .set_key(Some(key.attributes()))
            .update_expression(update)
            .condition_expression(condition)
            .set_expression_attribute_names(names)
            .set_expression_attribute_values(Some(values))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .build()
            .map_err(|error| StoreError::Rejected(error.into()))?;
        Ok(TransactWriteItem::builder().update(update).build())
    }
}
