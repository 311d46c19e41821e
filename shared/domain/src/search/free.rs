//! When slots with a free place start.

use std::collections::BTreeSet;

use super::bytes::{number, put_number};
use crate::Timestamp;

/// The starts of slots with a free place, in order: of each, how long it is after the one before, in milliseconds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FreeSlots(Box<[u8]>);

impl FreeSlots {
    /// From what [`Self::bytes`] gave.
    pub fn of_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes.into())
    }

    /// As they are stored.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// In order.
    pub fn iter(&self) -> impl Iterator<Item = Timestamp> {
        self.epoch_ms().filter_map(Timestamp::from_epoch_ms)
    }

    /// The same, in milliseconds since 1970.
    fn epoch_ms(&self) -> impl Iterator<Item = i64> {
        let (mut rest, mut last) = (&*self.0, 0_i64);
        std::iter::from_fn(move || {
            last = last.checked_add_unsigned(number(&mut rest)?)?;
            Some(last)
        })
    }

    /// The first that is not before this one, in milliseconds since 1970.
    pub(super) fn first_from(&self, from: i64) -> Option<i64> {
        self.epoch_ms().find(|start| *start >= from)
    }

    /// Notes whether the slot that starts then has a free place; tells whether that is new. Starts before `now` are
    /// forgotten on the way.
    pub(super) fn put(&mut self, starts_at: Timestamp, free: bool, now: Timestamp) -> bool {
        let mut starts: BTreeSet<Timestamp> = self.iter().collect();
        let changed = if free { starts.insert(starts_at) } else { starts.remove(&starts_at) };
        if changed {
            *self = starts.split_off(&now).into_iter().collect();
        }
        changed
    }
}

impl FromIterator<Timestamp> for FreeSlots {
    fn from_iter<I: IntoIterator<Item = Timestamp>>(starts: I) -> Self {
        let starts: BTreeSet<i64> = starts.into_iter().map(|at| at.epoch_ms().max(0)).collect();
        let (mut bytes, mut last) = (Vec::new(), 0);
        for start in starts {
            put_number(&mut bytes, start.abs_diff(last));
            last = start;
        }
        Self(bytes.into())
    }
}

/// How many starts stand beside the columns of a facility.
const SOON: usize = 3;

/// How long a day is, in milliseconds.
const DAY: i64 = 86_400_000;

/// How much earlier a day begins in Japan.
const TOKYO_AHEAD: i64 = 9 * 3_600_000;

/// When something is free, as most searches ask for it: beside the columns, because the whole list is in far memory.
#[derive(Debug, Clone, Copy)]
pub(super) struct FreeSoon {
    /// The first starts that could be asked for when this was made, in order; [`i64::MAX`] after the last one.
    starts: [i64; SOON],
    /// The days on which one of all starts is, a bit for each, from that day on; the last bit is for all days after.
    days: u128,
    /// The midnight from which days are counted.
    midnight: i64,
}

/// The first start from an instant on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    At(i64),
    None,
    /// Only the list tells.
    Unknown,
}

/// Whether something starts in a span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Free {
    Yes,
    No,
    /// Only the list tells.
    Unknown,
}

impl FreeSoon {
    /// Of starts that can be asked for from an instant on.
    pub(super) fn new(free: &FreeSlots, from: i64) -> Self {
        let midnight = from - (from + TOKYO_AHEAD).rem_euclid(DAY);
        let mut soon = Self { starts: [i64::MAX; SOON], days: 0, midnight };
        let mut known = 0;
        for start in free.epoch_ms() {
            if start < from {
                continue;
            }
            if known < SOON {
                soon.starts[known] = start;
                known += 1;
            }
            soon.days |= 1 << soon.day(start);
        }
        soon
    }

    /// The day of an instant that is not before the midnight.
    fn day(&self, at: i64) -> u32 {
        (at.abs_diff(self.midnight) / DAY as u64).min(LAST_DAY.into()) as u32
    }

    /// The first start from an instant on, which is not before that of [`Self::new`].
    pub(super) fn first_from(&self, from: i64) -> Next {
        match self.starts.iter().find(|start| **start >= from) {
            Some(&i64::MAX) => Next::None,
            Some(&start) => Next::At(start),
            None => Next::Unknown,
        }
    }

