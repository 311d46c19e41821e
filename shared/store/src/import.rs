//! Imports: the file, what was found in it, and how far it is written.

use aws_sdk_dynamodb::types::AttributeValue;
use domain::{
    ImportId, Timestamp,
    import::{Counts, Import, ImportReport, ImportStatus},
};
use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use serde_dynamo::to_attribute_value;
use std::io::{Read, Write as _};

use crate::{
    Store, StoreError,
    condition::Condition,
    item::{from_item, to_item},
    keys::Key,
    once::{Earlier, Once},
    transaction::Transaction,
    write::{Write, Written},
};

/// As many bytes as one item holds, with room for its other attributes: DynamoDB takes 400 KB.
const PART: usize = 350 * 1024;

/// For how long an import is kept, in seconds: thirty days. Its file may name persons.
const KEPT_FOR: i64 = 30 * 24 * 3600;

/// Which of the files that came for an import is kept.
const FILE_VERSION: &str = "file_version";

#[derive(Serialize, Deserialize)]
struct ImportItem {
    #[serde(flatten)]
    import: Import,
    /// How many parts the file has.
    parts: usize,
    /// How many parts has what was found in it.
    #[serde(default)]
    report_parts: usize,
    /// Whether the first write was made: from then on all of it is.
    #[serde(default)]
    writing: bool,
    expires_at: i64,
}

#[derive(Serialize, Deserialize)]
struct PartItem {
    bytes: ByteBuf,
    expires_at: i64,
}

/// What came of a request for an import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImportRequested {
    /// It will be run.
    New,
    /// An earlier request under the same key left this.
    Earlier(Earlier),
}

/// An import with its file, to be run.
#[derive(Debug)]
pub struct ImportToRun {
    /// The import.
    pub import: Import,
    /// The file, unpacked.
    pub file: Vec<u8>,
    /// Whether an earlier run wrote something of it: then what is left is written, whatever else is found.
    pub writing: bool,
}

fn packed(bytes: &[u8]) -> Result<Vec<u8>, StoreError> {
    let form = |error: std::io::Error| StoreError::UnknownForm(error.into());
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).map_err(form)?;
    encoder.finish().map_err(form)
}

fn unpacked(bytes: &[u8]) -> Result<Vec<u8>, StoreError> {
    let mut unpacked = Vec::new();
    let read = GzDecoder::new(bytes).read_to_end(&mut unpacked);
    read.map_err(|error| StoreError::UnknownForm(error.into()))?;
    Ok(unpacked)
}

impl Store {
    /// Keeps the file, and requests that it is imported: whoever follows the table's stream runs it.
    pub async fn request_import(
        &self,
        import: &Import,
        file: &[u8],
        once: &Once,
        answer: String,
    ) -> Result<ImportRequested, StoreError> {
        let parts = self.write_file(import, file).await?;
        self.create_import(import, parts, kept_until(import), once, answer).await
    }

    /// Requests an import whose file is still to come. If it does not, nothing stays.
    pub async fn expect_import(
        &self,
        import: &Import,
        once: &Once,
        answer: String,
    ) -> Result<ImportRequested, StoreError> {
        let expires_at = seconds(import.expected_until());
        self.create_import(import, 0, expires_at, once, answer).await
    }

    async fn create_import(
        &self,
        import: &Import,
        parts: usize,
        expires_at: i64,
        once: &Once,
        answer: String,
    ) -> Result<ImportRequested, StoreError> {
        let item = ImportItem {
            import: import.clone(),
            parts,
            report_parts: 0,
            writing: false,
            expires_at,
        };
        let writes = vec![
            self.answered(once, answer, import.created_at)?,
            Write::create(Key::Import(import.import_id.clone()), to_item(&item)?),
        ];
        let refusals = match self.transact(writes).await? {
            Transaction::Done => return Ok(ImportRequested::New),
            Transaction::Refused(refusals) => refusals,
        };
        match once.met(&refusals)? {
            Some(earlier) => Ok(ImportRequested::Earlier(earlier)),
            None => Err(StoreError::Conflict),
        }
    }

    /// An import.
    pub async fn import(&self, id: &ImportId) -> Result<Option<Import>, StoreError> {
        let item = self.import_item(id, false).await?;
        Ok(item.map(|item| item.import))
    }

    /// An import whose file has not come yet and still may, read consistently.
    pub async fn expected_import(
        &self,
        id: &ImportId,
        now: Timestamp,
    ) -> Result<Option<Import>, StoreError> {
        let import = self.import_item(id, true).await?.map(|item| item.import);
        Ok(import.filter(|import| import.status_at(now) == ImportStatus::Expecting))
    }

    /// Keeps the file that came for an import, and lets it run; whether it was still expected. Of several files only the
    /// one whose version is first here is kept: the parts of two would be no file.
    pub async fn take_file(
        &self,
        import: &Import,
        version: &str,
        file: &[u8],
    ) -> Result<bool, StoreError> {
        let key = Key::Import(import.import_id.clone());
        let version: AttributeValue = to_attribute_value(version)?;
        let first = Condition::Any(vec![
            Condition::Lacks(FILE_VERSION.into()),
            Condition::Is(FILE_VERSION.into(), version.clone()),
        ]);
        let is_first = Condition::All(vec![is(ImportStatus::Expecting)?, first]);
        let claim = Write::update(key.clone(), is_first).set(FILE_VERSION, version);
        if !self.write(claim).await?.is_done() {
            return Ok(false);
        }
        let parts = self.write_file(import, file).await?;
        let run = Write::update(key, is(ImportStatus::Expecting)?)
            .set("parts", to_attribute_value(parts)?)
            .set("expires_at", to_attribute_value(kept_until(import))?)
            .set("status", to_attribute_value(ImportStatus::Running)?);
        Ok(self.write(run).await?.is_done())
    }

