//! Logs: one JSON line for each event, without personal data. What the lines are, and which of
//! their fields are metrics, is told in `docs/logs.md`.

use std::{env, error::Error, fmt, io};

use domain::CorrelationId;
use json_subscriber::JsonLayer;
use tracing::{Instrument, Subscriber, error_span};
use tracing_subscriber::{
    EnvFilter,
    fmt::{MakeWriter, time::SystemTime},
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

pub use crate::calls::ms;
use crate::{calls, metrics};

/// An error with its causes, for a log line. Values of persons are in none of them: items hold such
/// values sealed, and what reads requests drops the cause.
#[derive(Debug, Clone, Copy)]
pub struct ErrorChain<'a>(pub &'a dyn Error);

impl fmt::Display for ErrorChain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

/// What came of a piece of work, as the field `outcome` of its line says it: a closed list, so that queries can count
/// on it. Why stands in other fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is done.
    Done,
    /// There was nothing to do, or nobody to do it for.
    Skipped,
    /// It is divided into work of its own for each recipient.
    Divided,
    /// It waits, because its receiver fails.
    HeldBack,
    /// The rules, or the receiver, do not want it: repeating does not help.
    Refused,
    /// It failed, and is tried again where somebody can.
    Failed,
    /// It can never be done, and is kept for an operator.
    Parked,
    /// It cannot be read.
    Unreadable,
}

impl Outcome {
    /// Every outcome.
    pub const ALL: [Self; 8] = [
        Self::Done,
        Self::Skipped,
        Self::Divided,
        Self::HeldBack,
        Self::Refused,
        Self::Failed,
        Self::Parked,
        Self::Unreadable,
    ];

    /// Done, or failed.
    pub fn of(done: bool) -> Self {
        if done { Self::Done } else { Self::Failed }
    }

    /// As it stands in a line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Skipped => "skipped",
            Self::Divided => "divided",
            Self::HeldBack => "held_back",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Parked => "parked",
            Self::Unreadable => "unreadable",
        }
    }
}

/// Where a function is deployed. The local hub is not: its lines carry no metrics.
#[derive(Debug, Clone)]
pub struct Deployed {
    /// The function, as AWS names it.
    pub function: String,
    /// The hub among those of its account.
    pub stage: String,
}

impl Deployed {
    fn of_environment() -> Option<Self> {
        let variable = |name| env::var(name).ok();
        Some(Self { function: variable("AWS_LAMBDA_FUNCTION_NAME")?, stage: variable("STAGE")? })
    }
}

/// Starts writing lines to standard output. `RUST_LOG` sets the level; `info` without it.
pub fn start() {
    lines(io::stdout, "info", Deployed::of_environment()).init();
}

/// Writes every event as one line of JSON, with the fields of the spans around it at the top, so
/// that whatever is said on behalf of a request is found by its `correlation_id`.
pub fn lines<W>(
    writer: W,
    default_level: &str,
    deployed: Option<Deployed>,
) -> impl Subscriber + Send + Sync
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let mut json = JsonLayer::new(writer);
    json.with_level("level")
        .with_target("target")
        .with_flattened_event()
        .with_top_level_flattened_span_list();
    json.add_dynamic_field("calls", |event, _| calls::of(event));
    match deployed {
        Some(Deployed { function, stage }) => {
            json.add_static_field("function", function.into());
            json.add_static_field("stage", stage.into());
            json.add_dynamic_field("_aws", |event, _| metrics::of(event));
        }
        // CloudWatch adds the time by itself.
        None => {
            json.with_timer("timestamp", SystemTime);
        }
    }
    let level = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default_level));
    tracing_subscriber::registry().with(level).with(json)
}

/// Does the work that this request or run caused: its lines and its writes bear the id.
pub async fn follow<F: Future>(id: Option<CorrelationId>, work: F) -> F::Output {
    let work = calls::counted(work);
    let Some(id) = id else { return work.await };
    // Of the highest level, because a span below the level of the log would leave its id out.
    let span = error_span!("follow", correlation_id = %id);
    store::with_correlation_id(id, work).instrument(span).await
}

/// Does the work of one run of a scheduled job.
pub async fn scheduled<F: Future>(job: &str, at: domain::Timestamp, work: F) -> F::Output {
    follow(Some(CorrelationId::of_run(job, at)), work).await
}

/// Whole milliseconds since something happened; none where clocks disagree.
pub fn ms_since(now: domain::Timestamp, then: domain::Timestamp) -> u64 {
    now.since(then).as_millis().try_into().unwrap_or_default()
}

#[cfg(test)]
pub(crate) mod tests {
    use std::{
        io::Write,
        sync::{Arc, Mutex},
    };

    use serde_json::Value;

    /// What lines are written to.
    #[derive(Debug, Clone, Default)]
    pub(crate) struct Written(Arc<Mutex<Vec<u8>>>);

    impl Written {
        pub(crate) fn lines(&self) -> Vec<Value> {
            let bytes = self.0.lock().unwrap();
            let lines = serde_json::Deserializer::from_slice(&bytes).into_iter();
            lines.map(|line| line.unwrap()).collect()
        }
    }

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
}
