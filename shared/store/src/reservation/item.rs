//! A reservation as an item of the table.

use domain::{
    ClientId, FacilityId, MunicipalityCode, Reservation, ReservationNumber, Sealed, SlotId, Status,
    Timestamp,
    applicant::FamilyFingerprint,
    family::Duplicate,
    reservation::{Actor, Change, Consent, Memo, Origin, PartySize, Reminders, RequestFingerprint},
};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use crate::{
    StoreError,
    item::{Item, epoch_ms, from_item, some_epoch_ms, to_item},
    keys::Key,
};

/// A reservation as it stands in the table. Names of attributes are kept short enough that a
/// typical request stays within one write unit.
#[derive(Serialize, Deserialize)]
struct ReservationItem {
    facility_id: FacilityId,
    municipality_code: MunicipalityCode,
    slot_id: SlotId,
    #[serde(with = "epoch_ms")]
    starts_at: Timestamp,
    #[serde(with = "epoch_ms")]
    ends_at: Timestamp,
    /// The search site that asked: the key of its list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    client_id: Option<ClientId>,
    /// Who asked, if no search site.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    requested_by: Option<Actor>,
    origin: Origin,
    status: Status,
    party_size: PartySize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    consent_version: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", with = "some_epoch_ms")]
    consent_at: Option<Timestamp>,
    #[serde(with = "epoch_ms")]
    requested_at: Timestamp,
    #[serde(with = "epoch_ms")]
    updated_at: Timestamp,
    sequence: u32,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    would_wait: bool,
    /// Holds no place while it is pending.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    placeless: bool,
    // The table removes items by an attribute `expires_at`; no reservation may have it.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "some_epoch_ms")]
    gives_up_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none", with = "some_epoch_ms")]
    approves_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    families: Vec<FamilyFingerprint>,
    #[serde(default, skip_serializing_if = "is_none")]
    duplicate: Duplicate,
    #[serde(flatten)]
    reminders: RemindersItem,
    #[serde(default, skip_serializing_if = "Option::is_none", with = "some_epoch_ms")]
    reminded_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    history: Vec<ChangeItem>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    memos: Vec<MemoItem>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    applicant: Option<ByteBuf>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cancel_reason: Option<ByteBuf>,
    #[serde(rename = "key_mark")]
    key_fingerprint: ByteBuf,
    #[serde(rename = "body_mark")]
    body_fingerprint: ByteBuf,
    /// Present while the request waits for an answer: the key of the sparse index.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pending_facility_id: Option<FacilityId>,
    /// Since when it waits, if not since it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "some_epoch_ms")]
    pending_since: Option<Timestamp>,
}

fn is_none(duplicate: &Duplicate) -> bool {
    *duplicate == Duplicate::None
}

#[derive(Serialize, Deserialize)]
pub(crate) struct RemindersItem {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    asked_count: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    asked_at: Option<i64>,
}

#[derive(Serialize, Deserialize)]
struct ChangeItem {
    sequence: u32,
    #[serde(with = "epoch_ms")]
    at: Timestamp,
    by: Actor,
    from: Status,
    to: Status,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    comment: Option<ByteBuf>,
}

#[derive(Serialize, Deserialize)]
struct MemoItem {
    #[serde(with = "epoch_ms")]
    at: Timestamp,
    by: Actor,
    text: ByteBuf,
}

impl From<Option<Reminders>> for RemindersItem {
    fn from(reminders: Option<Reminders>) -> Self {
        Self {
            asked_count: reminders.map(|reminders| reminders.count),
            asked_at: reminders.map(|reminders| reminders.last_at.epoch_ms()),
        }
    }
}

impl From<RemindersItem> for Option<Reminders> {
    fn from(item: RemindersItem) -> Self {
        Some(Reminders {
            count: item.asked_count?,
            last_at: Timestamp::from_epoch_ms(item.asked_at?)?,
        })
    }
}

fn fingerprint(bytes: ByteBuf) -> Result<[u8; 16], StoreError> {
    let bytes: [u8; 16] = bytes
        .into_vec()
        .try_into()
        .map_err(|_| StoreError::UnknownForm("a mark of another length".into()))?;
    Ok(bytes)
}

/// The reservation that an item, or an entry of an index, is of.
pub(crate) fn number_of(item: &Item) -> Result<ReservationNumber, StoreError> {
    match Key::of(item) {
        Some(Key::Reservation(number)) => Ok(number),
        _ => Err(StoreError::UnknownForm("the key of a reservation".into())),
    }
}

