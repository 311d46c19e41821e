//! Which facilities a municipality has is read from the table, whatever the search index knows yet.

use aws_sdk_dynamodb::types::AttributeValue;
use domain::{Facility, FacilityId, MunicipalityCode, Timestamp};
use local::{List, embedded::TABLE, import};
use serde_json::json;
use store::Consumed;
use tests::{As, FACILITY, World};

const SLOT: &str = "2026-12-10T10:00:00+09:00";
const LIST: &str = "施設の名称,都道府県,市区町村,施設の連絡先_電話番号
かないくぼ保育園,東京都,板橋区,03-0000-0000
伊興保育園,東京都,足立区,03-0000-0001
";

async fn imported(world: &World, list: &str) {
    let list = List::read("a list", list.as_bytes()).unwrap();
    import(world.store(), list, world.hub.clock.now()).await.unwrap();
}

fn code(text: &str) -> MunicipalityCode {
    text.parse().unwrap()
}

async fn phones(world: &World, municipality: &str) -> Vec<Option<String>> {
    let ids = world.store().facilities_of(code(municipality)).await.unwrap();
    let facilities = world.store().facilities(&ids, true).await.unwrap();
    facilities.into_iter().map(|facility| facility.phone).collect()
}

/// Takes away every item of a partition.
async fn empty(world: &World, partition: &str) {
    let pages = world.raw().query().table_name(TABLE).key_condition_expression("pk = :pk");
    let found = pages.expression_attribute_values(":pk", AttributeValue::S(partition.into()));
    for item in found.send().await.unwrap().items.unwrap() {
        let delete = world.raw().delete_item().table_name(TABLE);
        let delete = delete.key("pk", item["pk"].clone()).key("sk", item["sk"].clone());
        delete.send().await.unwrap();
    }
}

#[tokio::test]
async fn import_after_an_import_finds_what_no_search_finds_yet() {
    let world = World::new().await;
    imported(&world, LIST).await;
    imported(&world, &LIST.replace("03-0000", "03-1111")).await;
    assert_eq!(phones(&world, "131199").await, [Some("03-1111-0000".into())]);
    assert_eq!(phones(&world, "131211").await, [Some("03-1111-0001".into())]);
    let found = world.get(&As::Anyone, "/v1/facilities").await;
    assert_eq!(found.body["items"], json!([]), "the relay has not been here");
}

#[tokio::test]
async fn reports_and_slot_plans_know_nurseries_that_no_search_finds() {
    let world = World::new().await;
    let slot = world.slot(SLOT, 3).await;
    world.requested(&slot, "k1").await;
    world.settle().await;
    empty(&world, "SEARCH").await;
    for staff in [As::Municipality("131199"), As::Operator] {
        let report = world.get(&staff, "/v1/staff/reports/REP-01").await.body;
        assert_eq!(report["municipalities"], json!(["131199"]));
        assert_eq!(report["requests"][0]["facility_name"], FACILITY, "{report}");
        let report = world.get(&staff, "/v1/staff/reports/REP-06?from=2026-12-01&to=2026-12-31");
        assert_eq!(report.await.body["total"]["slots"], 1);
    }
    let now: Timestamp = "2026-12-10T09:00:00+09:00".parse().unwrap();
    let report = check_slot_plans::run(world.store(), now).await.unwrap();
    assert_eq!((report.looked_at, report.reminded, report.notified), (1, 1, 1));
}

#[tokio::test]
async fn import_lists_what_a_version_without_lists_wrote() {
    let world = World::new().await;
    imported(&world, LIST).await;
    let numbered = LIST
        .replace("施設の名称,", "事業所番号,施設の名称,")
        .replace("\nかな", "\n1311900000001,かな");
    let numbered = numbered.replace("\n伊興", "\n,伊興");
    imported(&world, &numbered).await;
    let before = world.store().facilities_by_municipality().await.unwrap();
    empty(&world, "MUN").await;
    assert!(world.store().facilities_by_municipality().await.unwrap().is_empty());
    imported(&world, &numbered).await;
    assert_eq!(world.store().facilities_by_municipality().await.unwrap(), before);
}

#[tokio::test]
async fn facility_that_moves_is_listed_by_its_new_municipality_alone() {
    let world = World::new().await;
    let moved = Facility { municipality_code: code("131211"), ..world.facility.clone() };
    let id = moved.facility_id.clone();
    world.store().put_facilities(&[(Some(world.facility.clone()), moved)]).await.unwrap();
    assert_eq!(world.store().facilities_of(code("131199")).await.unwrap(), []);
    assert_eq!(world.store().facilities_of(code("131211")).await.unwrap(), [id]);
}

#[tokio::test]
async fn list_costs_two_write_units_a_facility_and_a_read_unit_for_sixty() {
    let world = World::new().await;
    let facility = |n: u32| tests::facility(&format!("保育園{n}"), "131211", "足立区");
    let new: Vec<_> = (0..250).map(|n| (None, facility(n))).collect();
    world.store().put_facilities(&new).await.unwrap();
    assert_eq!(world.store().meter().take(), Consumed { read: 0.0, write: 250.0 * (2.0 + 2.0) });
    let ids: Vec<FacilityId> = world.store().facilities_of(code("131211")).await.unwrap();
    assert_eq!(ids.len(), 250);
    let read = world.store().meter().take().read;
    assert!(read <= 250.0 / 60.0, "{read}");
    let known = facility(0);
    let changed = Facility { phone: Some("03-0000-0000".into()), ..known.clone() };
    world.store().put_facilities(&[(Some(known), changed)]).await.unwrap();
    assert_eq!(world.store().meter().take(), Consumed { read: 0.0, write: 2.0 });
}
