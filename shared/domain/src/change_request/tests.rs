use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::{Invalid, facility::named, item::Visibility, search::tests::facility};

const NOW: &str = "2026-12-01T10:00:00+09:00";

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

fn nursery() -> Facility {
    let mut nursery = facility("かないくぼ保育園", "板橋2-21-1");
    nursery.details.weekday_closes_at = Some("18:15".parse().unwrap());
    nursery.phone = Some("0339610000".into());
    nursery
}

fn wanted(json: Value) -> Wanted {
    serde_json::from_value(json).unwrap()
}

fn city() -> Actor {
    Actor::Staff("city-1".into())
}

fn request(facility: &Facility, json: Value, submit: bool) -> ChangeRequest {
    let ids = ("chg_7k3m9qxd2abc".parse().unwrap(), ChangeRequestNumber::nth(2));
    let changes = Changes::of(&wanted(json), facility).unwrap();
    let by = Actor::Staff("staff-1".into());
    ChangeRequest::new(ids, facility, ChangeOrigin::Facility, changes, submit, (by, now()))
}

fn edit(changes: Option<Value>, submit: bool) -> ChangeAct {
    ChangeAct::Edit { changes: changes.map(wanted), submit }
}

fn reject() -> ChangeAct {
    ChangeAct::Reject("閉所時間を確認してください。".parse().unwrap())
}

fn done(request: &ChangeRequest, act: &ChangeAct, of: &Facility) -> (ChangeRequest, Facility) {
    match request.after(act, of, &city(), now()).unwrap() {
        ChangeOutcome::Becomes(next, facility) => {
            (*next, facility.map_or_else(|| of.clone(), |facility| *facility))
        }
        ChangeOutcome::Already => (request.clone(), of.clone()),
    }
}

#[test]
fn fac_04_each_act_is_done_in_its_states_and_asking_for_what_is_changes_nothing() {
    let nursery = nursery();
    let draft = request(&nursery, json!({"weekday_closes_at": "19:15"}), false);
    let other = || Some(json!({"weekday_closes_at": "19:30"}));
    let submitted = done(&draft, &edit(None, true), &nursery).0;
    let approved = done(&submitted, &ChangeAct::Approve, &nursery).0;
    let rejected = done(&submitted, &reject(), &nursery).0;
    let withdrawn = done(&submitted, &ChangeAct::Withdraw, &nursery).0;
    let acts = [
        edit(other(), false),
        edit(None, true),
        ChangeAct::Withdraw,
        ChangeAct::Correct(wanted(other().unwrap())),
        ChangeAct::Approve,
        reject(),
    ];
    // What becomes of it: d for done, a for already, - for a conflict.
    for (request, expected) in [
        (&draft, "ddd---"),
        (&submitted, "-adddd"),
        (&approved, "----a-"),
        (&rejected, "-----a"),
        (&withdrawn, "--a---"),
    ] {
        let came = acts.iter().map(|act| match request.after(act, &nursery, &city(), now()) {
            Ok(ChangeOutcome::Becomes(..)) => 'd',
            Ok(ChangeOutcome::Already) => 'a',
            Err(ChangeRefusal::Conflict { current, .. }) => {
                assert_eq!(current, request.status);
                '-'
            }
            Err(other) => panic!("{other:?}"),
        });
        assert_eq!(came.collect::<String>(), expected, "{}", request.status);
    }
    assert!(rejected.reason.is_some() && approved.reason.is_none());
    let actions: Vec<_> = approved.history.iter().map(|step| step.action).collect();
    use ChangeAction::{Approved, Created, Submitted};
    assert_eq!(actions, [Created, Submitted, Approved]);
    assert_eq!((draft.version, approved.version), (1, 3));
}

#[test]
fn fac_11_every_wrong_value_is_told_by_its_field() {
    let nursery = nursery();
    let wrong = |json: Value| {
        let errors = Changes::of(&wanted(json), &nursery).unwrap_err().0;
        errors.into_iter().map(|error| (error.pointer, error.invalid)).collect::<Vec<_>>()
    };
    let told = wrong(json!({
        "weekday_closes_at": "25:00", "has_playground": "たぶん", "nothing/of": 1, "facility_name": null,
        "accepts_from_age_months": 3, "withheld": ["facility_name"], "features": "広い園庭",
    }));
    let pointers: Vec<_> = told.iter().map(|(pointer, _)| pointer.as_str()).collect();
    assert_eq!(
        pointers,
        [
            "/changes/accepts_from_age_months",
            "/changes/facility_name",
            "/changes/has_playground",
            "/changes/nothing~1of",
            "/changes/weekday_closes_at",
            "/changes/withheld",
        ]
    );
    assert_eq!(told[0].1, Invalid::Unchangeable, "it follows from another item");
    assert_eq!(told[1].1, Invalid::Missing);
    assert_eq!(told[3].1, Invalid::UnknownField);
    for same in [json!({}), json!({"weekday_closes_at": "１８時１５分", "withheld": null})] {
        assert_eq!(wrong(same), [("/changes".into(), Invalid::ChangesNothing)]);
    }
}

#[test]
fn what_is_wanted_as_it_is_now_is_asked_for_no_longer() {
    let nursery = nursery();
    let draft = request(&nursery, json!({"weekday_closes_at": "19:15", "features": "園庭"}), false);
    let back = edit(Some(json!({"weekday_closes_at": "18:15"})), false);
    let edited = done(&draft, &back, &nursery).0;
    assert_eq!(edited.changes.fields(), ["features".to_owned()].into());
    let nothing = edit(Some(json!({"features": null})), false);
    let refused = edited.after(&nothing, &nursery, &city(), now()).unwrap_err();
    let expected = InputErrors::one("/changes", Invalid::ChangesNothing);
    assert_eq!(refused, ChangeRefusal::Invalid(expected));
}

