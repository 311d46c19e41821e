//! Files that are larger than a request: each comes to an address of its own.

use std::{fmt::Debug, io::Read, sync::Arc, time::Duration};

use async_trait::async_trait;
use aws_sdk_s3::{
    Client,
    config::{RequestChecksumCalculation, ResponseChecksumValidation},
    operation::get_object::GetObjectError,
    presigning::PresigningConfig,
};
use domain::{ImportId, Invalid};
use flate2::read::MultiGzDecoder;

use crate::{Environment, Start, StartError, aws, variable};

/// So many megabytes a file has at most, as it comes and unpacked: it is held in memory.
const MEGABYTES: usize = 64;
const AT_MOST: usize = MEGABYTES * 1024 * 1024;

/// For how long an address takes a file.
pub const OPEN_FOR: Duration = Duration::from_hours(1);

/// How the keys of files begin: policies of the template name it.
const PREFIX: &str = "imports/";

/// What came to the address of an import.
#[derive(Debug)]
pub struct Upload {
    /// Tells it from another that came to the same address.
    pub version: String,
    /// The file, unpacked, or why it is none.
    pub file: Result<Vec<u8>, Invalid>,
}

/// Why files cannot be had now.
#[derive(Debug, thiserror::Error)]
#[error("the uploads are not available")]
pub struct UploadError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// What the hub needs of the place to which large files come.
#[async_trait]
pub trait Uploads: Debug + Send + Sync {
    /// An address that takes the file of this import, by `PUT`, for [`OPEN_FOR`].
    async fn address(&self, id: &ImportId) -> Result<String, UploadError>;
    /// The file that came, if it is there.
    async fn read(&self, id: &ImportId) -> Result<Option<Upload>, UploadError>;
    /// Takes it away. One that is not there is no error.
    async fn remove(&self, id: &ImportId) -> Result<(), UploadError>;
}

/// The import whose file has this key.
pub fn import_of(key: &str) -> Option<ImportId> {
    key.strip_prefix(PREFIX)?.parse().ok()
}

/// A file as it was before it was packed. That it is packed is seen by how it begins: no list and no archive begins so.
pub fn opened(sent: Vec<u8>) -> Result<Vec<u8>, Invalid> {
    match sent.starts_with(&[0x1f, 0x8b]) {
        _ if sent.len() > AT_MOST => Err(Invalid::FileTooLarge(MEGABYTES)),
        true => unpacked(&sent),
        false => Ok(sent),
    }
}

/// Unpacks a file, and stops at the limit: nothing that is packed small fills the memory.
pub fn unpacked(packed: &[u8]) -> Result<Vec<u8>, Invalid> {
    let mut bytes = Vec::new();
    let mut unpacking = MultiGzDecoder::new(packed).take(AT_MOST as u64 + 1);
    unpacking.read_to_end(&mut bytes).map_err(|_| Invalid::NotUnpacked)?;
    if bytes.len() > AT_MOST { Err(Invalid::FileTooLarge(MEGABYTES)) } else { Ok(bytes) }
}

/// A bucket of Amazon S3.
#[derive(Debug, Clone)]
struct S3Uploads {
    s3: Client,
    bucket: String,
}

impl Start<Environment> for Arc<dyn Uploads + '_> {
    /// In the bucket that `UPLOADS` names.
    async fn start(_: &Environment) -> Result<Self, StartError> {
        let config = aws::config()?;
        let is_aws = config.endpoint_url().is_none();
        let config = aws_sdk_s3::config::Builder::from(&config)
            // An emulator has no name for each bucket.
            .force_path_style(!is_aws)
            .timeout_config(aws::timeouts(Duration::from_secs(5)))
            // Whoever has an address would have to reckon one too.
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
            .build();
        Ok(Arc::new(S3Uploads { s3: Client::from_conf(config), bucket: variable("UPLOADS")? }))
    }
}

