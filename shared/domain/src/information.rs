//! When the hub reminds people of a facility's information (FAC-10): of drafts that the facility does not submit, of change
//! requests that its municipality does not decide, and of information that was stated more than a year ago.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, ToSpan, civil::Weekday};
use serde::{Deserialize, Serialize};

use crate::{
    ChangeRequest, ChangeRequestNumber, Facility, FacilityId, Timestamp,
    change_request::{ChangeAction, ChangeStatus},
};

/// People are reminded of what is left for so long, and then each week.
const OVERDUE_AFTER: SignedDuration = SignedDuration::from_hours(7 * 24);

/// A change request that was left for too long.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OverdueChange {
    /// What people call it.
    pub change_request_number: ChangeRequestNumber,
    /// Of which facility.
    pub facility_id: FacilityId,
    /// Since when somebody has it to act on.
    pub since: Timestamp,
}

/// What a facility is reminded of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FacilityDue {
    /// Drafts to submit or to withdraw, the oldest first.
    Drafts(Vec<OverdueChange>),
    /// All of its information, which was last stated then.
    StatedAt(Timestamp),
}

/// What a municipality and its facilities are reminded of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Due {
    /// The municipality: change requests to approve or to reject, the oldest first.
    pub undecided: Vec<OverdueChange>,
    /// Its facilities.
    pub facilities: BTreeMap<FacilityId, FacilityDue>,
}

/// Whether reminders go out in a run at this time: on Mondays, holidays among them.
pub fn is_reminder_day(now: Timestamp) -> bool {
    now.date().weekday() == Weekday::Monday
}

/// What is due of these facilities of a municipality and of change requests of theirs.
pub fn due(facilities: &[Facility], requests: &[ChangeRequest], now: Timestamp) -> Due {
    let (mut drafts, mut undecided) = (BTreeMap::<_, Vec<_>>::new(), Vec::new());
    let mut at_work = BTreeSet::new();
    for request in requests {
        let Some(since) = request.open_since() else { continue };
        at_work.insert(&request.facility_id);
        if !is_overdue(since, now) {
            continue;
        }
        let (change_request_number, facility_id) =
            (request.change_request_number.clone(), request.facility_id.clone());
        let overdue = OverdueChange { change_request_number, facility_id, since };
        match request.status {
            ChangeStatus::Draft => {
                drafts.entry(request.facility_id.clone()).or_default().push(overdue);
            }
            _ => undecided.push(overdue),
        }
    }
    undecided.sort_by_key(|overdue| overdue.since);
    drafts.values_mut().for_each(|drafts| drafts.sort_by_key(|overdue| overdue.since));
    // Who works on its information is not asked to look through it.
    let old = facilities.iter().filter(|facility| !at_work.contains(&facility.facility_id));
    let old = old.filter(|facility| is_overdue(a_year_after(facility.stated_at()), now));
    let old = old.map(|facility| {
        (facility.facility_id.clone(), FacilityDue::StatedAt(facility.stated_at()))
    });
    let drafts = drafts.into_iter().map(|(id, drafts)| (id, FacilityDue::Drafts(drafts)));
    Due { undecided, facilities: drafts.chain(old).collect() }
}

fn is_overdue(since: Timestamp, now: Timestamp) -> bool {
    now.since(since) >= OVERDUE_AFTER
}

fn a_year_after(at: Timestamp) -> Timestamp {
    let local = at.local();
    Timestamp::at(local.date().saturating_add(1.year()), local.time())
}

impl ChangeRequest {
    /// Since when somebody has it to act on: the facility a draft since its last edit, the municipality since it was
    /// submitted. None once it is decided or withdrawn.
    pub fn open_since(&self) -> Option<Timestamp> {
        match self.status {
            ChangeStatus::Draft => self.updated_at(),
            ChangeStatus::Submitted => self.last(ChangeAction::Submitted).map(|step| step.at),
            ChangeStatus::Approved | ChangeStatus::Rejected | ChangeStatus::Withdrawn => None,
        }
    }
}

impl Facility {
    /// When its information was last stated: approved, imported, or confirmed by the facility. Of one that was kept before
    /// that was noted, when it last changed.
    pub fn stated_at(&self) -> Timestamp {
        let stated = self.notes.provenance.iter().map(|provenance| provenance.approved_at);
        stated.chain(self.notes.confirmed_at).max().unwrap_or(self.updated_at)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        change_request::{ChangeAct, ChangeOrigin, ChangeOutcome, Changes},
        facility::Source,
        reservation::Actor,
        search::tests::facility,
    };

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn by() -> Actor {
        Actor::Staff("staff-1".into())
    }

    /// A facility, and a change request that it began then.
    fn begun(at: &str, submit: bool) -> (Facility, ChangeRequest) {
        let facility = facility("かないくぼ保育園", "板橋2-21-1");
        let wanted = serde_json::from_value(json!({"features": "園庭"})).unwrap();
        let ids = ("chg_7k3m9qxd2abc".parse().unwrap(), ChangeRequestNumber::nth(2));
        let changes = Changes::of(&wanted, &facility).unwrap();
        let (origin, by) = (ChangeOrigin::Facility, (by(), at.parse().unwrap()));
        let request = ChangeRequest::new(ids, &facility, origin, changes, submit, by);
        (facility, request)
    }