#[test]
fn an_approval_changes_items_and_says_who_stated_them() {
    let mut nursery = nursery();
    nursery.notes.as_written = BTreeMap::from([
        ("weekday_closes_at".into(), "18時15分".into()),
        ("phone".into(), "03(3961)0000".into()),
    ]);
    let asked =
        json!({"weekday_closes_at": "19:15", "phone": null, "accepts_text": "生後57日～就学前"});
    let submitted = request(&nursery, asked, true);
    let correct = ChangeAct::Correct(wanted(json!({"weekday_closes_at": "19:00"})));
    let corrected = done(&submitted, &correct, &nursery).0;
    assert_eq!(corrected.corrected, ["weekday_closes_at".to_owned()].into());
    let (approved, after) = done(&corrected, &ChangeAct::Approve, &nursery);

    assert_eq!(after.details.weekday_closes_at.unwrap().to_string(), "19:00");
    assert_eq!((&after.phone, after.details.accepts_from_age_months), (&None, Some(1)));
    assert!(after.notes.as_written.is_empty());
    let source = |field| after.notes.provenance_of(field).unwrap().source;
    assert_eq!(source("weekday_closes_at"), Source::Municipality);
    assert_eq!(source("accepts_text"), Source::Facility);
    assert!(after.updated_at > nursery.updated_at);
    let step = approved.last(ChangeAction::Approved).unwrap();
    assert_eq!((&step.by, step.fields.len()), (&city(), 3));
}

#[test]
fn fac_18_what_a_facility_withholds_is_changed_like_an_item() {
    let nursery = nursery();
    let submitted = request(&nursery, json!({"withheld": ["phone"]}), true);
    let after = done(&submitted, &ChangeAct::Approve, &nursery).1;
    assert_eq!(after.clone().visible_to(Visibility::Vendor).phone, None);
    assert!(after.notes.provenance.is_empty(), "no item has another value");
    let shown = request(&after, json!({"withheld": null}), true);
    let after = done(&shown, &ChangeAct::Approve, &after).1;
    assert!(after.visible_to(Visibility::Public).phone.is_some());
}

#[test]
fn what_an_import_proposes_is_its_statement_and_not_the_facilitys_to_withdraw() {
    let nursery = nursery();
    let mut proposed = request(&nursery, json!({"phone": "03-0000-0000"}), true);
    proposed.origin = ChangeOrigin::Import;
    assert!(proposed.after(&ChangeAct::Withdraw, &nursery, &city(), now()).is_err());
    let after = done(&proposed, &ChangeAct::Approve, &nursery).1;
    assert_eq!(after.notes.provenance_of("phone").unwrap().source, Source::Import);
}

/// Items of several forms, each with values to choose from.
const ITEMS: [(&str, [&str; 3]); 4] = [
    ("weekday_closes_at", ["19:00", "19:15", "20:00"]),
    ("features", ["園庭", "給食", "行事"]),
    ("phone", ["0300000000", "0300000001", "0300000002"]),
    ("capacity_age_0", ["6", "9", "12"]),
];

fn some_wanted() -> impl Strategy<Value = BTreeMap<usize, usize>> {
    prop::collection::btree_map(0..ITEMS.len(), 0..3_usize, 1..=ITEMS.len())
}

proptest! {
    #[test]
    fn approvals_in_any_order_lose_no_change_to_another_item(
        all in prop::collection::vec(some_wanted(), 1..6).prop_shuffle(),
    ) {
        let before = nursery();
        let json = |of: &Facility, item: usize| named(ITEMS[item].0).unwrap().json(of);
        let requests: Vec<_> = all.iter().map(|some| {
            let json = some.iter().map(|(item, value)| (ITEMS[*item].0.to_owned(), ITEMS[*item].1[*value].into()));
            request(&before, Value::Object(json.collect()), true)
        }).collect();
        let (mut current, mut decided) = (before.clone(), BTreeMap::<usize, usize>::new());
        for (some, request) in all.iter().zip(&requests) {
            let touched = some.keys().any(|item| decided.contains_key(item));
            match request.after(&ChangeAct::Approve, &current, &city(), now()) {
                Ok(ChangeOutcome::Becomes(_, Some(after))) => {
                    prop_assert!(!touched, "the same item was changed since");
                    decided.extend(some);
                    current = *after;
                }
                Err(ChangeRefusal::Conflict { current: status, changed_since }) => {
                    prop_assert!(touched, "nothing of it was changed since");
                    prop_assert_eq!(status, ChangeStatus::Submitted);
                    let named: Vec<_> = changed_since.0.iter().map(|error| error.pointer.as_str()).collect();
                    let expected: Vec<_> = some.keys().filter(|item| decided.contains_key(item)).map(|item| format!("/changes/{}", ITEMS[*item].0)).collect();
                    prop_assert_eq!(named.len(), expected.len());
                }
                other => prop_assert!(false, "{:?}", other),
            }
        }
        for (item, (field, values)) in ITEMS.iter().enumerate() {
            let mut expected = before.clone();
            if let Some(value) = decided.get(&item) {
                named(field).unwrap().set(&mut expected, json!(values[*value])).unwrap();
            }
            prop_assert_eq!(json(&current, item), json(&expected, item));
        }
    }
}
