//! What waits for an answer, and what came in lately (REP-01, REP-02).

use std::collections::{BTreeMap, HashMap};

use jiff::{ToSpan, civil::Date};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Fact, count::count};
use crate::{FacilityId, MunicipalityCode, ReservationNumber, Timestamp, reminder::PendingRequest};

/// A request that waits for the nursery's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct PendingRow {
    /// Which.
    pub reservation_number: ReservationNumber,
    /// The nursery.
    pub facility_id: FacilityId,
    /// Its name.
    pub facility_name: String,
    /// Where it is.
    pub municipality_code: MunicipalityCode,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// Since when the nursery has it to answer.
    pub pending_since: Timestamp,
    /// When the visit starts.
    pub starts_at: Timestamp,
    /// How often the hub asked the nursery for its answer.
    pub reminders: u32,
}

/// How many requests wait since a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct PendingOfDay {
    /// The day from which the nurseries had them to answer.
    #[schema(value_type = String, format = Date)]
    pub date: Date,
    /// How many days ago that was.
    pub days: u32,
    /// How many.
    pub requests: u32,
}

/// What waits for an answer now, the longest first (REP-01).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct PendingRequests {
    /// How many.
    pub total: u32,
    /// Of these: for more than 24 hours by the clock, so that the hub asks the nursery.
    pub overdue: u32,
    /// By age; days without any are left out.
    pub by_day: Vec<PendingOfDay>,
    /// Each.
    pub requests: Vec<PendingRow>,
}

/// What of this waits, with the names of the nurseries (REP-01).
pub fn pending(
    pending: Vec<PendingRequest>,
    names: &HashMap<FacilityId, String>,
    now: Timestamp,
) -> PendingRequests {
    let overdue = pending.iter().filter(|one| one.is_overdue(now)).count();
    let mut requests: Vec<_> = pending
        .into_iter()
        .map(|one| PendingRow {
            facility_name: names.get(&one.facility_id).cloned().unwrap_or_default(),
            reservation_number: one.reservation_number,
            facility_id: one.facility_id,
            municipality_code: one.municipality_code,
            requested_at: one.requested_at,
            pending_since: one.pending_since,
            starts_at: one.starts_at,
            reminders: one.reminders.map_or(0, |reminders| reminders.count),
        })
        .collect();
    requests.sort_by(|a, b| {
        (a.pending_since, &a.reservation_number).cmp(&(b.pending_since, &b.reservation_number))
    });
    let mut by_day = BTreeMap::<Date, u32>::new();
    for one in &requests {
        *by_day.entry(one.pending_since.date()).or_default() += 1;
    }
    let of_day = |(date, requests): (Date, u32)| {
        let days = (now.date() - date).get_days();
        PendingOfDay { date, days: u32::try_from(days).unwrap_or(0), requests }
    };
    PendingRequests {
        total: count(requests.len()),
        overdue: count(overdue),
        by_day: by_day.into_iter().map(of_day).collect(),
        requests,
    }
}

/// What came in (REP-02).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct NewRequests {
    /// The first of the last seven days, which today is the last of.
    #[schema(value_type = String, format = Date)]
    pub since: Date,
    /// Requests of the last seven days.
    pub last_7_days: u32,
    /// Requests since the hub began.
    pub total: u32,
}

/// How many requests came in, of all that there are (REP-02).
pub fn new_requests(facts: &[Fact], now: Timestamp) -> NewRequests {
    let since = now.date().saturating_sub(6.days());
    let (mut last_7_days, mut total) = (0, 0);
    for fact in facts.iter().filter(|fact| fact.is_request()) {
        total += 1;
        last_7_days += u32::from(fact.requested_at.date() >= since);
    }
    NewRequests { since, last_7_days, total }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Status,
        report::fact::tests::{at, fact},
        reservation::{Origin, Reminders},
    };

    #[test]
    fn rep_01_what_waits_is_listed_by_age_with_the_names_of_nurseries() {
        let known: FacilityId = "fac_7k3m9qxd2abc".parse().unwrap();
        let one = |number: &str, facility: &str, since: &str| PendingRequest {
            reservation_number: number.parse().unwrap(),
            facility_id: facility.parse().unwrap(),
            municipality_code: "131199".parse().unwrap(),
            starts_at: at("2026-12-20T10:00:00+09:00"),
            requested_at: at("2026-11-01T10:00:00+09:00"),
            pending_since: at(since),
            reminders: (number == "R-0000-0001")
                .then(|| Reminders { count: 2, last_at: at("2026-12-02T10:00:00+09:00") }),
        };
        let all = vec![
            one("R-0000-0002", "fac_7k3m9qxd2abc", "2026-12-02T10:00:01+09:00"),
            one("R-0000-0001", "fac_7k3m9qxd2abc", "2026-12-01T23:00:00+09:00"),
            one("R-0000-0003", "fac_111111111111", "2026-12-02T09:00:00+09:00"),
        ];
        let names = HashMap::from([(known, "かないくぼ保育園".to_owned())]);
        let report = pending(all, &names, at("2026-12-03T10:00:01+09:00"));
        let order: Vec<_> =
            report.requests.iter().map(|one| one.reservation_number.as_str()).collect();
        assert_eq!(order, ["R-0000-0001", "R-0000-0003", "R-0000-0002"]);
        assert_eq!((report.total, report.overdue), (3, 2), "24 hours to the second are not over");
        let days: Vec<_> = report.by_day.iter().map(|day| (day.days, day.requests)).collect();
        assert_eq!(days, [(2, 1), (1, 2)]);
        assert_eq!(report.requests[0].facility_name, "かないくぼ保育園");
        assert_eq!((report.requests[0].reminders, report.requests[2].reminders), (2, 0));
    }

    #[test]
    fn rep_02_seven_days_are_today_and_the_six_before() {
        let reminders = |text: &str| Fact { requested_at: at(text), ..fact(Status::Declined) };
        let facts = [
            reminders("2026-12-10T09:00:00+09:00"),
            reminders("2026-12-04T00:00:00+09:00"),
            reminders("2026-12-03T23:59:59+09:00"),
            Fact { origin: Origin::OffSystem, ..reminders("2026-12-10T08:00:00+09:00") },
        ];
        let report = new_requests(&facts, at("2026-12-10T10:00:00+09:00"));
        assert_eq!((report.last_7_days, report.total), (2, 3));
        assert_eq!(report.since.to_string(), "2026-12-04");
    }
}
