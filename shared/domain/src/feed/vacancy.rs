//! What nurseries have free, as the feed tells it.

use crate::{Timestamp, vacancy::Vacancy};

impl Vacancy {
    /// What the feed says of it; `None` where it is deleted: a year after its month.
    pub fn in_feed(self, now: Timestamp) -> Option<Self> {
        (now < self.leaves_feed_at()).then_some(self)
    }

    /// When it is deleted from the feed. For so long it is compared with the same month of a year later.
    pub fn leaves_feed_at(&self) -> Timestamp {
        Timestamp::midnight(self.base_month.first_day_after(13))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::tests::facility;

    #[test]
    fn a_vacancy_stays_for_a_year_after_its_month() {
        let at = |text: &str| text.parse().unwrap();
        let now = at("2026-11-10T10:00:00+09:00");
        let vacancy = Vacancy::new(&facility("あ", "い"), "2026-12".parse().unwrap(), now);
        assert!(vacancy.clone().in_feed(at("2027-12-31T23:59:59+09:00")).is_some());
        assert!(vacancy.in_feed(at("2028-01-01T00:00:00+09:00")).is_none());
    }
}
