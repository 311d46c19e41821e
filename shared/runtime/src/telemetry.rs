//! Logs: one JSON line for each event, without personal data.

use std::{error::Error, fmt};

use tracing_subscriber::EnvFilter;

/// An error with its causes, for a log line. Values of persons are in none of them: items hold such
/// values sealed, and what reads requests drops the cause.
#[derive(Debug, Clone, Copy)]
pub struct Causes<'a>(pub &'a dyn Error);

impl fmt::Display for Causes<'_> {
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

/// Starts writing JSON lines to standard output. `RUST_LOG` sets the level; `info` without it.
pub fn start() {
    tracing_subscriber::fmt()
        .json()
        .with_env_filter(
            EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info")),
        )
        .with_current_span(false)
        .flatten_event(true)
        // CloudWatch adds the time.
        .without_time()
        .init();
}
