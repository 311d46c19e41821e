use std::collections::BTreeSet;

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
        let (mut rows, findings) = facilities::read(list, only)?;
        // Those of a municipality stand together, to be compared with what the hub has there.
        rows.sort_by_key(|row| row.draft.municipality_code);
        Ok((rows, findings))
    }

    async fn compare(
        store: &Store,
        rows: &[Self::Row],
        _only: Option<MunicipalityCode>,
        now: Timestamp,
        findings: &mut Findings,
    ) -> Result<Vec<Planned<Self>>, StoreError> {
        let mut planned = Vec::new();
        for rows in rows.chunk_by(of_one_municipality) {
            let Known { here, elsewhere } = known(store, rows).await?;
            let mut of_these = facilities::plan(rows, &here, now, findings);
            refuse(&elsewhere, &mut of_these, findings);
            planned.extend(of_these);
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

fn of_one_municipality(a: &Row<Facility>, b: &Row<Facility>) -> bool {
    a.draft.municipality_code == b.draft.municipality_code
}

/// What the hub has for the rows of a municipality.
struct Known {
    here: Vec<Facility>,
    /// Facilities of other municipalities, with numbers of the rows.
    elsewhere: Vec<Facility>,
}

/// In a table of a version that listed none, the facilities of the rows are found by the ids that every version gives
/// them, and listed from now on.
async fn known(store: &Store, rows: &[Row<Facility>]) -> Result<Known, StoreError> {
    let code = rows[0].draft.municipality_code;
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
fn refuse(elsewhere: &[Facility], planned: &mut Vec<Planned<Facility>>, findings: &mut Findings) {
    planned.retain(|planned| {
        let is_it = |other: &&Facility| other.facility_id == planned.after.facility_id;
        let Some(other) = elsewhere.iter().find(is_it).filter(|_| planned.is_new()) else {
            return true;
        };
        let number = other.office_number.as_deref().unwrap_or_default();
        let invalid = &Invalid::OfAnotherMunicipality;
        findings.errors.push(RowError::new(planned.line, "事業所番号", number, invalid));
        false
    });
}
