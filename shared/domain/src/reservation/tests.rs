use super::*;
use crate::Settings;

pub(crate) fn pending() -> Reservation {
    let at = |text: &str| text.parse::<Timestamp>().unwrap();
    Reservation {
        reservation_number: "R-7K3M-9QXD".parse().unwrap(),
        facility_id: "fac_7k3m9qxd2abc".parse().unwrap(),
        municipality_code: "131199".parse().unwrap(),
        slot_id: "slt_0wx4n07k3m9qxd".parse().unwrap(),
        starts_at: at("2026-12-10T10:00:00+09:00"),
        ends_at: at("2026-12-10T10:45:00+09:00"),
        requested_by: Actor::Client("site-1".parse().unwrap()),
        origin: Origin::SearchSite,
        status: Status::Pending,
        party_size: PartySize::new(2).unwrap(),
        consent: Some(Consent { version: "1".into(), agreed_at: at("2026-12-01T09:59:00+09:00") }),
        requested_at: at("2026-12-01T10:00:00+09:00"),
        updated_at: at("2026-12-01T10:00:00+09:00"),
        sequence: 1,
        would_wait: false,
        pending_holds_place: true,
        expires_at: Some(at("2026-12-10T09:00:00+09:00")),
        approves_at: None,
        families: Vec::new(),
        possible_duplicate: Duplicate::None,
        reminders: None,
        reminded_at: None,
        history: Vec::new(),
        memos: Vec::new(),
        applicant: Some(Sealed(vec![1])),
        cancel_reason: None,
        fingerprint: RequestFingerprint {
            key: [0; 16],
            body: [0; 16],
            body_by_other_keys: Vec::new(),
        },
    }
}

pub(crate) fn in_state(status: Status) -> Reservation {
    Reservation { status, ..pending() }
}

#[test]
fn rsv_09_the_newest_memos_are_kept() {
    let memo = |n: u8| Memo { at: pending().requested_at, by: Actor::Hub, text: Sealed(vec![n]) };
    let noted = (0..30).fold(pending(), |reservation, n| reservation.noted(memo(n)));
    assert_eq!(noted.sequence, 31);
    assert_eq!(noted.memos.len(), MEMOS_KEPT);
    assert_eq!(noted.memos.last(), Some(&memo(29)));
}

#[test]
fn who_would_wait_counts_nowhere_before_the_mail_address_is_confirmed() {
    let unconfirmed = Reservation { would_wait: true, ..in_state(Status::Unconfirmed) };
    assert_eq!(unconfirmed.standing(), Standing::None);
    let now = unconfirmed.requested_at + SignedDuration::from_mins(5);
    let confirm = Action::Confirm { settings: Settings::default() };
    let Ok(Outcome::Becomes(waiting)) = unconfirmed.after(&confirm, Actor::Parent, now) else {
        unreachable!("the link was followed in time")
    };
    assert_eq!((waiting.status, waiting.standing()), (Status::Waiting, Standing::OnWaitingList));
    assert_eq!(waiting.waiting_since(), now, "its turn is when it was confirmed");
    let again = waiting.after(&confirm, Actor::Parent, now);
    assert!(again == Ok(Outcome::Already));
}

#[test]
fn a_place_that_was_given_back_is_never_taken_again() {
    for from in Status::ALL.into_iter().filter(|s| in_state(*s).standing() == Standing::None) {
        assert!(from.is_final(), "{from:?}");
    }
}
