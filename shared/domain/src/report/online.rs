//! How many visits are booked online (REP-16).

use jiff::civil::Date;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Fact, ReportedMonth, Share, month};
use crate::calendar::Month;
use crate::reservation::Origin;

/// Bookings, by where they came from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct OriginCounts {
    /// From search sites.
    pub search_site: u32,
    /// From the hub's own form.
    pub portal: u32,
    /// By telephone or at the door, entered by the nursery.
    pub off_system: u32,
    /// From search sites and the hub's form, of all.
    pub online: Share,
}

impl OriginCounts {
    fn add(&mut self, origin: Origin) {
        match origin {
            Origin::SearchSite => self.search_site += 1,
            Origin::Portal => self.portal += 1,
            Origin::OffSystem => self.off_system += 1,
        }
        let online = self.search_site + self.portal;
        self.online = Share::of(online + self.off_system, online);
    }
}

/// Bookings by where they came from, by the month in which they were made (REP-16).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct OnlineByMonth {
    /// Month by month.
    pub months: Vec<ReportedMonth<OriginCounts>>,
    /// All of them together.
    pub total: OriginCounts,
}

/// Where the bookings between two days came from, by the month in which they were made (REP-16). Counts
/// what was asked for, whatever became of it.
pub fn online_by_month(facts: &[Fact], from: Date, to: Date) -> OnlineByMonth {
    let (mut months, mut total) =
        (month::months::<OriginCounts>(from, to), OriginCounts::default());
    for fact in facts {
        if let Some(counts) = months.get_mut(&Month::of(fact.requested_at.date())) {
            counts.add(fact.origin);
            total.add(fact.origin);
        }
    }
    OnlineByMonth { months: month::listed(months), total }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Status, report::fact::tests::fact};

    #[test]
    fn rep_16_what_nurseries_enter_is_counted_beside_what_comes_online() {
        let of = |origin| Fact { origin, ..fact(Status::Approved) };
        let facts = [
            of(Origin::SearchSite),
            of(Origin::SearchSite),
            of(Origin::Portal),
            of(Origin::OffSystem),
            of(Origin::OffSystem),
            of(Origin::OffSystem),
            of(Origin::OffSystem),
        ];
        let (from, to) = ("2026-12-01".parse().unwrap(), "2026-12-31".parse().unwrap());
        let report = online_by_month(&facts, from, to);
        let online = Share::of(7, 3);
        let counts = OriginCounts { search_site: 2, portal: 1, off_system: 4, online };
        assert_eq!(report.total, counts);
        assert_eq!(report.months[0].counts, counts);
        assert_eq!(online.percent().unwrap().to_string(), "42.9");
        assert_eq!(online_by_month(&[], from, to).total.online.percent(), None);
    }
}