    fn after(
        facility: &Facility,
        request: &ChangeRequest,
        act: &ChangeAct,
        now: &str,
    ) -> ChangeRequest {
        match request.after(act, facility, &by(), at(now)).unwrap() {
            ChangeOutcome::Becomes(next, _) => *next,
            ChangeOutcome::Already => panic!("it changes nothing"),
        }
    }

    fn edit(json: serde_json::Value, submit: bool) -> ChangeAct {
        ChangeAct::Edit { changes: Some(serde_json::from_value(json).unwrap()), submit }
    }

    /// Who is reminded of the request then: `f` for the facility, `m` for its municipality.
    fn reminded(request: &ChangeRequest, now: &str) -> &'static str {
        let due = due(&[], std::slice::from_ref(request), at(now));
        match (due.facilities.len(), due.undecided.len()) {
            (0, 0) => "",
            (1, 0) => "f",
            (0, 1) => "m",
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn reminders_go_out_on_mondays_on_holidays_too() {
        // 11 January 2027 is Coming of Age Day.
        let days = ["2027-01-04", "2027-01-11", "2027-01-12", "2027-01-17"];
        let is = days.map(|day| is_reminder_day(at(&format!("{day}T09:00:00+09:00"))));
        assert_eq!(is, [true, true, false, false]);
        // In Tokyo it is Monday already.
        assert!(is_reminder_day(at("2027-01-03T15:00:00Z")));
    }

    #[test]
    fn seven_days_to_the_second_are_enough_and_a_millisecond_less_is_not() {
        let (_, draft) = begun("2026-12-07T09:00:00+09:00", false);
        assert_eq!(reminded(&draft, "2026-12-14T08:59:59.999+09:00"), "");
        assert_eq!(reminded(&draft, "2026-12-14T09:00:00+09:00"), "f");
        let (_, submitted) = begun("2026-12-07T09:00:00.001+09:00", true);
        assert_eq!(reminded(&submitted, "2026-12-14T09:00:00+09:00"), "");
        assert_eq!(reminded(&submitted, "2026-12-21T09:00:00+09:00"), "m");
        assert_eq!(reminded(&submitted, "2027-12-20T09:00:00+09:00"), "m", "while it lasts");
    }

    #[test]
    fn a_draft_is_left_since_its_last_edit_and_a_request_undecided_since_it_was_submitted() {
        let (facility, draft) = begun("2026-12-01T10:00:00+09:00", false);
        let edited = after(
            &facility,
            &draft,
            &edit(json!({"features": "広い園庭"}), false),
            "2026-12-10T10:00:00+09:00",
        );
        assert_eq!(reminded(&draft, "2026-12-14T09:00:00+09:00"), "f");
        assert_eq!(reminded(&edited, "2026-12-14T09:00:00+09:00"), "");
        let submitted =
            after(&facility, &edited, &edit(json!({}), true), "2026-12-13T10:00:00+09:00");
        assert_eq!(submitted.open_since(), Some(at("2026-12-13T10:00:00+09:00")));
        let correct =
            ChangeAct::Correct(serde_json::from_value(json!({"features": "中庭"})).unwrap());
        let corrected = after(&facility, &submitted, &correct, "2026-12-20T10:00:00+09:00");
        assert_eq!(
            reminded(&corrected, "2026-12-21T09:00:00+09:00"),
            "m",
            "a correction decides nothing"
        );
        let reject = ChangeAct::Reject("内容を確認".parse().unwrap());
        for act in [ChangeAct::Withdraw, ChangeAct::Approve, reject] {
            let over = after(&facility, &corrected, &act, "2026-12-20T11:00:00+09:00");
            assert_eq!(
                (over.open_since(), reminded(&over, "2027-12-20T09:00:00+09:00")),
                (None, "")
            );
        }
    }

    #[test]
    fn information_is_old_a_year_and_a_week_after_its_newest_approval() {
        let (mut facility, draft) = begun("2026-12-01T10:00:00+09:00", false);
        facility.updated_at = at("2026-12-01T10:00:00+09:00");
        let is_old = |facility: &Facility, requests: &[ChangeRequest], now: &str| {
            let due = due(std::slice::from_ref(facility), requests, at(now));
            due.facilities.get(&facility.facility_id)
                == Some(&FacilityDue::StatedAt(facility.stated_at()))
        };
        assert!(is_old(&facility, &[], "2027-12-13T09:00:00+09:00"), "kept before it was noted");
        facility.notes.state(
            ["phone".into()].into(),
            Source::Import,
            at("2025-11-30T09:00:00+09:00"),
        );
        facility.notes.state(
            ["features".into()].into(),
            Source::Facility,
            at("2025-12-14T09:00:00+09:00"),
        );
        assert!(!is_old(&facility, &[], "2026-12-14T09:00:00+09:00"));
        assert!(!is_old(&facility, &[], "2026-12-21T08:59:59+09:00"));
        assert!(is_old(&facility, &[], "2026-12-21T09:00:00+09:00"), "whatever settings changed");
        let open = std::slice::from_ref(&draft);
        assert!(!is_old(&facility, open, "2026-12-21T09:00:00+09:00"), "somebody works on it");
        let withdrawn = after(&facility, &draft, &ChangeAct::Withdraw, "2026-12-02T10:00:00+09:00");
        assert!(is_old(&facility, &[withdrawn], "2026-12-21T09:00:00+09:00"));
    }
}
