//! Large files, in place of Amazon S3: each comes to an address of this hub that only its import has.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Query, State, rejection::QueryRejection},
    middleware::from_fn,
    routing::put,
};
use data_encoding::HEXLOWER;
use domain::{ImportId, keys::IdKey};
use http::StatusCode;
use hub_http::Path;
use runtime::{Clock, Hub, Upload, UploadError, Uploads, uploads};
use serde::Deserialize;
use take_upload::TakeUpload;

use crate::control::by_a_loopback_name;

/// Amazon S3 takes 5 GB; what the hub does not take is refused when it is read.
const SENT_AT_MOST: usize = 100 * 1024 * 1024;

/// Keeps files in memory, until they are taken. Cloning shares.
#[derive(Debug, Clone)]
pub struct LocalUploads {
    base_url: Arc<str>,
    clock: Clock,
    key: IdKey,
    files: Arc<Mutex<HashMap<ImportId, Bytes>>>,
}

/// What an address says beside its import.
#[derive(Debug, Deserialize)]
struct Signed {
    /// Until when it takes a file, in milliseconds.
    until: i64,
    signature: String,
}

impl LocalUploads {
    /// At addresses of this hub, signed by this key.
    pub fn new(hub: &Hub, key: IdKey) -> Self {
        let (base_url, clock) = (hub.base_url.clone(), hub.clock.clone());
        Self { base_url, clock, key, files: Arc::default() }
    }

    /// Puts a file where the one of this import is expected, in place of any that is there.
    pub fn put(&self, id: &ImportId, file: Bytes) {
        self.files().insert(id.clone(), file);
    }

    /// Whether no file is left.
    pub fn is_empty(&self) -> bool {
        self.files().is_empty()
    }

    fn signature(&self, id: &ImportId, until: i64) -> String {
        let parts: [&[u8]; 3] = [b"upload", id.as_str().as_bytes(), &until.to_be_bytes()];
        HEXLOWER.encode(&self.key.fingerprint(&parts))
    }

    fn takes(&self, id: &ImportId, signed: &Signed) -> bool {
        self.clock.now().epoch_ms() < signed.until
            && signed.signature == self.signature(id, signed.until)
    }

    fn files(&self) -> MutexGuard<'_, HashMap<ImportId, Bytes>> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Uploads for LocalUploads {
    async fn address(&self, id: &ImportId) -> Result<String, UploadError> {
        let open_for = i64::try_from(uploads::OPEN_FOR.as_millis());
        let open_for = open_for.map_err(|error| UploadError(error.into()))?;
        let until = self.clock.now().epoch_ms() + open_for;
        let signature = self.signature(id, until);
        let base = &self.base_url;
        Ok(format!("{base}/_local/uploads/{id}?until={until}&signature={signature}"))
    }

    async fn read(&self, id: &ImportId) -> Result<Option<Upload>, UploadError> {
        let file = self.files().get(id).cloned();
        Ok(file.map(|sent| Upload {
            version: HEXLOWER.encode(&self.key.fingerprint(&[b"version", &sent])),
            file: uploads::opened(sent.into()),
        }))
    }

    async fn remove(&self, id: &ImportId) -> Result<(), UploadError> {
        self.files().remove(id);
        Ok(())
    }
}

/// Takes files at their addresses, and hands each on at once.
pub(crate) fn routes(uploads: LocalUploads, taker: TakeUpload) -> Router {
    Router::new()
        .route("/_local/uploads/{id}", put(take))
        .layer(DefaultBodyLimit::max(SENT_AT_MOST))
        .route_layer(from_fn(by_a_loopback_name))
        .with_state((uploads, taker))
}

async fn take(
    State((uploads, taker)): State<(LocalUploads, TakeUpload)>,
    Path(id): Path<String>,
    signed: Result<Query<Signed>, QueryRejection>,
    file: Bytes,
) -> StatusCode {
    let (Ok(id), Ok(Query(signed))) = (id.parse(), signed) else { return StatusCode::FORBIDDEN };
    if !uploads.takes(&id, &signed) {
        return StatusCode::FORBIDDEN;
    }
    uploads.put(&id, file);
    match taker.take(&id).await {
        Ok(()) => StatusCode::OK,
        Err(error) => {
            tracing::warn!(%error, "an upload was not taken; it may be sent again");
            StatusCode::SERVICE_UNAVAILABLE
        }
    }
}
