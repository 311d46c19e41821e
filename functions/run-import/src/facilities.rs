use std::collections::{BTreeMap, BTreeSet};

use domain::{
    Facility, Invalid, MunicipalityCode, Timestamp,
    import::{Findings, Planned, Row, RowError, facilities},
    reservation::Actor,
};
use store::{Store, StoreError};

use crate::list::{Imported, Read};

impl Imported for Facility {
    type Row = Row<Self>;

    fn line(row: &Self::Row) -> u64 {
        row.line
    }

    fn read(list: &[u8], only: Option<MunicipalityCode>) -> Read<Self::Row> {
        facilities::read(list, only)
    }

    async fn compare(
        store: &Store,
        rows: &[Self::Row],
        _only: Option<MunicipalityCode>,
        now: Timestamp,
        findings: &mut Findings,
    ) -> Result<Vec<Planned<Self>>, StoreError> {
        let mut by_municipality = BTreeMap::<_, Vec<_>>::new();
        for row in rows {
            by_municipality.entry(row.draft.municipality_code).or_default().push(row.clone());
        }
        let mut planned = Vec::new();
        for (code, rows) in by_municipality {
            let Known { here, elsewhere } = known(store, code, &rows).await?;
            planned.extend(facilities::plan(&rows, &here, now, findings));
            refuse(&elsewhere, &planned, findings);
        }
        Ok(planned)
    }

    async fn put(store: &Store, changes: &[(Option<Self>, Self)]) -> Result<(), StoreError> {
        store.put_facilities(changes).await
    }

    async fn propose(
        store: &Store,
        name: &str,
        planned: &Planned<Self>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        store.propose(name, &planned.after, &planned.proposed, &Actor::Hub, now).await.map(drop)
    }
}

/// What the hub has for the rows of a municipality.
struct Known {
    here: Vec<Facility>,
    /// Facilities of other municipalities, with numbers of the rows.
    elsewhere: Vec<Facility>,
}

/// In a table of a version that listed none, the facilities of the rows are found by the ids that every version gives
/// them, and listed from now on.
async fn known(
    store: &Store,
    code: MunicipalityCode,
    rows: &[Row<Facility>],
) -> Result<Known, StoreError> {
    let listed = BTreeSet::from_iter(store.facilities_of(code).await?);
    let unlisted: BTreeSet<_> =
        rows.iter().flat_map(|row| facilities::possible_ids(&row.draft)).collect();
    let unlisted: Vec<_> = unlisted.difference(&listed).cloned().collect();
    let found = store.facilities(&unlisted, true).await?;
    let (mut here, elsewhere): (Vec<_>, Vec<_>) =
        found.into_iter().partition(|facility| facility.municipality_code == code);
    store.list_facilities(&here).await?;
    here.extend(store.facilities(&Vec::from_iter(listed), true).await?);
    Ok(Known { here, elsewhere })
}

/// A facility that is new in its municipality may be another's already: it is not taken away from there.
fn refuse(elsewhere: &[Facility], planned: &[Planned<Facility>], findings: &mut Findings) {
    for other in elsewhere {
        let new = planned.iter().filter(|planned| planned.is_new());
        for new in new.filter(|new| new.after.facility_id == other.facility_id) {
            let number = other.office_number.as_deref().unwrap_or_default();
            let other = &Invalid::OfAnotherMunicipality;
            findings.errors.push(RowError::new(new.line, "事業所番号", number, other));
        }
    }
}
