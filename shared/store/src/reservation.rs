//! Reservations: reserving, changing, reading and listing them.

use aws_sdk_dynamodb::types::{
    AttributeValue, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update,
};
use domain::{
    ClientId, FacilityId, Instant, MunicipalityCode, Refusal, Reservation, ReservationNumber,
    Sealed, Settings, Slot, SlotId, Status,
    asking::Asked,
    reservation::{Actor, Change, Comment, Consent, Origin, Outcome, PartySize, RequestMark},
};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use crate::{
    Store, StoreError,
    item::{Item, blocker, epoch_ms, from_item, number, put, to_item},
    keys,
};

/// A reservation as it stands in the table. Names of attributes are kept short enough that a
/// typical request stays within one write unit.
#[derive(Serialize, Deserialize)]
struct ReservationItem {
    pk: String,
    facility_id: FacilityId,
    municipality_code: MunicipalityCode,
    slot_id: SlotId,
    #[serde(with = "epoch_ms")]
    starts_at: Instant,
    #[serde(with = "epoch_ms")]
    ends_at: Instant,
    client_id: ClientId,
    origin: Origin,
    status: Status,
    party_size: PartySize,
    consent_version: String,
    #[serde(with = "epoch_ms")]
    consent_at: Instant,
    #[serde(with = "epoch_ms")]
    requested_at: Instant,
    #[serde(with = "epoch_ms")]
    updated_at: Instant,
    sequence: u32,
    #[serde(flatten)]
    asked: AskedItem,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    history: Vec<ChangeItem>,
    applicant: ByteBuf,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cancel_reason: Option<ByteBuf>,
    key_mark: ByteBuf,
    body_mark: ByteBuf,
    /// Present while the request waits for an answer: the key of the sparse index.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pending_facility_id: Option<FacilityId>,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct AskedItem {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    asked_count: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    asked_at: Option<i64>,
}

#[derive(Serialize, Deserialize)]
struct ChangeItem {
    sequence: u32,
    #[serde(with = "epoch_ms")]
    at: Instant,
    by: Actor,
    from: Status,
    to: Status,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    comment: Option<Comment>,
}

impl From<Option<Asked>> for AskedItem {
    fn from(asked: Option<Asked>) -> Self {
        Self {
            asked_count: asked.map(|asked| asked.count),
            asked_at: asked.map(|asked| asked.at.epoch_ms()),
        }
    }
}

impl From<AskedItem> for Option<Asked> {
    fn from(item: AskedItem) -> Self {
        Some(Asked { count: item.asked_count?, at: Instant::from_epoch_ms(item.asked_at?)? })
    }
}

fn mark(bytes: ByteBuf) -> Result<[u8; 16], StoreError> {
    let bytes: [u8; 16] = bytes
        .into_vec()
        .try_into()
        .map_err(|_| StoreError::UnknownForm("a mark of another length".into()))?;
    Ok(bytes)
}

pub(crate) fn number_of(pk: &str) -> Result<ReservationNumber, StoreError> {
    pk.trim_start_matches("RSV#")
        .parse()
        .map_err(|error: domain::Invalid| StoreError::UnknownForm(error.into()))
}

fn item(reservation: &Reservation) -> Result<Item, StoreError> {
    let key = keys::reservation(&reservation.reservation_number);
    let waits = reservation.status == Status::Pending;
    to_item(
        key.clone(),
        &ReservationItem {
            pk: key.pk,
            facility_id: reservation.facility_id.clone(),
            municipality_code: reservation.municipality_code,
            slot_id: reservation.slot_id.clone(),
            starts_at: reservation.starts_at,
            ends_at: reservation.ends_at,
            client_id: reservation.client_id.clone(),
            origin: reservation.origin,
            status: reservation.status,
            party_size: reservation.party_size,
            consent_version: reservation.consent.version.clone(),
            consent_at: reservation.consent.agreed_at,
            requested_at: reservation.requested_at,
            updated_at: reservation.updated_at,
            sequence: reservation.sequence,
            asked: reservation.asked.into(),
            history: reservation
                .history
                .iter()
                .map(|change| ChangeItem {
                    sequence: change.sequence,
                    at: change.at,
                    by: change.by.clone(),
                    from: change.from,
                    to: change.to,
                    comment: change.comment.clone(),
                })
                .collect(),
            applicant: ByteBuf::from(reservation.applicant.0.clone()),
            cancel_reason: reservation
                .cancel_reason
                .as_ref()
                .map(|sealed| ByteBuf::from(sealed.0.clone())),
            key_mark: ByteBuf::from(reservation.mark.key),
            body_mark: ByteBuf::from(reservation.mark.body),
            pending_facility_id: waits.then(|| reservation.facility_id.clone()),
        },
    )
}

