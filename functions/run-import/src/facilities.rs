use std::collections::{BTreeMap, BTreeSet};

use domain::{
    Facility, Invalid, MunicipalityCode, Timestamp,
    import::{
        Findings, Row, RowError, facilities,
        plan::{Change, Planned, plan},
    },
};
use store::{Store, StoreError};

use crate::ImportError;

/// A list of facilities, compared with what the hub has.
#[derive(Debug)]
pub struct FacilityImport {
    rows: BTreeMap<MunicipalityCode, Vec<Row<Facility>>>,
    /// What becomes of each row.
    pub planned: Vec<Planned>,
    /// What was taken otherwise than it is written.
    pub findings: Findings,
}

/// How many facilities are written before the progress is noted.
const NOTED_AFTER: usize = 330;

/// How often a row is compared anew because somebody changed its facility meanwhile.
const TRIES: usize = 5;

impl FacilityImport {
    /// Reads the list and compares it. Nothing is written; of a caller who works for one municipality, every row of
    /// another is an error.
    pub async fn plan(
        store: &Store,
        list: &[u8],
        only: Option<MunicipalityCode>,
        now: Timestamp,
    ) -> Result<Self, ImportError> {
        let (read, mut findings) = facilities::read(list).map_err(ImportError::Rows)?;
        let mut rows = BTreeMap::<_, Vec<_>>::new();
        for row in read {
            let code = row.draft.municipality_code;
            if only.is_some_and(|only| only != code) {
                let municipality = &row.draft.municipality;
                let other = &Invalid::OfAnotherMunicipality;
                findings.errors.push(RowError::new(row.line, "市区町村", municipality, other));
            }
            rows.entry(code).or_default().push(row);
        }
        let mut planned = Vec::new();
        for (code, rows) in &rows {
            let known = known(store, *code, rows).await?;
            planned.extend(plan(rows, &known, now, &mut findings));
        }
        elsewhere(store, &planned, &mut findings).await?;
        planned.sort_by_key(|planned| planned.line);
        match findings.errors.is_empty() {
            true => Ok(Self { rows, planned, findings }),
            false => Err(ImportError::Rows(findings)),
        }
    }

    /// Writes what changes, a few hundred at a time; after each, `written` is told how many rows are done. To write
    /// again what is written already changes nothing, so a run that was cut off is simply repeated.
    pub async fn write<E: From<StoreError>>(
        mut self,
        store: &Store,
        now: Timestamp,
        mut written: impl AsyncFnMut(usize) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut done = 0;
        for some in std::mem::take(&mut self.planned).chunks(NOTED_AFTER) {
            let changes: Vec<_> =
                some.iter().filter_map(|planned| change(&planned.change)).collect();
            match store.put_facilities(&changes).await {
                Err(StoreError::Conflict) => self.write_again(store, some, now).await?,
                result => result?,
            }
            done += some.len();
            written(done).await?;
        }
        Ok(())
    }

    /// Compares rows anew with what somebody else changed meanwhile.
    async fn write_again(
        &self,
        store: &Store,
        some: &[Planned],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let lines: BTreeSet<_> = some.iter().map(|planned| planned.line).collect();
        for _ in 0..TRIES {
            let mut changes = Vec::new();
            for (code, rows) in &self.rows {
                let rows: Vec<_> =
                    rows.iter().filter(|row| lines.contains(&row.line)).cloned().collect();
                if rows.is_empty() {
                    continue;
                }
                let known = known(store, *code, &rows).await?;
                // A row that fits two facilities now is left as it is: it was said to fit one.
                let planned = plan(&rows, &known, now, &mut Findings::default());
                changes.extend(planned.iter().filter_map(|planned| change(&planned.change)));
            }
            match store.put_facilities(&changes).await {
                Err(StoreError::Conflict) => {}
                result => return result,
            }
        }
        Err(StoreError::Unavailable("the facilities change too fast".into()))
    }
}

fn change(change: &Change) -> Option<(Option<Facility>, Facility)> {
    match change {
        Change::Create(facility) => Some((None, (**facility).clone())),
        Change::Update(change) => {
            let (before, after) = (**change).clone();
            Some((Some(before), after))
        }
        Change::Unchanged => None,
    }
}

/// A facility that is new in its municipality may be another's already: it is not taken away from there.
async fn elsewhere(
    store: &Store,
    planned: &[Planned],
    findings: &mut Findings,
) -> Result<(), StoreError> {
    let new = planned.iter().filter_map(|planned| match &planned.change {
        Change::Create(facility) => Some((facility.facility_id.clone(), (planned.line, facility))),
        _ => None,
    });
    let new: BTreeMap<_, _> = new.collect();
    let ids: Vec<_> = new.keys().cloned().collect();
    for found in store.facilities(&ids, true).await? {
        if let Some((line, facility)) = new.get(&found.facility_id) {
            let number = facility.office_number.as_deref().unwrap_or_default();
            let other = &Invalid::OfAnotherMunicipality;
            findings.errors.push(RowError::new(*line, "事業所番号", number, other));
        }
    }
    Ok(())
}

/// The facilities that the hub has in a municipality. In a table of a version that listed none, those of the rows are
/// found by the ids that every version gives them, and listed from now on.
async fn known(
    store: &Store,
    code: MunicipalityCode,
    rows: &[Row<Facility>],
) -> Result<Vec<Facility>, StoreError> {
    let listed = BTreeSet::from_iter(store.facilities_of(code).await?);
    let unlisted: BTreeSet<_> =
        rows.iter().flat_map(|row| facilities::possible_ids(&row.draft)).collect();
    let unlisted: Vec<_> = unlisted.difference(&listed).cloned().collect();
    let mut found = store.facilities(&unlisted, true).await?;
    found.retain(|facility| facility.municipality_code == code);
    store.list_facilities(&found).await?;
    found.extend(store.facilities(&Vec::from_iter(listed), true).await?);
    Ok(found)
}