pub(super) fn item(reservation: &Reservation) -> Result<Item, StoreError> {
    let waits = reservation.status == Status::Pending;
    let since = reservation.pending_since();
    let client_id = reservation.client_id().cloned();
    let (consent_version, consent_at) = match &reservation.consent {
        Some(consent) => (Some(consent.version.clone()), Some(consent.agreed_at)),
        None => (None, None),
    };
    to_item(&ReservationItem {
        facility_id: reservation.facility_id.clone(),
        municipality_code: reservation.municipality_code,
        slot_id: reservation.slot_id.clone(),
        starts_at: reservation.starts_at,
        ends_at: reservation.ends_at,
        requested_by: client_id.is_none().then(|| reservation.requested_by.clone()),
        client_id,
        origin: reservation.origin,
        status: reservation.status,
        party_size: reservation.party_size,
        consent_version,
        consent_at,
        requested_at: reservation.requested_at,
        updated_at: reservation.updated_at,
        sequence: reservation.sequence,
        would_wait: reservation.would_wait,
        placeless: !reservation.pending_holds_place,
        gives_up_at: reservation.expires_at,
        approves_at: reservation.approves_at,
        families: reservation.families.clone(),
        duplicate: reservation.possible_duplicate,
        reminders: reservation.reminders.into(),
        reminded_at: reservation.reminded_at,
        history: reservation
            .history
            .iter()
            .map(|change| ChangeItem {
                sequence: change.sequence,
                at: change.at,
                by: change.by.clone(),
                from: change.from,
                to: change.to,
                comment: change.comment.as_ref().map(bytes_of),
            })
            .collect(),
        memos: reservation
            .memos
            .iter()
            .map(|memo| MemoItem {
                at: memo.at,
                by: memo.by.clone(),
                text: ByteBuf::from(memo.text.0.clone()),
            })
            .collect(),
        applicant: reservation.applicant.as_ref().map(bytes_of),
        cancel_reason: reservation.cancel_reason.as_ref().map(bytes_of),
        key_fingerprint: ByteBuf::from(reservation.fingerprint.key),
        body_fingerprint: ByteBuf::from(reservation.fingerprint.body),
        pending_facility_id: waits.then(|| reservation.facility_id.clone()),
        pending_since: (waits && since != reservation.requested_at).then_some(since),
    })
}

pub(super) fn bytes_of(sealed: &Sealed) -> ByteBuf {
    ByteBuf::from(sealed.0.clone())
}

/// A reservation from its item, as the table or its stream gives it.
pub(crate) fn from_table(item: Item) -> Result<Reservation, StoreError> {
    let reservation_number = number_of(&item)?;
    let item: ReservationItem = from_item(item)?;
    let requested_by = item.client_id.map(Actor::Client).or(item.requested_by);
    Ok(Reservation {
        reservation_number,
        facility_id: item.facility_id,
        municipality_code: item.municipality_code,
        slot_id: item.slot_id,
        starts_at: item.starts_at,
        ends_at: item.ends_at,
        requested_by: requested_by
            .ok_or_else(|| StoreError::UnknownForm("a reservation of nobody".into()))?,
        origin: item.origin,
        status: item.status,
        party_size: item.party_size,
        consent: item
            .consent_version
            .zip(item.consent_at)
            .map(|(version, agreed_at)| Consent { version, agreed_at }),
        requested_at: item.requested_at,
        updated_at: item.updated_at,
        sequence: item.sequence,
        would_wait: item.would_wait,
        pending_holds_place: !item.placeless,
        expires_at: item.gives_up_at,
        approves_at: item.approves_at,
        families: item.families,
        possible_duplicate: item.duplicate,
        reminders: item.reminders.into(),
        reminded_at: item.reminded_at,
        history: item
            .history
            .into_iter()
            .map(|change| Change {
                sequence: change.sequence,
                at: change.at,
                by: change.by,
                from: change.from,
                to: change.to,
                comment: change.comment.map(|bytes| Sealed(bytes.into_vec())),
            })
            .collect(),
        memos: item
            .memos
            .into_iter()
            .map(|memo| Memo { at: memo.at, by: memo.by, text: Sealed(memo.text.into_vec()) })
            .collect(),
        applicant: item.applicant.map(|bytes| Sealed(bytes.into_vec())),
        cancel_reason: item.cancel_reason.map(|bytes| Sealed(bytes.into_vec())),
        fingerprint: RequestFingerprint {
            key: fingerprint(item.key_fingerprint)?,
            body: fingerprint(item.body_fingerprint)?,
            body_by_other_keys: Vec::new(),
        },
    })
}
