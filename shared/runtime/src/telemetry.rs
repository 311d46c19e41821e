//! Logs: one JSON line for each event, without personal data.

use tracing_subscriber::EnvFilter;

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
