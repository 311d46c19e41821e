//! What the table's stream tells: each change of an item, as the aggregate it belongs to.

use domain::{
    CorrelationId, Facility, FacilityId, Reservation, Slot, event::Event, procedure::Procedure,
    vacancy::Vacancy,
};

use crate::{
    ChangeDigest, Digest, InformationReminder, PendingReminder, PlanDigest, SlotPlanReminder,
    StoreError,
    correlation::CORRELATION_ID,
    facility,
    feed::{self, FeedThing},
    item::{Item, from_item},
    keys::Key,
    notice, procedure, reservation, slot, vacancy,
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
    /// What a facility has free in a month is new or changed.
    Vacancy(Box<Vacancy>),
    /// A procedure is new or changed.
    Procedure(Box<Procedure>),
    /// A feed says something else of a thing.
    Published(Event),
    /// A facility is asked about requests that wait.
    PendingReminder(PendingReminder),
    /// A municipality gets its digest.
    Digest(Digest),
    /// A facility is asked to open slots.
    SlotPlanReminder(SlotPlanReminder),
    /// A municipality gets its list of facilities without slots.
    PlanDigest(PlanDigest),
    /// A facility is reminded of its information.
    InformationReminder(InformationReminder),
    /// A municipality is told which change requests it left undecided.
    ChangeDigest(ChangeDigest),
    /// A facility has new notice addresses, which are asked whether they want its mails.
    NewNoticeAddresses {
        /// Which.
        facility: FacilityId,
        /// The version of its settings that added them.
        version: u32,
    },
    /// What the feeds or the search tell of was removed from the table.
    Removed(Key),
    /// Nobody needs to hear of it.
    Nothing,
}

impl StreamChange {
    /// From the images of an item before and after; an item that was removed has none after.
    pub fn of(before: Option<Item>, after: Option<Item>) -> Result<Self, StoreError> {
        let Some(after) = after else {
            return Ok(match before.as_ref().and_then(Key::of) {
                Some(key @ (Key::Facility(_) | Key::FacilityVacancy(..) | Key::Procedure(..))) => {
                    Self::Removed(key)
                }
                _ => Self::Nothing,
            });
        };
        let Some(key) = Key::of(&after) else { return Ok(Self::Nothing) };
        Ok(match key {
            Key::Reservation(_) => Self::Reservation {
                before: before.map(reservation::from_table).transpose()?.map(Box::new),
                after: Box::new(reservation::from_table(after)?),
            },
            Key::Facility(_) => Self::Facility(Box::new(facility::from_table(after)?)),
            Key::Settings(facility) => match facility::version_that_adds_addresses(after)? {
                Some(version) => Self::NewNoticeAddresses { facility, version },
                None => Self::Nothing,
            },
            Key::Slot(..) => Self::Slot(Box::new(slot::from_table(after)?)),
            // Once: it is written under its municipality too.
            Key::FacilityVacancy(..) => Self::Vacancy(Box::new(vacancy::from_table(after)?)),
            Key::Procedure(..) => Self::Procedure(Box::new(procedure::from_table(after)?)),
            Key::PendingReminder(..) => {
                Self::PendingReminder(notice::pending_reminder_from_table(after)?)
            }
            Key::SlotPlanReminder(..) => {
                Self::SlotPlanReminder(notice::slot_plan_reminder_from_table(after)?)
            }
            Key::PlanDigest(..) => Self::PlanDigest(notice::plan_digest_from_table(after)?),
            Key::InformationReminder(..) => Self::InformationReminder(from_item(after)?),
            Key::ChangeDigest(..) | Key::ChangeDigestPart(..) => {
                Self::ChangeDigest(from_item(after)?)
            }
            Key::Digest(..) | Key::DigestPart(..) => {
                Self::Digest(notice::digest_from_table(after)?)
            }
            Key::FeedPlace(feed, _) => match feed::event_from_table(feed, before, after)? {
                Some(event) => Self::Published(event),
                None => Self::Nothing,
            },
            _ => Self::Nothing,
        })
    }

    /// What it is about, where a feed tells of it.
    pub fn in_feed(&self) -> Option<FeedThing> {
        match self {
            Self::Slot(slot) => {
                Some(FeedThing::Slot(slot.facility_id.clone(), slot.slot_id.clone()))
            }
            Self::Facility(facility) => Some(FeedThing::Facility(facility.facility_id.clone())),
            Self::Vacancy(vacancy) => {
                Some(FeedThing::Vacancy(vacancy.facility_id.clone(), vacancy.base_month))
            }
            Self::Procedure(procedure) => Some(FeedThing::of_procedure(procedure)),
            Self::Removed(key) => FeedThing::at(key.clone()),
            _ => None,
        }
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
