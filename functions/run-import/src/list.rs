//! A list of any dataset, compared and written: what is the same for all of them.

use std::collections::BTreeSet;

use domain::{
    MunicipalityCode, Timestamp,
    import::{Counts, Findings, ImportReport, Listed, Planned},
};
use store::{Store, StoreError};

use crate::ImportError;

/// What a list was read into, or what is wrong with it.
pub type Read<Row> = Result<(Vec<Row>, Findings), Findings>;

/// A thing whose lists are imported: how a list of it is read, compared and written.
#[allow(async_fn_in_trait, reason = "it is implemented here alone")]
pub trait Imported: Listed {
    /// What a row says.
    type Row: Clone;

    /// The line of a row.
    fn line(row: &Self::Row) -> u64;

    /// Reads a list; of a caller who works for one municipality, every row of another is an error.
    fn read(list: &[u8], only: Option<MunicipalityCode>) -> Read<Self::Row>;

    /// What the rows change of what the hub has. What fits nothing, or too much, is told.
    async fn compare(
        store: &Store,
        rows: &[Self::Row],
        only: Option<MunicipalityCode>,
        now: Timestamp,
        findings: &mut Findings,
    ) -> Result<Vec<Planned<Self>>, StoreError>;

    /// Writes what is new or changed, each over the one that was read.
    async fn put(store: &Store, changes: &[(Option<Self>, Self)]) -> Result<(), StoreError>;

    /// Proposes what it may not change. `name` is the same for each run of the list.
    async fn propose(
        _store: &Store,
        _name: &str,
        _planned: &Planned<Self>,
        _now: Timestamp,
    ) -> Result<(), StoreError> {
        Ok(())
    }
}

/// A list, compared with what the hub has.
#[derive(Debug)]
pub struct ListImport<T: Imported> {
    rows: Vec<T::Row>,
    only: Option<MunicipalityCode>,
    /// What becomes of what the rows are about, in the order of their lines.
    planned: Vec<Planned<T>>,
    /// What is wrong with it, and what was taken otherwise than it is written.
    findings: Findings,
    /// How many of them are written.
    done: usize,
}

/// Of so many things it is told item by item what changes.
const CHANGES_TOLD: usize = 1000;

/// How many things are written before the progress is noted.
const NOTED_AFTER: usize = 330;

/// How often a row is compared anew because somebody changed what it is about meanwhile.
const TRIES: usize = 5;

impl<T: Imported> ListImport<T> {
    /// Reads a list and compares it. Nothing is written, and nothing will be of a list that has an error.
    pub async fn plan(
        store: &Store,
        list: &[u8],
        only: Option<MunicipalityCode>,
        now: Timestamp,
    ) -> Result<Self, ImportError> {
        let list = Self::read_on(store, list, only, now).await?;
        match list.findings.errors.is_empty() {
            true => Ok(list),
            false => Err(ImportError::Rows(list.findings)),
        }
    }

    /// The same of a list whose first rows are written: all that still can be is written. A row that meanwhile fits
    /// nothing any more, or too much, is left as it is: it was said to fit.
    pub async fn read_on(
        store: &Store,
        list: &[u8],
        only: Option<MunicipalityCode>,
        now: Timestamp,
    ) -> Result<Self, ImportError> {
        let (rows, mut findings) = T::read(list, only).map_err(ImportError::Rows)?;
        let mut planned = T::compare(store, &rows, only, now, &mut findings).await?;
        planned.sort_by_key(|planned| planned.line);
        Ok(Self { rows, only, planned, findings, done: 0 })
    }

    /// What becomes of the rows.
    pub fn counts(&self) -> Counts {
        let count =
            |wanted: fn(&Planned<T>) -> bool| self.planned.iter().filter(|p| wanted(p)).count();
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
        let changed = |planned: &&Planned<T>| planned.is_changed() || !planned.proposed.is_empty();
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
        match T::put(store, &changes(some)).await {
            Err(StoreError::Conflict) => self.write_again(store, &lines(some), now).await?,
            result => result?,
        }
        for planned in some.iter().filter(|planned| !planned.proposed.is_empty()) {
            T::propose(store, name, planned, now).await?;
        }
        self.done += some.len();
        // A row of two years is two things.
        let of_one_row = |a: &Planned<T>, b: &Planned<T>| a.line == b.line;
        Ok(Some(self.planned[..self.done].chunk_by(of_one_row).count()))
    }

    /// Compares rows anew with what somebody else changed meanwhile.
    async fn write_again(
        &self,
        store: &Store,
        lines: &BTreeSet<u64>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let rows: Vec<_> =
            self.rows.iter().filter(|row| lines.contains(&T::line(row))).cloned().collect();
        for _ in 0..TRIES {
            let mut findings = Findings::default();
            let planned = T::compare(store, &rows, self.only, now, &mut findings).await?;
            match T::put(store, &changes(&planned)).await {
                Err(StoreError::Conflict) => {}
                result => return result,
            }
        }
        Err(StoreError::Unavailable("what is imported changes too fast".into()))
    }
}

fn lines<T>(planned: &[Planned<T>]) -> BTreeSet<u64> {
    planned.iter().map(|planned| planned.line).collect()
}

fn changes<T: Listed>(planned: &[Planned<T>]) -> Vec<(Option<T>, T)> {
    let changed = planned.iter().filter(|planned| planned.is_changed());
    changed.map(|planned| (planned.before.clone(), planned.after.clone())).collect()
}
