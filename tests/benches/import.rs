//! What it takes to import a list of as many facilities as the country has, through the importer and the embedded store
//! in one process; and what a function leaves that is cut off half-way.
//!
//! `cargo bench --profile emulator --workspace --bench import`, which is without LTO, or with `ROWS=1100` before it.

#![allow(clippy::unwrap_used, reason = "a measurement that cannot be made fails")]

#[path = "../../shared/domain/tests/rules/search/generate.rs"]
#[allow(dead_code, reason = "the tests of the search use more of it")]
mod generate;

use std::{fs, future::Future, time::Instant};

use domain::{
    Facility, ImportId,
    facility::ITEMS,
    import::{Counts, Dataset, Findings, Import, ImportStatus, facilities},
};
use generate::Odd;
use run_import::Importer;
use store::Once;
use tests::World;

/// A list with every item, of which every second is not stated, and every fourth text.
fn list(rows: usize) -> Vec<u8> {
    let items: Vec<_> = ITEMS.iter().filter(|item| item.field != "location").collect();
    let mut headings: Vec<_> = items.iter().map(|item| item.heading).collect();
    headings.extend(["都道府県", "市区町村", "緯度", "経度"]);
    let mut list = headings.join(",") + "\n";
    let mut odd = Odd(1);
    for _ in 0..rows {
        let facility: Facility = generate::facility(&mut odd, 2);
        for item in &items {
            // With all their texts they would have more than the 64 MB that are taken.
            let cell = item.write(&facility).filter(|_| item.one_line || odd.one_in(2));
            list += &cell.unwrap_or_default().replace(['\n', ','], " ");
            list.push(',');
        }
        list += &format!("{},{}", facility.prefecture, facility.municipality);
        list += &match facility.location {
            Some(place) => format!(",{},{}\n", place.lat, place.lon),
            None => ",,\n".to_owned(),
        };
    }
    list.into_bytes()
}

/// What the system says of the memory of this process, in MB.
fn memory(field: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(field)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}

/// Runs something, and prints how long it took and how much memory it had beyond what was in use before.
async fn measured<T>(what: &str, rows: usize, run: impl Future<Output = T>) -> T {
    fs::write("/proc/self/clear_refs", "5").unwrap();
    let (before, started) = (memory("VmRSS"), Instant::now());
    let done = run.await;
    let seconds = started.elapsed().as_secs_f64();
    let (speed, peak) = (rows as f64 / seconds, memory("VmHWM"));
    let beyond = peak.saturating_sub(before);
    println!("{what}: {seconds:.1} s, {speed:.0} rows/s, {beyond} MB beyond the {before} before");
    done
}

async fn request(world: &World, key: u8, list: &[u8]) -> ImportId {
    let import_id: ImportId = world.keys.ids.import_id("bench", &key.to_string());
    let import = Import {
        import_id: import_id.clone(),
        dataset: Dataset::Facilities,
        dry_run: false,
        municipality: None,
        requested_by: "bench".into(),
        created_at: world.hub.clock.now(),
        status: ImportStatus::Running,
        counts: Counts::default(),
    };
    let once = Once { key: [key; 16], body: [0; 16] };
    world.store().request_import(&import, list, &once, String::new()).await.unwrap();
    import_id
}

async fn print_what_is_there(world: &World, id: &ImportId) {
    let import = world.store().import(id).await.unwrap().unwrap();
    let listed = world.store().facilities_by_municipality().await.unwrap();
    let listed: usize = listed.values().map(Vec::len).sum();
    println!("  {:?}, {:?}, {listed} facilities in the table", import.status, import.counts);
}

/// Waits until the import says that half of its rows are done.
async fn half_done(world: &World, id: &ImportId, rows: usize) {
    while world.store().import(id).await.unwrap().unwrap().counts.rows_done < rows / 2 {
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::main]
async fn main() {
    let rows = std::env::var("ROWS").map_or(40_000, |text| text.parse().unwrap());
    let list = list(rows);
    println!("{rows} rows of {} bytes, {} MB", list.len() / rows, list.len() / 1_000_000);

    let now = generate::NOW.parse().unwrap();
    let compared = measured("reading and comparing, without a table", rows, async {
        let (rows, mut findings) = facilities::read(&list, None)
            .unwrap_or_else(|Findings { errors, .. }| panic!("{:?}", &errors[..3]));
        let planned = facilities::plan(&rows, &[], now, &mut findings);
        (rows, planned)
    })
    .await;
    measured("comparing with as many that are known", rows, async {
        let (rows, planned) = compared;
        let known: Vec<_> = planned.into_iter().map(|planned| planned.after).collect();
        let planned = facilities::plan(&rows, &known, now, &mut Findings::default());
        assert!(planned.iter().all(|planned| !planned.is_changed()));
    })
    .await;

    let world = World::new().await;
    let importer = Importer { hub: world.hub.clone() };
    let id = request(&world, 1, &list).await;
    world.store().meter().take();
    measured("all new", rows, importer.run(&id)).await.unwrap();
    println!("  {:?}", world.store().meter().take());
    print_what_is_there(&world, &id).await;

    let id = request(&world, 2, &list).await;
    world.store().meter().take();
    measured("the same again", rows, importer.run(&id)).await.unwrap();
    println!("  {:?}", world.store().meter().take());
    print_what_is_there(&world, &id).await;
    drop(world);

    let world = World::new().await;
    let importer = Importer { hub: world.hub.clone() };
    let id = request(&world, 3, &list).await;
    let cut_off = async {
        tokio::select! {
            _ = importer.run(&id) => panic!("it was done before"),
            () = half_done(&world, &id, rows) => {}
        }
    };
    measured("half of it, and cut off", rows / 2, cut_off).await;
    print_what_is_there(&world, &id).await;
    measured("delivered again", rows, importer.run(&id)).await.unwrap();
    print_what_is_there(&world, &id).await;
}
