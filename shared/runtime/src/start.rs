use std::{future::Future, io};

use lambda_runtime::{LambdaEvent, service_fn};
use serde::{Serialize, de::DeserializeOwned};
use store::keys::Kind;

use crate::{ConfigError, telemetry};

/// What a function needs before its first event: a client, keys, a setting. A deployed function starts it from its
/// [`Environment`]; the local hub has a source of its own.
pub trait Start<Source>: Sized {
    /// Makes it ready.
    fn start(source: &Source) -> impl Future<Output = Result<Self, StartError>> + Send;
}

/// The environment of a deployed function: its variables, and what its policy lets it read.
#[derive(Debug, Clone, Copy)]
pub struct Environment {
    /// The kind of partition that the first read may touch.
    pub first_read: Kind,
}

impl Default for Environment {
    /// Of a function that may read facilities, as most may.
    fn default() -> Self {
        Self { first_read: Kind::Facility }
    }
}

/// Why a function does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The function was deployed without a value that it needs.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Something that it needs cannot be had.
    #[error("what the function needs is not ready")]
    NotReady(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl<Source: Sync> Start<Source> for () {
    async fn start(_: &Source) -> Result<Self, StartError> {
        Ok(())
    }
}

/// What is needed together starts side by side: it takes as long as the slowest of its parts.
macro_rules! side_by_side {
    ($($part:ident),+) => {
        impl<Source: Sync, $($part: Start<Source> + Send),+> Start<Source> for ($($part,)+) {
            async fn start(source: &Source) -> Result<Self, StartError> {
                tokio::try_join!($($part::start(source)),+)
            }
        }
    };
}

side_by_side!(A, B);
side_by_side!(A, B, C);
side_by_side!(A, B, C, D);
side_by_side!(A, B, C, D, E);

/// Runs a function in AWS Lambda that is handed events.
pub fn run<Needs, Event, Answer, Failure>(
    environment: Environment,
    handle: impl AsyncFn(&Needs, Event) -> Result<Answer, Failure>,
) -> Result<(), lambda_runtime::Error>
where
    Needs: Start<Environment>,
    Event: DeserializeOwned,
    Answer: Serialize,
    lambda_runtime::Error: From<Failure>,
{
    telemetry::start();
    block_on(async {
        let needs = &Needs::start(&environment).await?;
        let handle = &handle;
        lambda_runtime::run(service_fn(async |event: LambdaEvent<Event>| {
            Ok::<_, lambda_runtime::Error>(handle(needs, event.payload).await?)
        }))
        .await
    })?
}

/// Does all work of a function on one thread: AWS Lambda hands it one event at a time.
pub fn block_on<F: Future>(work: F) -> io::Result<F::Output> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// Is ready once as many have begun as are needed.
    struct Part;

    impl Start<AtomicUsize> for Part {
        async fn start(begun: &AtomicUsize) -> Result<Self, StartError> {
            begun.fetch_add(1, Ordering::SeqCst);
            tokio::task::yield_now().await;
            match begun.load(Ordering::SeqCst) {
                5 => Ok(Self),
                _ => Err(ConfigError::Missing("the others").into()),
            }
        }
    }

    #[tokio::test]
    async fn what_is_needed_together_starts_side_by_side() {
        let begun = AtomicUsize::new(0);
        let started = <(Part, Part, Part, Part, Part)>::start(&begun).await;
        assert!(started.is_ok(), "each waited for the one before it");
    }
}
