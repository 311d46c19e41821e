//! What the search entries cost.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::{Facility, FacilityId, search::Entry};
use store::{
    Consumed, Key, Rebuild,
    keys::{SearchBucket, SearchGroup},
};
use tests::World;

use super::generate;

/// As many facilities as the country has, in a search that has been at work for years: each bucket has a version.
fn versions_of_years(world: &World) {
    let letters = "0123456789abcdefghjkmnpqrstvwxyz";
    let groups = SearchGroup::all().map(|group| {
        let mut item = Key::SearchGroupVersions(group).attributes();
        let version = |letter: char| (letter.to_string(), AttributeValue::N("9999999".into()));
        item.extend(letters.chars().map(version));
        item
    });
    world.fill(groups);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_a_nursery_costs_the_search_six_write_units_and_its_versions_two_read_units() {
    let world = World::new().await;
    versions_of_years(&world);
    let mut odd = generate::Odd(7);
    let facility = generate::facility(&mut odd, 0);
    world.store().put_facilities(&[(None, facility.clone())]).await.unwrap();
    let (id, now) = ([facility.facility_id.clone()].into(), world.hub.clock.now());
    let hour = jiff::SignedDuration::from_hours(1);
    let change = |name: &'static str| {
        let (world, facility) = (&world, &facility);
        let renamed = Facility { facility_name: name.into(), ..facility.clone() };
        let put = move |_: &FacilityId, entry: &mut Entry| {
            // As many free slots as a nursery has in three months.
            let free =
                (1..=80).fold(false, |new, n| new | entry.put_slot(now + hour * n, true, now));
            entry.put_facility(renamed.clone()) | free
        };
        let store = world.store();
        let id: &BTreeSet<FacilityId> = &id;
        async move { store.change_search(id, Rebuild::Missing, now, put).await.unwrap() }
    };
    change("一").await;
    world.store().meter().take();
    change("二").await;
    // The entry, which is within 2 KB, and the versions of its group, which are within 1 KB, in a transaction.
    assert_eq!(world.store().meter().take(), Consumed { read: 1.0, write: 6.0 });
    change("二").await;
    assert_eq!(world.store().meter().take(), Consumed { read: 1.0, write: 0.0 });

    assert_eq!(world.store().search_versions().await.unwrap().buckets.len(), 1024);
    let read = world.store().meter().take().read;
    assert!(read <= 2.0, "{read}");
    let bucket = SearchBucket::of(&facility.facility_id);
    assert_eq!(world.store().search_buckets([bucket]).await.unwrap().len(), 1);
    assert_eq!(world.store().meter().take().read, 1.0, "and no other bucket");
}

#[tokio::test(flavor = "multi_thread")]
async fn search_entry_of_a_nursery_of_which_everything_is_stated_is_within_two_kilobytes() {
    let mut odd = generate::Odd(7);
    let mut largest = 0;
    for _ in 0..100 {
        let entry = generate::known(&mut odd, 0, 80).entry();
        largest = largest.max(entry.facility_bytes().len() + entry.free_bytes().len());
    }
    assert!(largest <= 1800, "{largest} bytes");
}