fn unavailable(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> UploadError {
    UploadError(error.into())
}

fn key(id: &ImportId) -> String {
    format!("{PREFIX}{id}")
}

#[async_trait]
impl Uploads for S3Uploads {
    /// Signed here, so nobody is asked: whoever has the address acts in the name of this function.
    async fn address(&self, id: &ImportId) -> Result<String, UploadError> {
        let open_for = PresigningConfig::expires_in(OPEN_FOR).map_err(unavailable)?;
        let put = self.s3.put_object().bucket(&self.bucket).key(key(id));
        let signed = put.presigned(open_for).await.map_err(unavailable)?;
        Ok(signed.uri().to_owned())
    }

    async fn read(&self, id: &ImportId) -> Result<Option<Upload>, UploadError> {
        let found = self.s3.get_object().bucket(&self.bucket).key(key(id)).send().await;
        let object = match found {
            Ok(object) => object,
            Err(error) if error.as_service_error().is_some_and(GetObjectError::is_no_such_key) => {
                return Ok(None);
            }
            Err(error) => return Err(unavailable(error)),
        };
        let version = object.e_tag.unwrap_or_default();
        // S3 itself takes 5 GB: what is too large is left where it is.
        let length = object.content_length.and_then(|length| usize::try_from(length).ok());
        if length.is_none_or(|length| length > AT_MOST) {
            return Ok(Some(Upload { version, file: Err(Invalid::FileTooLarge(MEGABYTES)) }));
        }
        let sent = object.body.collect().await.map_err(unavailable)?.to_vec();
        Ok(Some(Upload { version, file: opened(sent) }))
    }

    async fn remove(&self, id: &ImportId) -> Result<(), UploadError> {
        let removed = self.s3.delete_object().bucket(&self.bucket).key(key(id)).send().await;
        removed.map(drop).map_err(unavailable)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use aws_credential_types::Credentials;
    use flate2::{Compression, write::GzEncoder};

    use super::*;

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn packed_file_is_known_by_its_beginning_and_unpacked_up_to_the_limit() {
        assert_eq!(opened(b"a,b".to_vec()), Ok(b"a,b".to_vec()));
        assert_eq!(opened(packed(b"a,b")), Ok(b"a,b".to_vec()));
        assert_eq!(opened([0x1f, 0x8b, 1].to_vec()), Err(Invalid::NotUnpacked));
        let large = vec![b','; AT_MOST + 1];
        assert_eq!(opened(packed(&large)), Err(Invalid::FileTooLarge(64)));
        assert_eq!(opened(packed(&large[1..])).map(|file| file.len()), Ok(AT_MOST));
        assert_eq!(opened(large), Err(Invalid::FileTooLarge(64)));
    }

    #[tokio::test]
    async fn address_takes_one_file_for_an_hour() {
        let config = aws_sdk_s3::config::Builder::new()
            .behavior_version_latest()
            .region(aws_sdk_s3::config::Region::from_static("ap-northeast-1"))
            .credentials_provider(Credentials::for_tests())
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .build();
        let uploads = S3Uploads { s3: Client::from_conf(config), bucket: "uploads".into() };
        let id: ImportId = "imp_7k3m9qxd2abc".parse().unwrap();
        let address = uploads.address(&id).await.unwrap();
        let (place, query) = address.split_once('?').unwrap();
        assert_eq!(
            place,
            "https://uploads.s3.ap-northeast-1.amazonaws.com/imports/imp_7k3m9qxd2abc"
        );
        assert!(query.contains("X-Amz-Expires=3600"), "{query}");
        // Whoever has it needs no header of their own.
        assert!(query.contains("X-Amz-SignedHeaders=host&"), "{query}");
        assert_eq!(import_of("imports/imp_7k3m9qxd2abc"), Some(id));
        assert_eq!(import_of("other/imp_7k3m9qxd2abc"), None);
    }
}