    /// Notes that what came for an import is no file that could be read; whether one was still expected.
    pub async fn refuse_file(
        &self,
        import: &Import,
        report: &ImportReport,
    ) -> Result<bool, StoreError> {
        let report_parts = self.write_report(import, report).await?;
        let key = Key::Import(import.import_id.clone());
        let fail = Write::update(key, is(ImportStatus::Expecting)?)
            .set("report_parts", to_attribute_value(report_parts)?)
            .set("expires_at", to_attribute_value(kept_until(import))?)
            .set("status", to_attribute_value(ImportStatus::Failed)?);
        Ok(self.write(fail).await?.is_done())
    }

    /// An import that is not done yet, with its file.
    pub async fn import_to_run(&self, id: &ImportId) -> Result<Option<ImportToRun>, StoreError> {
        let item = self.import_item(id, true).await?;
        let Some(item) = item.filter(|item| item.import.status == ImportStatus::Running) else {
            return Ok(None);
        };
        let file = self.read_parts(|part| Key::ImportFile(id.clone(), part), item.parts).await?;
        Ok(Some(ImportToRun { import: item.import, file, writing: item.writing }))
    }

    /// The file of an import, unpacked; nothing before it has come.
    pub async fn import_file(&self, id: &ImportId) -> Result<Vec<u8>, StoreError> {
        let parts = self.import_item(id, false).await?.map_or(0, |item| item.parts);
        if parts == 0 {
            return Ok(Vec::new());
        }
        self.read_parts(|part| Key::ImportFile(id.clone(), part), parts).await
    }

    /// What was found in the file; nothing before it is read.
    pub async fn import_report(&self, id: &ImportId) -> Result<ImportReport, StoreError> {
        let parts = self.import_item(id, false).await?.map_or(0, |item| item.report_parts);
        if parts == 0 {
            return Ok(ImportReport::default());
        }
        let json = self.read_parts(|part| Key::ImportReport(id.clone(), part), parts).await?;
        serde_json::from_slice(&json).map_err(|error| StoreError::UnknownForm(error.into()))
    }

    /// Notes what was found, and what becomes of the rows: before anything is written, or in place of it.
    pub async fn report_import(
        &self,
        import: &Import,
        report: &ImportReport,
        writing: bool,
    ) -> Result<(), StoreError> {
        let parts = self.write_report(import, report).await?;
        let write = progress(import)?
            .set("report_parts", to_attribute_value(parts)?)
            .set("writing", to_attribute_value(writing)?);
        self.write(write).await.map(drop)
    }

    /// Notes how far an import is. One that is done stays so.
    pub async fn note_import(&self, import: &Import) -> Result<(), StoreError> {
        self.write(progress(import)?).await.map(drop)
    }

    async fn write_file(&self, import: &Import, file: &[u8]) -> Result<usize, StoreError> {
        let of_part = |part| Key::ImportFile(import.import_id.clone(), part);
        self.write_parts(of_part, &packed(file)?, kept_until(import)).await
    }

    async fn write_report(
        &self,
        import: &Import,
        report: &ImportReport,
    ) -> Result<usize, StoreError> {
        let json =
            serde_json::to_vec(report).map_err(|error| StoreError::UnknownForm(error.into()))?;
        let of_part = |part| Key::ImportReport(import.import_id.clone(), part);
        self.write_parts(of_part, &packed(&json)?, kept_until(import)).await
    }

    async fn import_item(
        &self,
        id: &ImportId,
        consistent: bool,
    ) -> Result<Option<ImportItem>, StoreError> {
        self.get_item(Key::Import(id.clone()), consistent).await?.map(from_item).transpose()
    }

    /// A part that is there already is the same: a repeat writes what the first attempt wrote.
    async fn write_parts(
        &self,
        key: impl Fn(usize) -> Key,
        bytes: &[u8],
        expires_at: i64,
    ) -> Result<usize, StoreError> {
        for (part, bytes) in bytes.chunks(PART).enumerate() {
            let item = to_item(&PartItem { bytes: ByteBuf::from(bytes), expires_at })?;
            let _: Written =
                self.write(Write::replace(key(part), item, Condition::Whatever)).await?;
        }
        Ok(bytes.chunks(PART).count())
    }

    async fn read_parts(
        &self,
        key: impl Fn(usize) -> Key,
        parts: usize,
    ) -> Result<Vec<u8>, StoreError> {
        let mut bytes = Vec::new();
        for part in 0..parts {
            let item = self.get_item(key(part), true).await?;
            let missing = || StoreError::UnknownForm("a part of an import is missing".into());
            let PartItem { bytes: more, .. } = from_item(item.ok_or_else(missing)?)?;
            bytes.extend(more.into_vec());
        }
        unpacked(&bytes)
    }
}

fn is(status: ImportStatus) -> Result<Condition, StoreError> {
    Ok(Condition::Is("status".into(), to_attribute_value(status)?))
}

fn seconds(time: Timestamp) -> i64 {
    time.epoch_ms() / 1000
}

fn kept_until(import: &Import) -> i64 {
    seconds(import.created_at) + KEPT_FOR
}

fn progress(import: &Import) -> Result<Write, StoreError> {
    let Import { status, counts, .. } = import;
    let counts: &Counts = counts;
    let running = is(ImportStatus::Running)?;
    Ok(Write::update(Key::Import(import.import_id.clone()), running)
        .set("status", to_attribute_value(status)?)
        .set("counts", to_attribute_value(counts)?))
}
