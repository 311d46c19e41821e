//! Procedures, as their feed tells them.

use jiff::ToSpan;

use crate::{Timestamp, procedure::Procedure};

impl Procedure {
    /// What the feed says of it; `None` where it is not published on this day.
    pub fn in_feed(self, now: Timestamp) -> Option<Self> {
        self.is_published(now.date()).then_some(self)
    }

    /// When time alone changes what the feed says of it: at its publication, or after its last day.
    pub fn turns_at(&self, now: Timestamp) -> Option<Timestamp> {
        // A day that the calendar does not have is never reached.
        let after = self.publish_to.and_then(|last| last.0.checked_add(1.day()).ok());
        let days = [Some(self.publish_from.0), after];
        days.into_iter().flatten().map(Timestamp::midnight).find(|turn| now < *turn)
    }
}
