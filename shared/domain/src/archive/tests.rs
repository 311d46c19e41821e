use serde_json::{Value, json};

use super::Archive;
use crate::{
    ChangeRequest, ChangeRequestNumber, Facility, MunicipalityCode, Settings, Timestamp,
    change_request::{ChangeOrigin, Changes},
    facility::Source,
    reservation::Actor,
    search::tests::facility,
    vacancy::{ITEMS, Vacancy},
};

fn now() -> Timestamp {
    "2026-12-01T10:00:00.123+09:00".parse().unwrap()
}

fn nursery(name: &str) -> Facility {
    let mut facility = facility(name, "板橋1-1");
    (facility.prefecture, facility.municipality) = ("東京都".into(), "板橋区".into());
    facility.notes.state(["phone".into()].into(), Source::Facility, now());
    facility.notes.as_written.insert("walk_minutes_from_station".into(), "徒歩3分".into());
    facility
}

fn archive() -> Archive {
    let (a, b) = (nursery("あ"), nursery("い"));
    let mut vacancy = Vacancy::new(&a, "2026-12".parse().unwrap(), now());
    let places = ITEMS.iter().find(|item| item.field == "age_0").unwrap();
    places.read(&mut vacancy, "△2").unwrap();
    let wanted = [("features".to_owned(), json!("一行目\n二行目"))].into();
    let ids = ("chg_7k3m9qxd2abc".parse().unwrap(), ChangeRequestNumber::nth(7));
    let changes = Changes::of(&wanted, &a).unwrap();
    let by = (Actor::Staff("s".into()), now());
    let request = ChangeRequest::new(ids, &a, ChangeOrigin::Facility, changes, true, by);
    let facilities = vec![(b, None), (a, Some(Settings::default()))];
    Archive::new(facilities, vec![], vec![vacancy], vec![request])
}

fn bytes(archive: &Archive) -> Vec<u8> {
    serde_json::to_vec(archive).unwrap()
}

/// The pointers of what is wrong.
fn wrong(change: impl FnOnce(&mut Value)) -> Vec<String> {
    let mut json = serde_json::to_value(archive()).unwrap();
    change(&mut json);
    let json = serde_json::to_vec(&json).unwrap();
    let told = Archive::read(&json, None).err().unwrap_or_default();
    told.into_iter().map(|error| error.column).collect()
}

#[test]
fn imp_05_an_archive_is_read_back_as_the_same_bytes() {
    let archive = archive();
    let read = Archive::read(&bytes(&archive), Some("131199".parse().unwrap())).unwrap();
    assert_eq!(read, archive);
    assert_eq!(bytes(&read), bytes(&archive));
    let again = Archive::new(
        archive
            .facilities
            .iter()
            .rev()
            .map(|of| (of.facility.clone(), of.settings.clone()))
            .collect(),
        vec![],
        archive.vacancies.iter().map(|of| of.0.clone()).collect(),
        archive.change_requests.iter().map(|of| of.0.clone()).collect(),
    );
    assert_eq!(bytes(&again), bytes(&archive), "in whatever order they were read");
}

#[test]
fn what_would_be_lost_or_is_wrong_is_told_by_its_place() {
    assert!(wrong(|_| {}).is_empty());
    assert_eq!(wrong(|json| json["version"] = 2.into()), ["/version"]);
    let at = "/facilities/0/facility";
    for (pointer, value) in [
        ("phone", json!("x")),
        ("municipality", json!("足立区")),
        ("municipality_code", json!("131211")),
        ("details", json!({"features": "x", "of_a_later_version": 1})),
    ] {
        let told = wrong(|json| json["facilities"][0]["facility"][pointer] = value);
        assert!(told.iter().any(|told| told.starts_with(at)), "{pointer}: {told:?}");
    }
    let missing =
        wrong(|json| drop(json["change_requests"][0].as_object_mut().unwrap().remove("history")));
    assert_eq!(missing, [""], "what cannot be read at all has no pointer");
    let twice = wrong(|json| json["vacancies"][0]["facility_id"] = "fac_000000000000".into());
    assert_eq!(twice, ["/vacancies/0/facility_id"]);
    let other: MunicipalityCode = "131211".parse().unwrap();
    assert_eq!(Archive::read(&bytes(&archive()), Some(other)).unwrap_err().len(), 4);
}
