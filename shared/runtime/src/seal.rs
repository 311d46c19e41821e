use std::{fmt::Debug, sync::Arc};

use async_trait::async_trait;
use aws_sdk_kms::{Client, primitives::Blob};
use domain::{Applicant, ReservationNumber, Sealed, WebhookEndpointId};

use crate::{Environment, Start, StartError, aws, variable};

/// What a sealed value is, and whose. A value that is moved elsewhere cannot be opened there.
#[derive(Debug, Clone)]
pub enum Purpose<'a> {
    /// The applicant of a reservation.
    Applicant(&'a ReservationNumber),
    /// A parent's reason for a cancellation.
    CancelReason(&'a ReservationNumber),
    /// The nursery's word to the parent about a reservation.
    Comment(&'a ReservationNumber),
    /// What the staff noted about a reservation.
    Memo(&'a ReservationNumber),
    /// What the deliveries to an endpoint are signed with.
    WebhookSecret(&'a WebhookEndpointId),
}

impl Purpose<'_> {
    /// The kind of value. Policies name it as `kms:EncryptionContext:purpose`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Applicant(_) => "applicant",
            Self::CancelReason(_) => "cancel-reason",
            Self::Comment(_) => "comment",
            Self::Memo(_) => "memo",
            Self::WebhookSecret(_) => "webhook-secret",
        }
    }

    /// Whose value it is.
    pub fn subject(&self) -> &str {
        match self {
            Self::Applicant(number)
            | Self::CancelReason(number)
            | Self::Comment(number)
            | Self::Memo(number) => number.as_str(),
            Self::WebhookSecret(id) => id.as_str(),
        }
    }
}

/// Why a value could not be sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The key could not be reached or may not be used.
    #[error("the key is not available")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// What came out is not what such a value looks like.
    #[error("the sealed value has an unknown form")]
    UnknownForm(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// The one door of personal data: it makes values that only the holder of the key can read.
#[async_trait]
pub trait Seal: Debug + Send + Sync {
    /// Seals a value of up to 4,096 bytes.
    async fn seal(&self, purpose: Purpose<'_>, plain: &[u8]) -> Result<Sealed, SealError>;
    /// Opens what was sealed for the same purpose.
    async fn open(&self, purpose: Purpose<'_>, sealed: &Sealed) -> Result<Vec<u8>, SealError>;

    /// Opens words.
    async fn open_text(&self, purpose: Purpose<'_>, sealed: &Sealed) -> Result<String, SealError> {
        String::from_utf8(self.open(purpose, sealed).await?)
            .map_err(|_| SealError::UnknownForm("not a text".into()))
    }

    /// Opens the applicant of a reservation.
    async fn open_applicant(
        &self,
        number: &ReservationNumber,
        sealed: &Sealed,
    ) -> Result<Applicant, SealError> {
        let plain = self.open(Purpose::Applicant(number), sealed).await?;
        // The cause may quote what it could not read.
        serde_json::from_slice(&plain)
            .map_err(|_| SealError::UnknownForm("not an applicant".into()))
    }
}

/// Seals with a key of AWS KMS. Each opening is an entry in the account's audit trail, and who may
/// seal and who may open are two permissions.
#[derive(Debug, Clone)]
struct KmsSeal {
    kms: Client,
    key_id: String,
}

impl Start<Environment> for Arc<dyn Seal + '_> {
    /// With the key that `KEY_ID` names.
    async fn start(_: &Environment) -> Result<Self, StartError> {
        Ok(Arc::new(KmsSeal { kms: Client::new(&aws::config()?), key_id: variable("KEY_ID")? }))
    }
}

#[async_trait]
impl Seal for KmsSeal {
    async fn seal(&self, purpose: Purpose<'_>, plain: &[u8]) -> Result<Sealed, SealError> {
        let output = self
            .kms
            .encrypt()
            .key_id(&self.key_id)
            .encryption_context("purpose", purpose.name())
            .encryption_context("subject", purpose.subject())
            .plaintext(Blob::new(plain))
            .send()
            .await
            .map_err(|error| SealError::Unavailable(error.into()))?;
        let sealed =
            output.ciphertext_blob.ok_or_else(|| SealError::UnknownForm("no ciphertext".into()))?;
        Ok(Sealed(sealed.into_inner()))
    }

    async fn open(&self, purpose: Purpose<'_>, sealed: &Sealed) -> Result<Vec<u8>, SealError> {
        let output = self
            .kms
            .decrypt()
            .key_id(&self.key_id)
            .encryption_context("purpose", purpose.name())
            .encryption_context("subject", purpose.subject())
            .ciphertext_blob(Blob::new(sealed.0.clone()))
            .send()
            .await
            .map_err(|error| SealError::Unavailable(error.into()))?;
        let plain =
            output.plaintext.ok_or_else(|| SealError::UnknownForm("no plaintext".into()))?;
        Ok(plain.into_inner())
    }
}
