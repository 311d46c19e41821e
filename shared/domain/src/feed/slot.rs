//! Slots, as anybody sees them and as their feed tells them.

use jiff::SignedDuration;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    Capacity, FacilityId, Slot, SlotId, SlotNumber, Timestamp,
    slot::{Note, SlotStatus},
};

/// A slot stays in the feed for this long after its start.
const SLOT_STAYS_FOR: SignedDuration = SignedDuration::from_hours(7 * 24);

/// A slot as anybody sees it (SLOT-05).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct SlotView {
    /// The hub's id.
    pub slot_id: SlotId,
    /// The number that people use.
    pub slot_number: SlotNumber,
    /// Whose it is.
    pub facility_id: FacilityId,
    /// When the visit starts.
    pub starts_at: Timestamp,
    /// When it ends.
    pub ends_at: Timestamp,
    /// How many parties it takes.
    pub capacity: Capacity,
    /// How many places are free.
    pub remaining: u8,
    /// Whether it can be asked for. A feed never says `past`: that a slot has begun is no change of it, and
    /// its start tells.
    pub status: SlotStatus,
    /// A word of the nursery, to be shown before booking (SLOT-13).
    pub note: Option<Note>,
}

impl SlotView {
    /// The slot as it is at this time.
    pub fn new(slot: Slot, now: Timestamp) -> Self {
        Self {
            remaining: slot.remaining(),
            status: slot.status(now),
            slot_id: slot.slot_id,
            slot_number: slot.slot_number,
            facility_id: slot.facility_id,
            starts_at: slot.starts_at,
            ends_at: slot.ends_at,
            capacity: slot.capacity,
            note: slot.note,
        }
    }
}

impl Slot {
    /// What the feed says of it; `None` where it is deleted: disabled, or begun seven days ago. Of two who read
    /// the same entry at two times, both read the same.
    pub fn in_feed(self, now: Timestamp) -> Option<SlotView> {
        let (stays, status) = (now < self.leaves_feed_at(), self.status_until_start());
        (stays && !self.disabled).then(|| SlotView { status, ..SlotView::new(self, now) })
    }

    /// When it is deleted from the feed, if not before.
    pub fn leaves_feed_at(&self) -> Timestamp {
        self.starts_at + SLOT_STAYS_FOR
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::slot::tests::slot;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn the_feed_says_what_anybody_sees_of_a_slot() {
        let now = at("2026-12-01T10:00:00+09:00");
        let mut slot = slot(1);
        assert_eq!(slot.clone().in_feed(now), Some(SlotView::new(slot.clone(), now)));
        slot.holding.insert("R-7K3M-9QXD".parse().unwrap());
        let full = slot.clone().in_feed(now).unwrap();
        assert_eq!((full.status, full.remaining), (SlotStatus::Full, 0));
        slot.holding.clear();
        slot.waiting.insert((now, "R-7K3M-9QXD".parse().unwrap()));
        assert_eq!(slot.in_feed(now).unwrap().status, SlotStatus::Full, "the place is promised");
    }

    #[test]
    fn a_slot_that_is_disabled_is_deleted_and_comes_back() {
        let now = at("2026-12-01T10:00:00+09:00");
        let open = slot(1);
        let disabled = Slot { disabled: true, ..open.clone() };
        assert_eq!(disabled.in_feed(now), None);
        assert!(open.in_feed(now).is_some());
    }

    #[test]
    fn a_slot_stays_as_it_was_for_seven_days_after_its_start() {
        let before = slot(1).in_feed(at("2026-12-10T09:59:59+09:00"));
        assert_eq!(slot(1).in_feed(at("2026-12-17T09:59:59+09:00")), before);
        assert_eq!(before.unwrap().status, SlotStatus::Open, "never past");
        assert_eq!(slot(1).in_feed(at("2026-12-17T10:00:00+09:00")), None);
    }
}
