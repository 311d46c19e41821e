use std::collections::BTreeSet;

use domain::{
    MunicipalityCode, Timestamp,
    import::{
        Findings, Planned,
        vacancies::{self, Facilities, VacancyRow},
    },
    vacancy::Vacancy,
};
use store::{Store, StoreError};

use crate::list::{Imported, Read};

impl Imported for Vacancy {
    type Row = VacancyRow;

    fn line(row: &Self::Row) -> u64 {
        row.line()
    }

    fn read(list: &[u8], only: Option<MunicipalityCode>) -> Read<Self::Row> {
        vacancies::read(list, only)
    }

    async fn compare(
        store: &Store,
        rows: &[Self::Row],
        only: Option<MunicipalityCode>,
        now: Timestamp,
        findings: &mut Findings,
    ) -> Result<Vec<Planned<Self>>, StoreError> {
        let facilities = facilities(store, rows, only).await?;
        let rows = vacancies::resolve(rows, &facilities, only, findings);
        let mut known = Vec::new();
        for (code, month) in vacancies::months(&rows) {
            known.extend(store.vacancies_to_change(code, month).await?);
        }
        Ok(vacancies::plan(&rows, &known, now))
    }

    async fn put(store: &Store, changes: &[(Option<Self>, Self)]) -> Result<(), StoreError> {
        store.put_vacancies(changes).await
    }
}

/// The facilities that the rows may mean: those of the municipalities that they name, or for which the caller works, and
/// those with their numbers. A number that none of them has is looked for in the whole hub, where the row names no
/// municipality: its facility came into the hub before it had one.
async fn facilities(
    store: &Store,
    rows: &[VacancyRow],
    only: Option<MunicipalityCode>,
) -> Result<Facilities, StoreError> {
    let codes: BTreeSet<_> = rows.iter().filter_map(|row| row.municipality().or(only)).collect();
    let mut found = Facilities::new();
    for code in codes {
        let ids = store.facilities_of(code).await?;
        found.insert(code, store.facilities(&ids, true).await?);
    }
    let missing: Vec<_> = without(&found, rows).filter_map(VacancyRow::numbered_id).collect();
    for facility in store.facilities(&missing, true).await? {
        found.entry(facility.municipality_code).or_default().push(facility);
    }
    let is_anywhere = |row: &VacancyRow| row.municipality().or(only).is_none();
    if without(&found, rows).any(is_anywhere) {
        for (code, ids) in store.facilities_by_municipality().await? {
            found.insert(code, store.facilities(&ids, true).await?);
        }
    }
    Ok(found)
}

/// The rows whose number none of the facilities has.
fn without<'a>(found: &Facilities, rows: &'a [VacancyRow]) -> impl Iterator<Item = &'a VacancyRow> {
    let numbers = found.values().flatten().filter_map(|facility| facility.office_number.clone());
    let numbers: BTreeSet<_> = numbers.collect();
    rows.iter().filter(move |row| row.number().is_some_and(|number| !numbers.contains(number)))
}
