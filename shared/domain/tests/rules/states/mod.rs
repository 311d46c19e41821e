//! The states of a reservation, against the contract ("States of a reservation", and what time does): random people
//! do random things at random times, and a reservation becomes what the contract says, and nothing else.
//!
//! The contract is written down once more in `contract.rs`, from the words of the contract. A copy of it with one
//! mistake must be told apart from the rules: else the test would show nothing.

mod contract;

use std::{ops::Range, panic};

use contract::{Contract, Doing, Expected, Mistake, Step, Verdict, instant};
use domain::{
    Capacity, Refusal, Reservation, Sealed, Settings, Slot, SlotNumber, Status,
    family::Duplicate,
    reservation::{
        Action, Actor, Granted, NewRequest, Origin, Outcome, PartySize, RequestFingerprint,
    },
    settings::{AutoApproval, AutoApprovalMode},
    slot::{OpenSlot, Standing},
};
use proptest::{
    prelude::*,
    test_runner::{Config, TestError, TestRng, TestRunner},
};
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};

/// The contract, or a copy with a mistake, as what a reservation is held against.
struct Reference<const MISTAKE: usize>;

impl<const MISTAKE: usize> ReferenceStateMachine for Reference<MISTAKE> {
    type State = Contract;
    type Transition = Doing;

    fn init_state() -> BoxedStrategy<Contract> {
        let begun = prop::sample::select(vec![
            ("unconfirmed", false),
            ("unconfirmed", true),
            ("waiting", false),
            ("pending", false),
            ("approved", false),
        ]);
        (begun, any::<bool>(), any::<bool>())
            .prop_map(|(begun, holds, at_once)| {
                Contract::new(begun, holds, at_once, Mistake::ALL[MISTAKE])
            })
            .boxed()
    }

    fn transitions(_: &Contract) -> BoxedStrategy<Doing> {
        prop_oneof![
            3 => prop::sample::select(Doing::PASSING.to_vec()).prop_map(Doing::Pass),
            2 => Just(Doing::LetTimeWork),
            6 => prop::sample::select(Step::ALL.to_vec()).prop_map(Doing::Do),
        ]
        .boxed()
    }

    fn apply(state: Contract, doing: &Doing) -> Contract {
        state.after(*doing)
    }
}

/// The rules of the domain, held against that.
struct Rules<const MISTAKE: usize>;

impl<const MISTAKE: usize> StateMachineTest for Rules<MISTAKE> {
    type SystemUnderTest = Reservation;
    type Reference = Reference<MISTAKE>;

    fn init_test(contract: &Contract) -> Reservation {
        requested(contract)
    }

    fn apply(reservation: Reservation, contract: &Contract, doing: Doing) -> Reservation {
        let (settings, now) = (settings(contract), instant(contract.now));
        let done = match doing {
            Doing::Pass(_) => return reservation,
            Doing::LetTimeWork => reservation.after_time(&settings, now),
            Doing::Do(step) => {
                let by = Actor::Staff("staff-1".into());
                reservation.after(&action(step, &settings, &reservation), by, now)
            }
        };
        let (verdict, next) = match done {
            Ok(Outcome::Already) => (Verdict::Already, reservation),
            Ok(Outcome::Becomes(next)) => (Verdict::Becomes, *next),
            Err(Refusal::TooLate) => (Verdict::TooLate, reservation),
            Err(Refusal::TooEarly) => (Verdict::TooEarly, reservation),
            Err(Refusal::StateConflict { current }) => {
                assert_eq!(current, reservation.status, "the state that was met");
                (Verdict::Conflict, reservation)
            }
            Err(refusal) => panic!("no refusal of a state: {refusal}"),
        };
        assert_eq!(verdict, contract.verdict, "{doing:?} at {now} to {}", next.status.as_str());
        next
    }

    fn check_invariants(reservation: &Reservation, contract: &Contract) {
        let Expected { status, sequence, expires_at, approves_at, holds_place } =
            contract.expects();
        assert_eq!(reservation.status.as_str(), status);
        assert_eq!(reservation.sequence, sequence);
        assert_eq!(reservation.expires_at, expires_at.map(instant), "until when in {status}");
        assert_eq!(reservation.approves_at, approves_at.map(instant), "{status}");
        assert_eq!(reservation.standing() == Standing::HoldsPlace, holds_place, "{status}");

        let changes: Vec<_> = reservation
            .history
            .iter()
            .map(|change| (change.sequence, change.at, change.from.as_str(), change.to.as_str()))
            .collect();
        let expected: Vec<_> =
            contract.changes.iter().map(|it| (it.0, instant(it.1), it.2, it.3)).collect();
        assert_eq!(changes, expected, "the history");
        let first = reservation.as_requested();
        assert_eq!((first.status.as_str(), first.sequence), (contract.begun, 1));
        assert_eq!(reservation.updated_at, instant(contract.updated_at));
    }
}