    /// Whether something starts from an instant on, which is not before that of [`Self::new`], and before another.
    pub(super) fn is_free(&self, from: i64, until: i64) -> Free {
        match self.first_from(from) {
            _ if until <= from => return Free::No,
            Next::At(start) if start < until => return Free::Yes,
            Next::At(_) | Next::None => return Free::No,
            Next::Unknown => {}
        }
        let days = |from: u32, to: u32| (from..=to).fold(0, |bits, day| bits | 1_u128 << day);
        let (first, last) = (self.day(from), self.day(until - 1));
        if self.days & days(first, last) == 0 {
            return Free::No;
        }
        // A day of which the span has a part alone does not decide, nor does the bit for all days after.
        let (first, last) = (self.day(from + DAY - 1), self.day(until));
        match last.checked_sub(1) {
            Some(last) if self.days & days(first, last) != 0 => Free::Yes,
            _ => Free::Unknown,
        }
    }
}

/// The bit of all days that are further ahead than the others.
const LAST_DAY: u32 = u128::BITS - 1;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn starts_are_kept_in_order_and_in_few_bytes() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let (a, b) = (at("2026-12-02T10:00:00+09:00"), at("2026-12-03T10:30:00.001+09:00"));
        let mut free = FreeSlots::default();
        assert!(free.put(b, true, a) && free.put(a, true, a) && !free.put(a, true, a));
        assert_eq!(free.iter().collect::<Vec<_>>(), [a, b]);
        assert_eq!(FreeSlots::of_bytes(free.bytes().to_vec()), free);
        assert!(free.bytes().len() <= 11, "{}", free.bytes().len());
        assert!(free.put(b, false, b) && free.iter().next().is_none(), "what is past is forgotten");
        assert_eq!(FreeSlots::of_bytes(vec![0xff; 20]).iter().count(), 0, "nonsense is nothing");
    }

    proptest! {
        #[test]
        fn what_stands_beside_the_columns_says_what_the_list_says(
            starts in prop::collection::vec(0_i64..200 * 24, 0..12),
            made in 0_i64..100 * 24,
            from in 0_i64..100 * 24,
            hours in 0_i64..60 * 24,
        ) {
            let at = |hour: i64| 1_795_100_400_000 + hour * 3_600_000;
            let free: FreeSlots =
                starts.iter().filter_map(|hour| Timestamp::from_epoch_ms(at(*hour))).collect();
            let (from, until) = (at(made + from), at(made + from + hours));
            let soon = FreeSoon::new(&free, at(made));
            let first = free.first_from(from);
            let known = match soon.first_from(from) {
                Next::At(start) => Some(start),
                Next::None => None,
                Next::Unknown => first,
            };
            prop_assert_eq!(known, first);
            let is_free = first.is_some_and(|start| start < until);
            let known = match soon.is_free(from, until) {
                Free::Yes => true,
                Free::No => false,
                Free::Unknown => is_free,
            };
            prop_assert_eq!(known, is_free);
        }
    }

    #[test]
    fn whole_days_far_ahead_are_decided_without_the_list() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let days = [2, 3, 4, 5, 20].map(|day| at(&format!("2026-12-{day:02}T10:00:00+09:00")));
        let free: FreeSlots = days.into_iter().collect();
        let soon = FreeSoon::new(&free, at("2026-12-01T10:00:00+09:00").epoch_ms());
        let is_free = |from: &str, until: &str| {
            let midnight = |day: &str| at(&format!("{day}T00:00:00+09:00")).epoch_ms();
            soon.is_free(midnight(from), midnight(until))
        };
        assert_eq!(is_free("2026-12-06", "2026-12-20"), Free::No);
        assert_eq!(is_free("2026-12-06", "2026-12-22"), Free::Yes);
        assert_eq!(is_free("2026-12-03", "2026-12-04"), Free::Yes);
        assert_eq!(soon.first_from(at("2026-12-19T10:00:00+09:00").epoch_ms()), Next::Unknown);
    }
}
