//! Takes the file of an import that came to an address of its own, as Amazon S3 tells it through EventBridge.
//!
//! It keeps the file in the table, as `imports` does of one that comes with its request, and the table's stream hands the
//! import to `run-import`. The file is then taken away: it may name persons. The same event may come more than once, and
//! the import runs once.

use std::{sync::Arc, time::Instant};

use domain::{
    ImportId,
    import::{ImportReport, RowError},
};
use runtime::{
    Environment, Hub, Start, StartError, UploadError, Uploads,
    telemetry::{Outcome, ms},
    uploads,
};
use serde::Deserialize;
use store::StoreError;

/// What takes files.
#[derive(Debug, Clone)]
pub struct TakeUpload {
    /// The table and the time.
    pub hub: Hub,
    /// Where the files come to.
    pub uploads: Arc<dyn Uploads>,
}

impl Start<Environment> for TakeUpload {
    async fn start(environment: &Environment) -> Result<Self, StartError> {
        let (hub, uploads) = <(Hub, Arc<dyn Uploads>)>::start(environment).await?;
        Ok(Self { hub, uploads })
    }
}

/// An event of Amazon S3; of all it tells, what is needed here.
#[derive(Debug, Deserialize)]
pub struct UploadEvent {
    detail: Detail,
}

#[derive(Debug, Deserialize)]
struct Detail {
    object: Object,
}

#[derive(Debug, Deserialize)]
struct Object {
    key: String,
}

/// Why a file was not taken: it is tried again.
#[derive(Debug, thiserror::Error)]
pub enum TakeUploadError {
    /// The table.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Where the file is.
    #[error(transparent)]
    Upload(#[from] UploadError),
}

impl TakeUpload {
    /// Takes the file that an event tells of.
    pub async fn handle(&self, event: UploadEvent) -> Result<(), TakeUploadError> {
        match uploads::import_of(&event.detail.object.key) {
            Some(id) => self.take(&id).await,
            None => Ok(()),
        }
    }

    /// Takes the file of an import. One that nobody expects, or not any more, is taken away alone.
    pub async fn take(&self, id: &ImportId) -> Result<(), TakeUploadError> {
        let started = Instant::now();
        let outcome = self.keep(id).await?;
        self.uploads.remove(id).await?;
        tracing::info!(
            import_id = %id,
            outcome = outcome.as_str(),
            duration_ms = ms(started.elapsed()),
            "upload"
        );
        Ok(())
    }

    async fn keep(&self, id: &ImportId) -> Result<Outcome, TakeUploadError> {
        let store = &self.hub.store;
        let Some(import) = store.expected_import(id, self.hub.clock.now()).await? else {
            return Ok(Outcome::Skipped);
        };
        let Some(upload) = self.uploads.read(id).await? else { return Ok(Outcome::Skipped) };
        let (kept, outcome) = match upload.file {
            Ok(file) => (store.take_file(&import, &upload.version, &file).await?, Outcome::Done),
            Err(invalid) => {
                let errors = vec![RowError::new(1, "", "", &invalid)];
                let report = ImportReport { errors, ..ImportReport::default() };
                (store.refuse_file(&import, &report).await?, Outcome::Refused)
            }
        };
        Ok(if kept { outcome } else { Outcome::Skipped })
    }
}
