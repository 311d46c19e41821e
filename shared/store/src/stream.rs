//! What the table's stream tells: each change of an item, as the aggregate it belongs to.

use domain::{CorrelationId, Facility, FacilityId, Reservation, Slot};

use crate::{
    Digest, PendingReminder, PlanDigest, SlotPlanReminder, StoreError, correlation::CORRELATION_ID,
    facility, item::Item, notice, reservation, slot,
};

/// A change that somebody else must hear of.
#[derive(Clone, PartialEq)]
pub enum StreamChange {
    /// A reservation was requested or changed.
    Reservation {
        /// Before.
        before: Option<Box<Reservation>>,
        /// After.
        after: Box<Reservation>,
    },
    /// A facility is new or changed.
    Facility(Box<Facility>),
    /// A slot is new or changed.
    Slot(Box<Slot>),
    /// A facility is asked about requests that wait.
    PendingReminder(PendingReminder),
    /// A municipality gets its digest.
    Digest(Digest),
    /// A facility is asked to open slots.
    SlotPlanReminder(SlotPlanReminder),
    /// A municipality gets its list of facilities without slots.
    PlanDigest(PlanDigest),
    /// A facility has new notice addresses, which are asked whether they want its mails.
    NewNoticeAddresses {
        /// Which.
        facility: FacilityId,
        /// The version of its settings that added them.
        version: u32,
    },
    /// Nobody needs to hear of it.
    Nothing,
}

impl StreamChange {
    /// From the images of an item before and after; an item that was removed has none after.
    pub fn of(before: Option<Item>, after: Option<Item>) -> Result<Self, StoreError> {
        let Some(after) = after else { return Ok(Self::Nothing) };
        let family = |key: &str| {
            let text = after.get(key).and_then(|value| value.as_s().ok());
            text.and_then(|text| text.split('#').next()).unwrap_or_default().to_owned()
        };
        Ok(match (family("pk").as_str(), family("sk").as_str()) {
            ("RSV", "RSV") => Self::Reservation {
                before: before.map(reservation::from_table).transpose()?.map(Box::new),
                after: Box::new(reservation::from_table(after)?),
            },
            ("FAC", "FAC") => Self::Facility(Box::new(facility::from_table(after)?)),
            ("FAC", "SET") => {
                let facility = facility_of(&after)?;
                match facility::version_that_adds_addresses(after)? {
                    Some(version) => Self::NewNoticeAddresses { facility, version },
                    None => Self::Nothing,
                }
            }
            ("FAC", "SLOT") => Self::Slot(Box::new(slot::from_table(after)?)),
            ("FAC", "ASK") => Self::PendingReminder(notice::pending_reminder_from_table(after)?),
            ("FAC", "PLAN") => {
                Self::SlotPlanReminder(notice::slot_plan_reminder_from_table(after)?)
            }
            ("MUN", "PLAN") => Self::PlanDigest(notice::plan_digest_from_table(after)?),
            ("MUN", "DIG") => Self::Digest(notice::digest_from_table(after)?),
            _ => Self::Nothing,
        })
    }
}

/// What caused the change of an item between two images of it.
///
/// An update in place leaves the id of an earlier write as it is, and that one is not its cause.
pub fn correlation_id_of(before: Option<&Item>, after: Option<&Item>) -> Option<CorrelationId> {
    let id = |item: Option<&Item>| item?.get(CORRELATION_ID)?.as_s().ok().cloned();
    let (before, after) = (id(before), id(after));
    if before == after { None } else { after?.parse().ok() }
}

/// The facility in whose partition an item is.
fn facility_of(item: &Item) -> Result<FacilityId, StoreError> {
    let pk = item.get("pk").and_then(|pk| pk.as_s().ok());
    let id = pk.and_then(|pk| pk.strip_prefix("FAC#")).and_then(|id| id.parse().ok());
    id.ok_or_else(|| StoreError::UnknownForm("an item of no facility".into()))
}
