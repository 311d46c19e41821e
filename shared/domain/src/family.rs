//! A family's open requests at one nursery: how many it may have, and whether it has one for a day.

use std::collections::BTreeSet;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::{ClientId, Refusal, ReservationNumber, SlotId, Timestamp};

/// A family has at most this many open requests at a nursery: else one family, or a site in its name, could take
/// every place.
const OPEN_AT_MOST: usize = 3;

/// A request that is not over.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct OpenRequest {
    /// For which slot; its id says when the visit starts.
    pub slot_id: SlotId,
    /// Which.
    pub reservation_number: ReservationNumber,
    /// The site that made it; none on the portal.
    pub site: Option<ClientId>,
}

/// The open requests of whoever shares a telephone number or a mail address, at one nursery.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OpenRequests(pub BTreeSet<OpenRequest>);

/// Whether a family had another request there for that day when it asked. Told, and not refused.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Duplicate {
    /// It had none.
    #[default]
    None,
    /// It had one, by the same site: the site hears of it.
    OfSite,
    /// It had one, by somebody else: only the nursery's staff and its ICT system hear of it.
    OfAnother,
}

impl OpenRequests {
    /// Whether the family may ask once more. What other sites asked for is nothing to a site; the family itself, on
    /// the portal, is told of all.
    pub fn may_ask(&self, site: Option<&ClientId>, now: Timestamp) -> Result<(), Refusal> {
        let is_shown = |one: &&OpenRequest| site.is_none() || one.site.as_ref() == site;
        let is_open =
            |one: &&OpenRequest| one.slot_id.starts_at().is_some_and(|starts_at| now < starts_at);
        let open = self.0.iter().filter(is_shown).filter(is_open).count();
        if open < OPEN_AT_MOST { Ok(()) } else { Err(Refusal::TooManyRequestsOfFamily) }
    }

    /// Whether the family has one for this day already.
    pub fn duplicate(&self, day: Date, site: Option<&ClientId>) -> Duplicate {
        let on_day = |one: &&OpenRequest| one.slot_id.starts_at().map(Timestamp::date) == Some(day);
        let mut of_day = self.0.iter().filter(on_day).peekable();
        if of_day.peek().is_none() {
            Duplicate::None
        } else if site.is_some() && of_day.any(|one| one.site.as_ref() == site) {
            Duplicate::OfSite
        } else {
            Duplicate::OfAnother
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    /// A request for the slot of the tests, which starts on 10 December 2026 at 10:00.
    fn request(nth: usize, site: Option<&str>) -> OpenRequest {
        let starts_at = at("2026-12-10T10:00:00+09:00");
        OpenRequest {
            slot_id: format!("{}{nth:08}", SlotId::first_at(starts_at)).parse().unwrap(),
            reservation_number: format!("R-0000-000{nth}").parse().unwrap(),
            site: site.map(|site| site.parse().unwrap()),
        }
    }

    fn open(sites: &[Option<&str>]) -> OpenRequests {
        OpenRequests(sites.iter().enumerate().map(|(nth, site)| request(nth, *site)).collect())
    }

    #[test]
    fn three_open_requests_are_enough_for_a_family_and_a_site_counts_its_own() {
        let now = at("2026-12-01T10:00:00+09:00");
        let (one, two) = ("site-1".parse().unwrap(), "site-2".parse().unwrap());
        let requests = open(&[Some("site-1"), Some("site-1"), Some("site-1"), Some("site-2")]);
        let refused = Err(Refusal::TooManyRequestsOfFamily);
        assert_eq!(requests.may_ask(Some(&one), now), refused);
        assert_eq!(requests.may_ask(Some(&two), now), Ok(()));
        assert_eq!(requests.may_ask(None, now), refused, "on the portal all count");
        let begun = at("2026-12-10T10:00:00+09:00");
        assert_eq!(requests.may_ask(Some(&one), begun), Ok(()), "what has begun does not");
    }

    #[test]
    fn a_site_hears_of_its_own_requests_alone() {
        let (day, other_day) = ("2026-12-10".parse().unwrap(), "2026-12-11".parse().unwrap());
        let (one, two) = ("site-1".parse().unwrap(), "site-2".parse().unwrap());
        let requests = open(&[Some("site-1"), None]);
        assert_eq!(requests.duplicate(day, Some(&one)), Duplicate::OfSite);
        assert_eq!(requests.duplicate(day, Some(&two)), Duplicate::OfAnother);
        assert_eq!(requests.duplicate(day, None), Duplicate::OfAnother);
        assert_eq!(requests.duplicate(other_day, Some(&one)), Duplicate::None);
    }
}