/// A reservation from its item, as the table or its stream gives it.
pub fn from_table(item: Item) -> Result<Reservation, StoreError> {
    let item: ReservationItem = from_item(item)?;
    Ok(Reservation {
        reservation_number: number_of(&item.pk)?,
        facility_id: item.facility_id,
        municipality_code: item.municipality_code,
        slot_id: item.slot_id,
        starts_at: item.starts_at,
        ends_at: item.ends_at,
        client_id: item.client_id,
        origin: item.origin,
        status: item.status,
        party_size: item.party_size,
        consent: Consent { version: item.consent_version, agreed_at: item.consent_at },
        requested_at: item.requested_at,
        updated_at: item.updated_at,
        sequence: item.sequence,
        asked: item.asked.into(),
        history: item
            .history
            .into_iter()
            .map(|change| Change {
                sequence: change.sequence,
                at: change.at,
                by: change.by,
                from: change.from,
                to: change.to,
                comment: change.comment,
            })
            .collect(),
        applicant: Sealed(item.applicant.into_vec()),
        cancel_reason: item.cancel_reason.map(|bytes| Sealed(bytes.into_vec())),
        mark: RequestMark { key: mark(item.key_mark)?, body: mark(item.body_mark)? },
    })
}

/// What came of a request for a visit.
#[derive(Clone, PartialEq, Eq)]
pub enum Reserved {
    /// It holds a place now.
    New,
    /// The same request was made before; this is its reservation.
    Replayed(Box<Reservation>),
    /// Another request was made under the same idempotency key.
    OtherBody,
    /// The number belongs to somebody else's request: derive the next.
    NumberTaken,
    /// The slot does not take it.
    Refused(Refusal),
}

/// What came of a change.
#[derive(Clone, PartialEq, Eq)]
pub enum Changed {
    /// It happened; the reservation as it is now.
    Done(Box<Reservation>),
    /// The reservation already was so.
    Already(Box<Reservation>),
    /// The rules do not allow it.
    Refused(Refusal),
    /// There is no such reservation.
    NotFound,
}

/// Nobody else changed the reservation since it was read.
const UNCHANGED: &str = "#sequence = :sequence";

/// How often a change is tried anew when the reservation changes under it.
const CHANGE_TRIES: usize = 5;

impl Store {
    /// One reservation. `consistent` sees what was written a moment ago, at twice the cost.
    pub async fn reservation(
        &self,
        number: &ReservationNumber,
        consistent: bool,
    ) -> Result<Option<Reservation>, StoreError> {
        let item = self.get_item(keys::reservation(number), consistent).await?;
        item.map(from_table).transpose()
    }

    /// Takes a place and records the request in one transaction (RSV-01, API-02).
    ///
    /// Costs four write units and one for each of the two indexes.
    pub async fn reserve(
        &self,
        reservation: &Reservation,
        settings: &Settings,
    ) -> Result<Reserved, StoreError> {
        let take_place = Update::builder()
            .table_name(&*self.table)
            .set_key(Some(keys::slot(&reservation.facility_id, &reservation.slot_id).attributes()))
            .update_expression("ADD holding :number")
            .condition_expression(
                "attribute_exists(pk) AND disabled = :false \
                 AND (attribute_not_exists(holding) OR size(holding) < #capacity)",
            )
            .expression_attribute_names("#capacity", "capacity")
            .expression_attribute_values(":number", number_set(&reservation.reservation_number))
            .expression_attribute_values(":false", AttributeValue::Bool(false))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .build()
            .map_err(|error| StoreError::Refused(error.into()))?;
        let record = put(&self.table, item(reservation)?, "attribute_not_exists(pk)", [])?;
        let writes = vec![TransactWriteItem::builder().update(take_place).build(), record];

        let Err(reasons) = self.transact(writes).await? else { return Ok(Reserved::New) };
        if let Some(existing) = blocker(&reasons, 1) {
            let existing = existing.ok_or(StoreError::Changed)?;
            return Ok(repeat_of(from_table(existing)?, &reservation.mark));
        }
        let slot = match blocker(&reasons, 0).flatten() {
            Some(item) => crate::slot::from_table(item)?,
            None => return Err(StoreError::Changed),
        };
        match slot.may_be_requested(settings, reservation.requested_at) {
            Err(refusal) => Ok(Reserved::Refused(refusal)),
            Ok(()) => Err(StoreError::Changed),
        }
    }

