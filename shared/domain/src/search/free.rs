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

#[cfg(test)]
mod tests {
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
}
