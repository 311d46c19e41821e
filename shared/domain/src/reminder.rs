//! When the hub reminds a nursery of a pending request (NTF-07, RSV-16, RSV-18).

use jiff::SignedDuration;

use crate::{
    FacilityId, MunicipalityCode, Reservation, ReservationNumber, Status, Timestamp,
    reservation::Reminders, time,
};

/// A nursery is reminded of a request that is pending for longer than this, and again after as long.
pub const OVERDUE_AFTER: SignedDuration = SignedDuration::from_hours(24);

/// A pending request, as the index of pending requests knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingRequest {
    /// Its number.
    pub reservation_number: ReservationNumber,
    /// The nursery that has to answer.
    pub facility_id: FacilityId,
    /// Its municipality.
    pub municipality_code: MunicipalityCode,
    /// When the visit would be.
    pub starts_at: Timestamp,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// Since when the nursery has it to answer.
    pub pending_since: Timestamp,
    /// How often the nursery was asked about it.
    pub reminders: Option<Reminders>,
}

impl PendingRequest {
    /// Whether it waits for more than a day.
    pub fn is_overdue(&self, now: Timestamp) -> bool {
        now.since(self.pending_since) > OVERDUE_AFTER
    }

    /// Whether the nursery is to be asked about it in the run of this hour: the visit is still to come, it
    /// is overdue or urgent, and was not asked about for a day.
    pub fn is_due(&self, now: Timestamp) -> bool {
        now.is_business_hour()
            && now < self.starts_at
            && (self.is_overdue(now) || self.is_urgent(now))
            && self.reminders.is_none_or(|reminders| now.since(reminders.last_at) >= OVERDUE_AFTER)
    }

    /// Whether the visit comes before the nursery could be asked on another business day (RSV-16).
    pub fn is_urgent(&self, now: Timestamp) -> bool {
        self.starts_at.date() <= time::next_business_day(now.date())
    }

    /// Whether the municipality's digest of today lists it: the second reminder was on an earlier day.
    ///
    /// Reminders are at least 24 hours apart, so before a third one lies a second of an earlier day.
    pub fn is_escalated(&self, now: Timestamp) -> bool {
        self.reminders.is_some_and(|reminders| {
            reminders.count > 2 || (reminders.count == 2 && reminders.last_at.date() < now.date())
        })
    }
}

/// Whether digests may be sent in the run of this hour: from 8:00 on a business day. The first
/// run sends; a later one of the same day sends only what that one could not.
pub fn is_digest_hour(now: Timestamp) -> bool {
    time::is_business_day(now.date()) && (8..time::BUSINESS_HOURS.end).contains(&now.local().hour())
}

/// What a reminder at `now` makes of a reservation; `None` if it is no longer pending, or another run was
/// faster.
pub fn remind(
    reservation: &Reservation,
    pending: &PendingRequest,
    now: Timestamp,
) -> Option<Reservation> {
    if reservation.status != Status::Pending || reservation.reminders != pending.reminders {
        return None;
    }
    let mut next = reservation.clone();
    next.reminders = Some(Reminders {
        count: pending.reminders.map_or(0, |reminders| reminders.count) + 1,
        last_at: now,
    });
    next.sequence += 1;
    next.updated_at = now;
    Some(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pending(requested_at: &str, reminders: Option<(u32, &str)>) -> PendingRequest {
        PendingRequest {
            reservation_number: "R-7K3M-9QXD".parse().unwrap(),
            facility_id: "fac_7k3m9qxd2abc".parse().unwrap(),
            municipality_code: "131199".parse().unwrap(),
            starts_at: "2027-02-01T10:00:00+09:00".parse().unwrap(),
            requested_at: requested_at.parse().unwrap(),
            pending_since: requested_at.parse().unwrap(),
            reminders: reminders
                .map(|(count, at)| Reminders { count, last_at: at.parse().unwrap() }),
        }
    }

    /// The first hour, from the given one on, at which the request is due.
    fn first_due(pending: &PendingRequest, from: &str) -> String {
        let mut hour: Timestamp = from.parse().unwrap();
        while !pending.is_due(hour) {
            hour = hour + SignedDuration::from_hours(1);
        }
        hour.to_string()
    }

    #[test]
    fn a_request_of_friday_evening_is_asked_about_after_the_holiday() {
        let request = pending("2027-01-08T20:00:00+09:00", None);
        let due = first_due(&request, "2027-01-08T20:00:00+09:00");
        assert_eq!(due, "2027-01-12T07:00:00+09:00");
    }

    #[test]
    fn exactly_a_day_is_not_more_than_a_day() {
        let request = pending("2026-12-01T10:00:00+09:00", None);
        assert_eq!(first_due(&request, "2026-12-01T10:00:00+09:00"), "2026-12-02T11:00:00+09:00");
    }

    #[test]
    fn rsv_16_the_last_business_day_before_the_visit_is_urgent() {
        // The visit is on Monday, 1 February 2027.
        let request = pending("2027-01-29T06:00:00+09:00", None);
        assert_eq!(first_due(&request, "2027-01-29T06:00:00+09:00"), "2027-01-29T07:00:00+09:00");
        let earlier = pending("2027-01-28T08:30:00+09:00", None);
        assert!(!earlier.is_due("2027-01-28T18:00:00+09:00".parse().unwrap()));
        let reminders =
            pending("2027-01-27T14:00:00+09:00", Some((1, "2027-01-28T15:00:00+09:00")));
        assert_eq!(first_due(&reminders, "2027-01-29T07:00:00+09:00"), "2027-01-29T15:00:00+09:00");
        assert!(!request.is_due("2027-02-01T11:00:00+09:00".parse().unwrap()), "it has begun");
    }

    #[test]
    fn the_next_asking_is_a_day_later_at_the_earliest() {
        let request = pending("2026-12-01T09:30:00+09:00", Some((1, "2026-12-02T10:00:00+09:00")));
        assert_eq!(first_due(&request, "2026-12-02T10:00:00+09:00"), "2026-12-03T10:00:00+09:00");
    }

    #[test]
    fn the_digest_lists_a_request_on_the_business_day_after_its_second_asking() {
        let request = pending("2026-12-01T09:30:00+09:00", Some((2, "2026-12-04T10:00:00+09:00")));
        let listed = |at: &str| {
            let at = at.parse().unwrap();
            is_digest_hour(at) && request.is_escalated(at)
        };
        assert!(!listed("2026-12-04T11:00:00+09:00"));
        assert!(!listed("2026-12-05T08:00:00+09:00"), "a Saturday");
        assert!(!listed("2026-12-07T07:00:00+09:00"));
        assert!(listed("2026-12-07T08:00:00+09:00"));
    }
}
