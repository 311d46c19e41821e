//! Reads an import, says what is wrong with it, and writes it (IMP-01, IMP-04).
//!
//! Everything is read and compared before anything is written. From the first write on, what is left is written too,
//! however often the run is cut off: what is written already is found unchanged.

mod archive;
mod facilities;
mod list;
mod procedures;
mod vacancies;

pub use list::{Imported, ListImport};

use aws_lambda_events::dynamodb::{Event as StreamEvent, EventRecord};
use domain::{
    Facility, ImportId,
    import::{Dataset, Findings, Import, ImportReport, ImportStatus},
    procedure::Procedure,
    vacancy::Vacancy,
};
use runtime::{Environment, Hub, Start, StartError};
use serde_dynamo::AttributeValue;
use store::{ImportToRun, Key, StoreError};

/// What the importer needs.
#[derive(Debug, Clone)]
pub struct Importer {
    /// The table and the time.
    pub hub: Hub,
}

impl Start<Environment> for Importer {
    async fn start(environment: &Environment) -> Result<Self, StartError> {
        Ok(Self { hub: Hub::start(environment).await? })
    }
}

/// Why a list was not imported: nothing of it was.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// Values of the list are wrong.
    #[error("the list has wrong values")]
    Rows(Findings),
    /// The table.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Whether it tells of an import that came with its file, or whose file has come since.
fn may_run(record: &EventRecord) -> bool {
    let before = record.change.old_image.get("status");
    record.event_name == "INSERT"
        || matches!(before, Some(AttributeValue::S(status)) if status == "expecting")
}

impl Importer {
    /// Runs what the table's stream tells of. A run that fails is delivered again.
    pub async fn handle(&self, event: &StreamEvent) -> Result<(), StoreError> {
        for record in event.records.iter().filter(|record| may_run(record)) {
            if let Some(Key::Import(id)) = Key::of(&record.change.keys.clone().into()) {
                self.run(&id).await?;
            }
        }
        Ok(())
    }

    /// Runs an import to its end.
    pub async fn run(&self, id: &ImportId) -> Result<(), StoreError> {
        let Some(to_run) = self.hub.store.import_to_run(id).await? else { return Ok(()) };
        match to_run.import.dataset {
            Dataset::Facilities => self.run_list::<Facility>(to_run).await,
            Dataset::Procedures => self.run_list::<Procedure>(to_run).await,
            Dataset::Vacancies => self.run_list::<Vacancy>(to_run).await,
            Dataset::All => self.run_archive(to_run).await,
        }
    }

    async fn run_list<T: Imported>(&self, to_run: ImportToRun) -> Result<(), StoreError> {
        let ImportToRun { mut import, file, writing } = to_run;
        let (store, now) = (&self.hub.store, self.hub.clock.now());
        let only = import.municipality;
        let list = match writing {
            true => ListImport::<T>::plan_again(store, &file, only, now).await,
            false => ListImport::plan(store, &file, only, now).await,
        };
        let list = match list {
            Ok(list) => list,
            Err(ImportError::Store(error)) => return Err(error),
            Err(ImportError::Rows(Findings { rows, errors, warnings })) => {
                import.status = ImportStatus::Failed;
                import.counts.rows = rows;
                let report = ImportReport { errors, warnings, changes: Vec::new() };
                return store.report_import(&import, &report, false).await;
            }
        };
        if !writing {
            import.counts = list.counts();
            if import.dry_run {
                import.status = ImportStatus::Succeeded;
                import.counts.rows_done = import.counts.rows;
            }
            store.report_import(&import, &list.report(), !import.dry_run).await?;
        }
        if import.dry_run {
            return Ok(());
        }
        self.write(list, import).await
    }

    async fn write<T: Imported>(
        &self,
        mut list: ListImport<T>,
        mut import: Import,
    ) -> Result<(), StoreError> {
        let (store, now) = (&self.hub.store, self.hub.clock.now());
        while let Some(rows) = list.write_some(store, import.import_id.as_str(), now).await? {
            // A run that was cut off had done more, perhaps.
            import.counts.rows_done = rows.max(import.counts.rows_done);
            store.note_import(&import).await?;
        }
        if list.left_out().next().is_some() {
            let mut report = store.import_report(&import.import_id).await?;
            report.warnings.extend(list.left_out());
            store.report_import(&import, &report, true).await?;
        }
        import.status = ImportStatus::Succeeded;
        import.counts.rows_done = import.counts.rows;
        store.note_import(&import).await
    }
}
