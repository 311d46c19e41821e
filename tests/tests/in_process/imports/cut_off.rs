//! Imports whose function is killed, and imports during which somebody else changes the same.

use domain::{Facility, ImportId, vacancy::Vacancy};
use run_import::{Importer, ListImport};
use serde_json::Value;
use tests::{As, World, facility};

use super::{id, send};

/// A municipality of the lists here.
const ITABASHI: &str = "131199";

/// Requests an import, and kills its function after so many calls to the table. Whether that cut it off.
async fn cut_off(world: &World, dataset: &str, list: &str, calls: usize) -> (ImportId, bool) {
    let id = id(&send(world, &As::Operator, dataset, "1", list.to_owned()).await);
    let mut dying = world.hub.clone();
    dying.store = world.dying_after(calls);
    let cut_off = Importer { hub: dying }.run(&id).await.is_err();
    let status = seen(world, &id).await["status"].clone();
    assert_eq!(status, if cut_off { "running" } else { "succeeded" }, "after {calls} calls");
    (id, cut_off)
}

async fn seen(world: &World, id: &ImportId) -> Value {
    world.get(&As::Operator, &format!("/v1/staff/imports/{id}")).await.body
}

/// Runs it again, as the stream delivers it again. All is said to be new, as it was at first.
async fn go_on(world: &World, id: &ImportId, rows: usize, things: usize) {
    Importer { hub: world.hub.clone() }.run(id).await.unwrap();
    let import = seen(world, id).await;
    assert_eq!(import["status"], "succeeded", "{import}");
    assert_eq!((&import["rows_done"], &import["created"]), (&rows.into(), &things.into()));
}

/// Nurseries of Itabashi, and what they have free in December.
async fn nurseries(world: &World, count: usize) -> (Vec<Facility>, String) {
    let all: Vec<_> = (0..count).map(|n| facility(&format!("園{n}"), ITABASHI, "板橋区")).collect();
    let new: Vec<_> = all.iter().map(|one| (None, one.clone())).collect();
    world.store().put_facilities(&new).await.unwrap();
    let mut list = "区市町村,施設の名称,基準年月,0歳クラス空き人数\n".to_owned();
    for one in &all {
        list += &format!("板橋区,{},2026-12,1\n", one.facility_name);
    }
    (all, list)
}

async fn published(world: &World) -> Vec<Vacancy> {
    let month = "2026-12".parse().unwrap();
    world.store().vacancies_to_change(ITABASHI.parse().unwrap(), month).await.unwrap()
}

#[tokio::test]
async fn imp_04_a_run_that_is_cut_off_goes_on_where_it_was() {
    let mut list = "事業所番号,施設の名称,施設類型,都道府県,市区町村,町名・番地\n".to_owned();
    for nth in 0..400 {
        list += &format!("13119{nth:05},園{nth},保育所,東京都,板橋区,板橋{nth}\n");
    }
    // At every call to the table, the first ones before anything is written.
    for calls in (1..60).step_by(7) {
        let world = World::new().await;
        let (id, _) = cut_off(&world, "facilities", &list, calls).await;
        go_on(&world, &id, 400, 400).await;
        let listed = world.store().facilities_of(ITABASHI.parse().unwrap()).await.unwrap();
        assert_eq!(listed.len(), 401, "each once, beside the nursery of the world");
    }
}

#[tokio::test]
async fn imp_04_procedures_and_vacancies_that_are_cut_off_go_on_where_they_were() {
    let mut procedures =
        "都道府県名,区市町村名,年度,手続き名,公開開始日,N+1年度分 手続きファイルURL\n".to_owned();
    for nth in 0..120 {
        procedures +=
            &format!("東京都,板橋区,2027,手続き{nth},2026-11-01,https://city.example.jp/{nth}\n");
    }
    let mut ends = [0, 0];
    for calls in 1..20 {
        let world = World::new().await;
        let (_, vacancies) = nurseries(&world, 100).await;
        let (id, was) = cut_off(&world, "vacancies", &vacancies, calls).await;
        ends[usize::from(was)] += 1;
        go_on(&world, &id, 100, 100).await;
        assert_eq!(published(&world).await.len(), 100);

        let world = World::new().await;
        let (id, was) = cut_off(&world, "procedures", &procedures, calls).await;
        ends[usize::from(was)] += 1;
        go_on(&world, &id, 120, 240).await;
        let known = world.store().procedures_to_change(ITABASHI.parse().unwrap()).await.unwrap();
        assert_eq!(known.len(), 240, "of two years each");
    }
    assert!(
        ends.iter().all(|count| *count > 4),
        "some are cut off, others reach their end: {ends:?}"
    );
}

#[tokio::test]
async fn imp_04_a_row_that_fits_nothing_any_more_does_not_leave_a_list_half_written() {
    let mut met = 0;
    for calls in 5..16 {
        let world = World::new().await;
        let (all, list) = nurseries(&world, 100).await;
        let (id, _) = cut_off(&world, "vacancies", &list, calls).await;
        let written: Vec<_> =
            published(&world).await.into_iter().map(|of| of.facility_id).collect();
        let Some(left) = all.iter().find(|one| !written.contains(&one.facility_id)) else {
            continue;
        };
        if written.is_empty() {
            continue;
        }
        met += 1;
        let name = left.facility_name.clone();
        let renamed = Facility { facility_name: "別の園".into(), ..left.clone() };
        world.store().put_facilities(&[(Some(left.clone()), renamed)]).await.unwrap();
        go_on(&world, &id, 100, 100).await;
        assert_eq!(published(&world).await.len(), 99, "all but the one");
        let warnings = seen(&world, &id).await["warnings"].clone();
        assert_eq!((&warnings[0]["value"], &warnings[1]), (&name.into(), &Value::Null));
    }
    assert!(met > 0, "none was cut off between its first and its last write");
}

#[tokio::test]
async fn imp_04_what_somebody_else_changes_meanwhile_is_compared_anew() {
    let world = World::new().await;
    let (_, list) = nurseries(&world, 3).await;
    let now = world.hub.clock.now();
    let plan = async |list: &str| {
        ListImport::<Vacancy>::plan(world.store(), list.as_bytes(), None, now).await.unwrap()
    };
    let (mut slow, mut fast) = (plan(&list).await, plan(&list.replace("12,1\n", "12,2\n")).await);
    assert_eq!(fast.write_some(world.store(), "fast", now).await.unwrap(), Some(3));
    assert_eq!(slow.write_some(world.store(), "slow", now).await.unwrap(), Some(3));
    assert_eq!(slow.write_some(world.store(), "slow", now).await.unwrap(), None);
    let counts: Vec<_> =
        published(&world).await.iter().map(|of| of.places.age_0.unwrap().count).collect();
    assert_eq!(counts, [Some(1); 3], "the later one wins");
}
