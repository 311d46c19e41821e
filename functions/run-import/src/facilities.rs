use std::collections::{BTreeMap, BTreeSet};

use domain::{
    Facility, Invalid, MunicipalityCode, Timestamp,
    import::{
        Counts, Findings, ImportReport, Row, RowError, facilities,
        plan::{Planned, plan},
    },
    reservation::Actor,
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
    /// How many rows are written.
    done: usize,
}

/// Of so many rows it is told item by item what they change.
const CHANGES_TOLD: usize = 1000;

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
            true => Ok(Self { rows, planned, findings, done: 0 }),
            false => Err(ImportError::Rows(findings)),
        }
    }

    /// What becomes of the rows.
    pub fn counts(&self) -> Counts {
        let count =
            |wanted: fn(&Planned) -> bool| self.planned.iter().filter(|p| wanted(p)).count();
        Counts {
            rows: self.findings.rows,
            rows_done: 0,
            created: count(Planned::is_new),
            updated: count(|planned| planned.is_changed() && !planned.is_new()),
            unchanged: count(|planned| !planned.is_changed()),
            proposed: count(|planned| !planned.proposed.is_empty()),
        }
    }

    /// What was found, and what the first rows change.
    pub fn report(&self) -> ImportReport {
        let changed = |planned: &&Planned| planned.is_changed() || !planned.proposed.is_empty();
        let changes = self.planned.iter().filter(changed).take(CHANGES_TOLD).map(Planned::told);
        ImportReport {
            errors: Vec::new(),
            warnings: self.findings.warnings.clone(),
            changes: changes.collect(),
        }
    }

    /// Writes what the next few hundred rows change, and proposes what it may not change; how many rows are done, or
    /// nothing once all are. To write again what is written already changes nothing, so a run that was cut off is simply
    /// repeated. `name` is the same for each run of the list.
    pub async fn write_some(
        &mut self,
        store: &Store,
        name: &str,
        now: Timestamp,
    ) -> Result<Option<usize>, StoreError> {
        let some = &self.planned[self.done..self.planned.len().min(self.done + NOTED_AFTER)];
        if some.is_empty() {
            return Ok(None);
        }
        let changes: Vec<_> =
            some.iter().filter(|planned| planned.is_changed()).map(change).collect();
        match store.put_facilities(&changes).await {
            Err(StoreError::Conflict) => self.write_again(store, some, now).await?,
            result => result?,
        }
        for planned in some.iter().filter(|planned| !planned.proposed.is_empty()) {
            store.propose(name, &planned.after, &planned.proposed, &Actor::Hub, now).await?;
        }
        self.done += some.len();
        Ok(Some(self.done))
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
                changes.extend(planned.iter().filter(|planned| planned.is_changed()).map(change));
            }
            match store.put_facilities(&changes).await {
                Err(StoreError::Conflict) => {}
                result => return result,
            }
        }
        Err(StoreError::Unavailable("the facilities change too fast".into()))
    }
}

fn change(planned: &Planned) -> (Option<Facility>, Facility) {
    (planned.before.clone(), planned.after.clone())
}

/// A facility that is new in its municipality may be another's already: it is not taken away from there.
async fn elsewhere(
    store: &Store,
    planned: &[Planned],
    findings: &mut Findings,
) -> Result<(), StoreError> {
    let new = planned.iter().filter(|planned| planned.is_new());
    let new: BTreeMap<_, _> =
        new.map(|new| (new.after.facility_id.clone(), (new.line, &new.after))).collect();
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
