//! How much of what nurseries offered was used (REP-06, SLOT-11, SLOT-12).

use jiff::civil::Date;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Fact, ReportedMonth, Share, count::count, month};
use crate::{Slot, calendar::Month};

/// Slots, their places, and the visits in them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct SlotUse {
    /// Slots in which a family could come.
    pub slots: u32,
    /// Their places. A slot that was disabled offers no more places than are held in it.
    pub places: u32,
    /// Visits that were approved, those entered by the nursery among them.
    pub approved: u32,
    /// Approved visits of the places (SLOT-12).
    pub used: Share,
}

impl SlotUse {
    fn add_slot(&mut self, slot: &Slot) {
        let held = count(slot.holding.len());
        let places = if slot.disabled { held } else { slot.capacity.get().into() };
        self.slots = self.slots.saturating_add(u32::from(places > 0));
        self.places = self.places.saturating_add(places);
    }

    fn settled(self) -> Self {
        Self { used: Share::of(self.places, self.approved), ..self }
    }
}

/// Slot use, by the month of the visit (REP-06).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct SlotUseByMonth {
    /// Month by month.
    pub months: Vec<ReportedMonth<SlotUse>>,
    /// All of them together.
    pub total: SlotUse,
}

/// How much of what was offered between two days was used, by the month of the visit (REP-06).
pub fn slot_use_by_month(slots: &[Slot], facts: &[Fact], from: Date, to: Date) -> SlotUseByMonth {
    let (mut months, mut total) = (month::months::<SlotUse>(from, to), SlotUse::default());
    let within = |day: Date| (from..=to).contains(&day);
    for slot in slots {
        let day = slot.starts_at.date();
        if let Some(month) = months.get_mut(&Month::of(day)).filter(|_| within(day)) {
            month.add_slot(slot);
            total.add_slot(slot);
        }
    }
    for fact in facts.iter().filter(|fact| fact.is_approved()) {
        let day = fact.starts_at.date();
        if let Some(month) = months.get_mut(&Month::of(day)).filter(|_| within(day)) {
            month.approved += 1;
            total.approved += 1;
        }
    }
    let settled = months.into_iter().map(|(month, slot_use)| (month, slot_use.settled()));
    SlotUseByMonth { months: month::listed(settled.collect()), total: total.settled() }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use proptest::prelude::*;

    use super::*;
    use crate::{
        Status, Timestamp,
        report::fact::tests::{any_fact, at, fact},
    };

    fn day(text: &str) -> Date {
        text.parse().unwrap()
    }

    fn slot(starts_at: Timestamp, capacity: i64, held: usize, disabled: bool) -> Slot {
        let number = |n: usize| format!("R-0000-{n:04}").parse().unwrap();
        Slot {
            starts_at,
            ends_at: starts_at + SignedDuration::from_mins(45),
            disabled,
            holding: (0..held).map(number).collect(),
            ..crate::slot::tests::slot(capacity)
        }
    }

    #[test]
    fn slot_12_rep_06_use_is_approved_visits_of_the_places_that_were_offered() {
        let visit = fact(Status::Approved).starts_at;
        let slots = [
            slot(visit, 3, 2, false),
            slot(visit, 4, 0, false),
            slot(visit, 5, 1, true),
            slot(visit, 5, 0, true),
            slot(at("2027-01-01T10:00:00+09:00"), 50, 0, false),
        ];
        let facts = [fact(Status::Approved), fact(Status::Completed), fact(Status::Declined)];
        let report = slot_use_by_month(&slots, &facts, day("2026-12-01"), day("2026-12-31"));
        let used = Share::of(8, 2);
        assert_eq!(report.total, SlotUse { slots: 3, places: 8, approved: 2, used });
        assert_eq!(report.months.len(), 1);
        assert_eq!(used.percent().unwrap().to_string(), "25.0");
    }

    #[test]
    fn slot_11_counting_no_slots_is_no_error() {
        let report = slot_use_by_month(&[], &[], day("2026-12-01"), day("2027-01-31"));
        assert_eq!(report.total, SlotUse::default());
        assert_eq!(report.months.len(), 2);
        assert_eq!(report.total.used.percent(), None);
        let backwards = slot_use_by_month(&[], &[], day("2027-01-31"), day("2026-12-01"));
        assert!(backwards.months.is_empty());
    }

    proptest! {
        #[test]
        fn slot_11_counting_never_fails_whatever_slots_there_are(
            slots in prop::collection::vec((0..800i64, 1..=50i64, 0..60usize, any::<bool>()), 0..40),
            facts in prop::collection::vec(any_fact(), 0..40),
        ) {
            let first = at("2025-12-01T10:00:00+09:00");
            let slots: Vec<_> = slots
                .into_iter()
                .map(|(days, capacity, held, disabled)| {
                    slot(first + SignedDuration::from_hours(24 * days), capacity, held, disabled)
                })
                .collect();
            let (from, to) = (day("2026-01-15"), day("2027-01-14"));
            let report = slot_use_by_month(&slots, &facts, from, to);
            let of_months: u32 = report.months.iter().map(|month| month.counts.places).sum();
            prop_assert_eq!(of_months, report.total.places);
            prop_assert_eq!(report.months.len(), 13);
            let places: u32 = slots
                .iter()
                .filter(|slot| !slot.disabled && (from..=to).contains(&slot.starts_at.date()))
                .map(|slot| u32::from(slot.capacity.get()))
                .sum();
            prop_assert!(report.total.places >= places);
        }
    }
}