    /// The reservation that an earlier request under the same mark made, if there was one.
    pub async fn find_repeat(
        &self,
        number: &ReservationNumber,
        mark: &RequestMark,
    ) -> Result<Option<Reserved>, StoreError> {
        let existing = self.reservation(number, true).await?;
        Ok(existing.map(|existing| repeat_of(existing, mark)))
    }

    /// Does to a reservation what a rule says, compare-and-set on its sequence number.
    ///
    /// When somebody else was faster, the rule is asked again about what they made of it. A place
    /// that becomes free is given back in the same transaction. An approval costs a write unit and
    /// one for each index.
    pub async fn change(
        &self,
        number: &ReservationNumber,
        rule: impl Fn(&Reservation) -> Result<Outcome, Refusal>,
    ) -> Result<Changed, StoreError> {
        let Some(mut current) = self.reservation(number, true).await? else {
            return Ok(Changed::NotFound);
        };
        for _ in 0..CHANGE_TRIES {
            let next = match rule(&current) {
                Err(refusal) => return Ok(Changed::Refused(refusal)),
                Ok(Outcome::Already) => return Ok(Changed::Already(Box::new(current))),
                Ok(Outcome::Becomes(next)) => next,
            };
            match self.replace(&current, &next).await? {
                None => return Ok(Changed::Done(next)),
                Some(newer) => current = newer,
            }
        }
        Err(StoreError::Unavailable("the reservation changes too fast".into()))
    }

    /// Writes the next state over the current one, or tells what is there instead.
    async fn replace(
        &self,
        current: &Reservation,
        next: &Reservation,
    ) -> Result<Option<Reservation>, StoreError> {
        if current.status.holds_place() && !next.status.holds_place() {
            let writes = vec![self.put_over(current, next)?, self.release(next)?];
            let Err(reasons) = self.transact(writes).await? else { return Ok(None) };
            let newer = blocker(&reasons, 0).flatten().ok_or(StoreError::Changed)?;
            return from_table(newer).map(Some);
        }
        let read = number(current.sequence);
        match self.put_if(item(next)?, UNCHANGED, [(":sequence", read)]).await? {
            Ok(()) => Ok(None),
            Err(newer) => from_table(newer.ok_or(StoreError::Changed)?).map(Some),
        }
    }

    /// A write of the next state, if the current one still stands.
    pub(crate) fn put_over(
        &self,
        current: &Reservation,
        next: &Reservation,
    ) -> Result<TransactWriteItem, StoreError> {
        put(&self.table, item(next)?, UNCHANGED, [(":sequence", number(current.sequence))])
    }

    fn release(&self, reservation: &Reservation) -> Result<TransactWriteItem, StoreError> {
        let key = keys::slot(&reservation.facility_id, &reservation.slot_id);
        let update = Update::builder()
            .table_name(&*self.table)
            .set_key(Some(key.attributes()))
            .update_expression("DELETE holding :number ADD released :number")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":number", number_set(&reservation.reservation_number))
            .build()
            .map_err(|error| StoreError::Refused(error.into()))?;
        Ok(TransactWriteItem::builder().update(update).build())
    }
}

fn repeat_of(existing: Reservation, mark: &RequestMark) -> Reserved {
    if existing.mark.key != mark.key {
        Reserved::NumberTaken
    } else if existing.mark.body != mark.body {
        Reserved::OtherBody
    } else {
        Reserved::Replayed(Box::new(existing))
    }
}

fn number_set(number: &ReservationNumber) -> AttributeValue {
    AttributeValue::Ss(vec![number.to_string()])
}

/// The reservations that a slot has or had.
pub(crate) fn numbers_of(slot: &Slot) -> impl Iterator<Item = &ReservationNumber> {
    slot.holding.union(&slot.released)
}
