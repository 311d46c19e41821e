//! What municipalities and nurseries keep in the hub before and beside taking part in it.

use domain::{
    Facility,
    facility::{ITEMS, named},
};
use http::{Method, header::CONTENT_TYPE};
use serde_json::{Value, json};
use tests::{As, World, facility};

use crate::{imports, procedures::procedure, vacancies::vacancy};

const CITY: As = As::Municipality("131199");

/// Some columns of ここdeサーチ, with its separators of both kinds and a person's name.
const KOKODE: &str = "事業所番号,施設の名称,施設の名称(ふりがな),施設の所在地_郵便番号,都道府県,市区町村,施設の所在地_町名・番地,施設の連絡先 電話番号,施設の設置主体,法人等の名称,法人等代表者の氏名\r\n\
    1311900001,ひまわり保育園,ひまわりほいくえん,173-0004,東京都,板橋区,板橋1-1-1,03-3961-0000,私立,社会福祉法人ひまわり会,山田花子\r\n";

async fn public(world: &World, facility: &Value) -> Value {
    let path = format!("/v1/facilities/{}", facility["facility_id"].as_str().unwrap());
    world.get(&As::Anyone, &path).await.body
}

async fn found(world: &World, query: &str) -> Vec<Value> {
    let found = world.get(&As::Anyone, &format!("/v1/facilities?{query}")).await;
    assert_eq!(found.status, 200, "{}", found.shown());
    found.body["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn fac_01_export_of_kokode_search_fills_the_hub_and_shows_no_persons_name() {
    let world = World::new().await;
    let import = imports::imported(&world, "facilities", KOKODE).await;
    assert_eq!((&import["status"], &import["created"]), (&json!("succeeded"), &json!(1)));
    let shown =
        public(&world, &found(&world, "q=%E3%81%B2%E3%81%BE%E3%82%8F%E3%82%8A").await[0]).await;
    for (field, value) in [
        ("office_number", "1311900001"),
        ("facility_name_kana", "ひまわりほいくえん"),
        ("postal_code", "1730004"),
        ("phone", "03-3961-0000"),
        ("establishment_body", "private"),
        ("corporation_name", "社会福祉法人ひまわり会"),
    ] {
        assert_eq!(shown[field], value, "{field}");
    }
    assert!(!shown.to_string().contains("山田花子"), "a column of its own is for staff");
    let path = "/v1/staff/exports/facilities?format=csv";
    let export = world.get(&CITY, path).await.shown();
    assert!(
        export.contains("法人等代表者の氏名") && export.contains("山田花子"),
        "and is not lost"
    );
}

#[tokio::test]
async fn fac_02_corrected_list_changes_what_it_corrects_and_nothing_else() {
    let world = World::new().await;
    imports::imported(&world, "facilities", KOKODE).await;
    let corrected = KOKODE.replace("03-3961-0000", "03-3961-1111");
    let planned = imports::imported(&world, "facilities&dry_run=true", corrected.clone()).await;
    let change = json!([{"field": "phone", "from": "03-3961-0000", "to": "03-3961-1111", "proposed": false}]);
    assert_eq!(planned["changes"][0]["diff"], change);
    let before = found(&world, "q=1311900001").await;
    assert_eq!(before.len(), 0, "a number is no word of a search");
    let import = imports::imported(&world, "facilities", corrected).await;
    assert_eq!((&import["updated"], &import["created"]), (&json!(1), &json!(0)));
    let shown = &found(&world, "q=%E3%81%B2%E3%81%BE%E3%82%8F%E3%82%8A").await[0];
    assert_eq!(
        (&shown["phone"], &shown["postal_code"]),
        (&json!("03-3961-1111"), &json!("1730004"))
    );
}

#[tokio::test]
async fn fac_09_completeness_grows_with_each_item_that_is_stated() {
    let world = World::new().await;
    let before = world.store().facility(&world.facility.facility_id).await.unwrap().unwrap();
    let of = async || world.shown().await.body["completeness"].as_u64().unwrap();
    let at_first = of().await;
    let mut more = before.clone();
    let cells =
        [("phone", "03-3961-0000"), ("weekday_opens_at", "07:15"), ("postal_code", "1730004")];
    for (field, cell) in cells {
        named(field).unwrap().read(&mut more, cell).unwrap();
    }
    world.store().put_facilities(&[(Some(before), more)]).await.unwrap();
    assert!(of().await >= at_first + 3, "three of fewer than a hundred items");
}

#[tokio::test]
async fn fac_12_every_item_tells_how_to_enter_it_where_clients_read_its_field() {
    let world = World::new().await;
    let document = world.get(&As::Anyone, "/openapi.json").await.body;
    let schemas = &document["components"]["schemas"];
    let changes = schemas["WantedChanges"]["properties"].to_string();
    for item in ITEMS {
        assert!(!item.guide.is_empty() && changes.contains(item.guide), "{}", item.field);
    }
}

#[tokio::test]
async fn fac_19_report_says_which_items_nurseries_state_and_who_keeps_them_up() {
    let world = World::new().await;
    beside(&world).await;
    let asked = world.change_asked(json!({"weekday_closes_at": "19:15"}), true, "k").await;
    let approve = format!("/v1/staff/change-requests/{asked}/approve");
    world.post(&As::Municipality("131199"), &approve, json!({})).await;
    let report = async |who: As, more: &str| {
        world
            .get(&who, &format!("/v1/staff/reports/items?from=2026-12-01&to=2026-12-31{more}"))
            .await
    };
    for who in [As::Municipality("131199"), As::Operator] {
        let used = report(who, "").await.body;
        assert_eq!(used["facilities"], 2);
        let of = |field: &str| {
            let items = used["items"].as_array().unwrap();
            items.iter().find(|item| item["field"] == field).unwrap().clone()
        };
        let closes = of("weekday_closes_at");
        assert_eq!(closes["stated"], json!({"count": 1, "of": 2, "percent": 50.0}));
        assert_eq!((&closes["changed"], &closes["changed_by_facility"]), (&json!(1), &json!(1)));
        assert_eq!(of("photo_urls")["stated"]["count"], 0);
        assert_eq!(of("facility_name")["stated"]["count"], 2);
    }
    let file = report(As::Operator, "&format=csv").await.body;
    let line = file.as_str().unwrap().lines().find(|line| line.contains("weekday_closes_at"));
    assert_eq!(line, Some("開所日_平日閉所時間,weekday_closes_at,1,50.0,0,1,1"));
    assert_eq!(report(As::Municipality("131211"), "").await.body["facilities"], 0);
    assert_eq!(report(As::Municipality("131199"), "&municipality=131211").await.status, 404);
}

#[tokio::test]
async fn fac_20_one_person_acts_for_each_nursery_of_a_corporation_and_for_no_other() {
    let world = World::new().await;
    let (second, other) = (beside(&world).await, facility("よその園", "131199", "板橋区"));
    world.add_facility(&other).await;
    let ids = [&world.facility.facility_id, &second.facility_id];
    let corporation = As::Token(json!({
        "sub": "corporation-1",
        "role": "facility",
        "facility_id": format!("{} {}", ids[0], ids[1]),
    }));
    for (n, id) in ids.into_iter().enumerate() {
        let shown = world.get(&As::Anyone, &format!("/v1/facilities/{id}")).await;
        let etag = shown.headers["etag"].to_str().unwrap();
        let body = json!({"base_etag": etag, "changes": {"phone": "03-3961-0000"}, "submit": true});
        let path = format!("/v1/staff/facilities/{id}/change-requests");
        let key = format!("k{n}");
        let headers = [("idempotency-key", key.as_str())];
        let asked = world.call(&corporation, Method::POST, &path, Some(body), &headers).await;
        assert_eq!(asked.status, 201, "{}", asked.shown());
        assert_eq!(
            world.get(&corporation, &format!("/v1/staff/facilities/{id}/slots")).await.status,
            200
        );
    }
    for of in ["slots", "reservations", "change-requests", "settings"] {
        let path = format!("/v1/staff/facilities/{}/{of}", other.facility_id);
        assert_eq!(world.get(&corporation, &path).await.status, 404, "{of}");
    }
}

#[tokio::test]
async fn fac_21_photos_are_items_that_are_imported_asked_for_shown_and_exported() {
    let world = World::new().await;
    let photos =
        json!(["https://nursery.example.jp/garden.jpg", "https://nursery.example.jp/room.jpg"]);
    let changes = json!({"photo_urls": photos, "photo_license": "転載不可"});
    let before = world.shown().await.body["completeness"].as_u64().unwrap();
    let asked = world.change_asked(changes, true, "k").await;
    assert_eq!(world.shown().await.body["photo_urls"], json!(null), "not before it is approved");
    let approve = format!("/v1/staff/change-requests/{asked}/approve");
    world.post(&As::Municipality("131199"), &approve, json!({})).await;
    let shown = world.shown().await.body;
    assert_eq!((&shown["photo_urls"], &shown["photo_license"]), (&photos, &json!("転載不可")));
    assert!(shown["completeness"].as_u64().unwrap() > before, "families see how much is told");

    let path = "/v1/staff/exports/facilities?format=opendata";
    let file = world.get(&As::Municipality("131199"), path).await.body;
    assert!(
        file.as_str().unwrap().contains("garden.jpg https://nursery.example.jp/room.jpg,転載不可")
    );
    let no_picture =
        world.ask_for_change(json!({"photo_urls": ["javascript:alert(1)"]}), true, "k2").await;
    assert_eq!(no_picture.status, 400);
    assert_eq!(no_picture.body["errors"][0]["pointer"], "/changes/photo_urls");
}

/// A nursery that takes no requests through the hub.
async fn beside(world: &World) -> Facility {
    let beside =
        Facility { bookable: false, ..facility("そとのほいくえん", "131199", "板橋区") };
    world.add_facility(&beside).await;
    world.relay_changes().await;
    beside
}

#[tokio::test]
async fn fac_14_nursery_that_takes_no_requests_has_its_page_edited_approved_and_found() {
    let world = World::new().await;
    let beside = beside(&world).await;
    let id = beside.facility_id.as_str();
    let staff = As::Staff(beside.facility_id.clone());
    let etag =
        world.get(&As::Anyone, &format!("/v1/facilities/{id}")).await.headers["etag"].clone();
    let body = json!({"base_etag": etag.to_str().unwrap(), "submit": true, "changes": {"weekday_closes_at": "19:15"}});
    let path = format!("/v1/staff/facilities/{id}/change-requests");
    let asked =
        world.call(&staff, Method::POST, &path, Some(body), &[("idempotency-key", "k")]).await;
    assert_eq!(asked.status, 201, "{}", asked.shown());
    let review = "/v1/staff/exports/change_requests?format=csv";
    let listed = world.get(&CITY, review).await;
    assert_eq!(listed.headers[CONTENT_TYPE], "text/csv; charset=utf-8");
    assert!(
        listed.shown().contains("そとのほいくえん"),
        "the municipality reviews it in its table"
    );
    let approve = format!(
        "/v1/staff/change-requests/{}/approve",
        asked.body["change_request_id"].as_str().unwrap()
    );
    assert_eq!(world.post(&CITY, &approve, json!({})).await.status, 200);
    world.relay_changes().await;
    let found = found(&world, "bookable=false").await;
    assert_eq!((found.len(), &found[0]["weekday_closes_at"]), (1, &json!("19:15")));
}

#[tokio::test]
async fn fac_15_list_of_another_hub_brings_what_differs_alone() {
    let (prepared, live) = (World::new().await, World::new().await);
    for world in [&prepared, &live] {
        imports::imported(world, "facilities", KOKODE).await;
    }
    let corrected = KOKODE.replace("板橋1-1-1", "板橋2-2-2");
    imports::imported(&prepared, "facilities", corrected).await;
    let list = prepared.get(&CITY, "/v1/staff/exports/facilities?format=csv").await;
    let import =
        imports::imported(&live, "facilities", list.body.as_str().unwrap().to_owned()).await;
    assert_eq!((&import["updated"], &import["created"]), (&json!(1), &json!(0)), "{import}");
    let shown = &found(&live, "q=%E3%81%B2%E3%81%BE%E3%82%8F%E3%82%8A").await[0];
    assert_eq!(shown["street_address"], "板橋2-2-2");
}

#[tokio::test]
async fn fac_16_who_takes_part_is_told_everywhere_and_does_with_its_first_slot() {
    let world = World::new().await;
    let beside = beside(&world).await;
    let ids = async |query: &str| -> Vec<String> {
        let found = found(&world, query).await;
        found.iter().map(|one| one["facility_id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(ids("bookable=true").await, [world.facility.facility_id.as_str()]);
    assert_eq!(ids("bookable=false").await, [beside.facility_id.as_str()]);
    let feed = world.get(&As::Anyone, "/v1/feeds/facilities").await.body;
    for item in feed["items"].as_array().unwrap() {
        let takes_part = item["id"] == world.facility.facility_id.as_str();
        assert_eq!(item["data"]["bookable"], takes_part);
    }
    // It takes part with the first time that it opens.
    let slot = world.slot_of(&beside, "2026-12-10T10:00:00+09:00", 3).await;
    world.relay_changes().await;
    assert_eq!(ids("bookable=true").await.len(), 2);
    assert_eq!(world.request(&slot, "k").await.status, 201);
}

#[tokio::test]
async fn prc_05_page_of_a_municipality_has_its_nurseries_what_is_free_and_where_to_apply() {
    let world = World::new().await;
    let now = world.hub.clock.now();
    let free = vacancy(&world.facility, now, &[("1歳クラス空き人数", "2")]);
    world.store().put_vacancies(&[(None, free)]).await.unwrap();
    let apply = procedure(&world, &[("保育園申込URL", "https://apply.example.jp/itabashi")]);
    world.store().put_procedures(&[(None, apply)]).await.unwrap();
    world.relay_changes().await;
    let table = world.get(&As::Anyone, "/v1/municipalities/131199/vacancies.json").await.body;
    assert!(table.to_string().contains(&world.facility.facility_name));
    let procedures = world.get(&As::Anyone, "/v1/procedures?municipality=131199").await.body;
    assert_eq!(procedures["items"][0]["application_url"], "https://apply.example.jp/itabashi");
    assert_eq!(found(&world, "municipality=131199").await.len(), 1);
}
