//! Which data items nurseries state, and which they keep up: an item that nobody states or changes need not be asked for.

use serde::Serialize;
use utoipa::ToSchema;

use super::Share;
use crate::{
    Facility, Timestamp,
    facility::{ITEMS, Source},
    item::Visibility,
};

/// How nurseries use the data items (FAC-19).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ItemUse {
    /// How many nurseries are counted.
    pub facilities: u32,
    /// Every item, in the order of the hub's lists.
    pub items: Vec<ItemRow>,
}

/// How nurseries use one item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ItemRow {
    /// Its name in JSON.
    #[schema(value_type = String)]
    pub field: &'static str,
    /// Its heading in lists.
    #[schema(value_type = String)]
    pub heading: &'static str,
    /// Who may see it where a nursery does not say otherwise.
    pub visibility: Visibility,
    /// The nurseries of which it is stated.
    pub stated: Share,
    /// Those that show it to nobody but staff.
    pub withheld: u32,
    /// Those of which the value that is there was stated in these days, in a list or by the nursery.
    pub changed: u32,
    /// Those of them whose nursery stated it.
    pub changed_by_facility: u32,
}

impl Default for ItemUse {
    fn default() -> Self {
        let row = |item: &crate::item::Item<Facility>| ItemRow {
            field: item.field,
            heading: item.heading,
            visibility: item.visibility,
            stated: Share::default(),
            withheld: 0,
            changed: 0,
            changed_by_facility: 0,
        };
        Self { facilities: 0, items: ITEMS.iter().map(row).collect() }
    }
}

impl ItemUse {
    /// Counts a nursery, and what was stated of it from one time until another.
    pub fn count(&mut self, facility: &Facility, from: Timestamp, until: Timestamp) {
        self.facilities += 1;
        for (item, row) in ITEMS.iter().zip(&mut self.items) {
            row.stated.of += 1;
            row.stated.count += u32::from(item.is_stated(facility));
            row.withheld += u32::from(facility.notes.withheld.contains(item.field));
            let of = facility.notes.provenance_of(item.field);
            if let Some(of) = of.filter(|of| from <= of.updated_at && of.updated_at < until) {
                row.changed += 1;
                row.changed_by_facility += u32::from(of.source == Source::Facility);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::tests::facility;

    #[test]
    fn fac_19_item_is_counted_where_it_is_stated_withheld_and_changed() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let (from, until) = (at("2026-12-01T00:00:00+09:00"), at("2027-01-01T00:00:00+09:00"));
        let mut stated = Facility { phone: Some("03-3961-0000".into()), ..facility("あ", "い") };
        let mut of_last_year = stated.clone();
        stated.notes.state(["phone".into()].into(), Source::Facility, from);
        of_last_year.notes.state(["phone".into()].into(), Source::Import, until);
        of_last_year.notes.withheld.insert("phone".into());
        let mut used = ItemUse::default();
        for one in [&stated, &of_last_year, &facility("う", "え")] {
            used.count(one, from, until);
        }
        let phone = used.items.iter().find(|row| row.field == "phone").unwrap();
        assert_eq!((used.facilities, phone.stated), (3, Share::of(3, 2)));
        assert_eq!((phone.withheld, phone.changed, phone.changed_by_facility), (1, 1, 1));
        let photos = used.items.iter().find(|row| row.field == "photo_urls").unwrap();
        assert_eq!((photos.stated, photos.changed), (Share::of(3, 0), 0));
    }
}
