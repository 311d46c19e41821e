use std::error::Error;

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};

/// Why the table did not do what was asked. None of it is for a caller of the API to see.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It could not be reached, is overloaded, or too many others write the same items: try again.
    #[error("the table is not available now")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
    /// It refused the call: our mistake.
    #[error("the table rejected the call")]
    Rejected(#[source] Box<dyn Error + Send + Sync>),
    /// An item has a form, such as a status, that this version of the code does not know: a newer one wrote it, and an
    /// upgrade is under way.
    #[error("an item has an unknown form")]
    UnknownForm(#[source] Box<dyn Error + Send + Sync>),
    /// Somebody else changed what this call was based on.
    #[error("the item was changed by somebody else")]
    Conflict,
}

impl From<serde_dynamo::Error> for StoreError {
    fn from(error: serde_dynamo::Error) -> Self {
        Self::UnknownForm(error.into())
    }
}

impl<E, R> From<SdkError<E, R>> for StoreError
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    R: std::fmt::Debug + Send + Sync + 'static,
{
    fn from(error: SdkError<E, R>) -> Self {
        let transient = match &error {
            SdkError::ServiceError(service) => matches!(
                service.err().code(),
                Some(
                    "InternalServerError"
                        | "ProvisionedThroughputExceededException"
                        | "RequestLimitExceeded"
                        | "ThrottlingException"
                        | "TransactionConflictException"
                        | "TransactionInProgressException"
                )
            ),
            SdkError::ConstructionFailure(_) => false,
            _ => true,
        };
        if transient { Self::Unavailable(error.into()) } else { Self::Rejected(error.into()) }
    }
}
