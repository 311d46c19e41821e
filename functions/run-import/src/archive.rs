//! The archive of another hub, read whole and written into an empty one (IMP-05).

use domain::{
    Invalid,
    archive::Archive,
    import::{ImportReport, ImportStatus, RowError},
};
use store::{ImportToRun, StoreError};

use crate::Importer;

impl Importer {
    pub(crate) async fn run_archive(&self, to_run: ImportToRun) -> Result<(), StoreError> {
        let ImportToRun { mut import, file, writing } = to_run;
        let store = &self.hub.store;
        let mut read = Archive::read(&file, import.municipality);
        if !writing && store.has_any_facility().await? {
            read = Err(vec![RowError::new(1, "", "", &Invalid::HubNotEmpty)]);
        }
        let archive = match read {
            Ok(archive) => archive,
            Err(errors) => {
                import.status = ImportStatus::Failed;
                let report = ImportReport { errors, ..ImportReport::default() };
                return store.report_import(&import, &report, false).await;
            }
        };
        if !writing {
            import.counts.rows = archive.len();
            import.counts.created = archive.len();
            if import.dry_run {
                import.status = ImportStatus::Succeeded;
                import.counts.rows_done = archive.len();
            }
            store.report_import(&import, &ImportReport::default(), !import.dry_run).await?;
        }
        if import.dry_run {
            return Ok(());
        }
        store.restore(&archive).await?;
        import.status = ImportStatus::Succeeded;
        import.counts.rows_done = archive.len();
        store.note_import(&import).await
    }
}