/// A reservation as it is when it is made.
fn requested(contract: &Contract) -> Reservation {
    let now = instant(contract.now);
    let open = OpenSlot {
        starts_at: instant(contract::STARTS),
        ends_at: instant(contract::STARTS + 45),
        capacity: Capacity::new(1).unwrap(),
        note: None,
    };
    let slot = Slot::new(
        "slt_0wx4n07k3m9qxd".parse().unwrap(),
        SlotNumber::nth(1),
        "fac_7k3m9qxd2abc".parse().unwrap(),
        "131199".parse().unwrap(),
        open,
    );
    let (origin, allowed) = match contract.begun {
        "unconfirmed" if contract.would_wait => (Origin::Portal, Status::Waiting),
        "unconfirmed" => (Origin::Portal, Status::Pending),
        "waiting" => (Origin::SearchSite, Status::Waiting),
        "pending" => (Origin::SearchSite, Status::Pending),
        _ => (Origin::OffSystem, Status::Pending),
    };
    let request = NewRequest {
        reservation_number: "R-7K3M-9QXD".parse().unwrap(),
        origin,
        requested_by: Actor::Client("site-1".parse().unwrap()),
        party_size: PartySize::new(2).unwrap(),
        consent: None,
        applicant: Some(Sealed(vec![1])),
        families: Vec::new(),
        memo: None,
        fingerprint: RequestFingerprint {
            key: [0; 16],
            body: [0; 16],
            body_by_other_keys: Vec::new(),
        },
    };
    let granted = Granted { status: allowed, possible_duplicate: Duplicate::None };
    request.reservation(&slot, &settings(contract), granted, now)
}

fn settings(contract: &Contract) -> Settings {
    let mode = if contract.at_once { AutoApprovalMode::AtOnce } else { AutoApprovalMode::Off };
    Settings {
        pending_holds_place: contract.pending_holds_place,
        auto_approval: AutoApproval { mode, ..AutoApproval::default() },
        ..Settings::default()
    }
}

fn action(step: Step, settings: &Settings, reservation: &Reservation) -> Action {
    let settings = settings.clone();
    match step {
        Step::Offer => Action::Offer { settings },
        Step::Confirm => Action::Confirm { settings },
        Step::Approve => Action::Approve { comment: None },
        Step::Decline => Action::Decline { comment: Some(Sealed(vec![2])) },
        Step::CancelByParent => {
            let until = settings.cancel_closes(reservation.starts_at);
            Action::CancelByParent { reason: None, until }
        }
        Step::CancelByFacility => Action::CancelByFacility { comment: None },
        Step::Expire => Action::Expire,
        Step::Complete => Action::Complete,
        Step::NoShow => Action::NoShow,
    }
}

/// How much happens to one reservation.
const STEPS: Range<usize> = 1..20;

prop_state_machine! {
    #![proptest_config(Config { cases: 4096, ..Config::default() })]
    #[test]
    fn rsv_08_a_reservation_becomes_what_the_contract_says(sequential STEPS => Rules<0>);
}

/// Whether a copy of the contract with this mistake is told apart from the rules: by the same histories each time,
/// for what chance finds in most runs it misses in some.
fn is_distinguished<const MISTAKE: usize>() -> bool {
    let config = Config { cases: 4096, failure_persistence: None, ..Config::default() };
    let rng = TestRng::deterministic_rng(config.rng_algorithm);
    let mut runner = TestRunner::new_with_rng(config.clone(), rng);
    let strategy = Reference::<MISTAKE>::sequential_strategy(STEPS);
    let run = runner.run(&strategy, |(contract, doings, seen)| {
        Rules::<MISTAKE>::test_sequential(config.clone(), contract, doings, seen);
        Ok(())
    });
    matches!(run, Err(TestError::Fail(..)))
}

#[test]
fn every_mistake_in_the_contract_is_told_apart() {
    // Each ends in a panic that is caught, some hundred times while it is made smaller.
    let hook = panic::take_hook();
    panic::set_hook(Box::new(|_| {}));
    let verdict = [
        is_distinguished::<0>(),
        is_distinguished::<1>(),
        is_distinguished::<2>(),
        is_distinguished::<3>(),
        is_distinguished::<4>(),
        is_distinguished::<5>(),
        is_distinguished::<6>(),
    ];
    panic::set_hook(hook);
    assert_eq!(verdict.len(), Mistake::ALL.len());
    assert_eq!(verdict, [false, true, true, true, true, true, true], "{:?}", Mistake::ALL);
}
