use std::{sync::Mutex, time::Duration};

use runtime::{ConfigError, variable};
use tokio::time::{Instant, sleep_until};

/// Lets mails begin one after the other, and no more in a second than was granted.
#[derive(Debug)]
pub struct Pace {
    apart: Duration,
    next: Mutex<Option<Instant>>,
}

impl Pace {
    /// The share of one of [`AT_ONCE`](crate::AT_ONCE) runs in what Amazon SES grants all of them.
    pub fn of(mails_a_second: f64) -> Self {
        let apart = Duration::from_secs_f64(crate::AT_ONCE as f64 / mails_a_second);
        Self { apart, next: Mutex::default() }
    }

    /// As fast as Amazon SES lets the account send: `MAILS_PER_SECOND`.
    pub(crate) fn of_environment() -> Result<Self, ConfigError> {
        let rate = variable("MAILS_PER_SECOND")?.parse().ok().filter(|rate| *rate >= 1.0);
        rate.map(Self::of).ok_or(ConfigError::Invalid {
            name: "MAILS_PER_SECOND",
            expected: "a number of at least 1",
        })
    }

    /// As fast as they come.
    pub fn unlimited() -> Self {
        Self { apart: Duration::ZERO, next: Mutex::default() }
    }

    /// Waits for the turn of the next mail.
    pub async fn turn(&self) {
        let now = Instant::now();
        let turn = {
            let mut next = self.next.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            let turn = next.map_or(now, |next| next.max(now));
            *next = Some(turn + self.apart);
            turn
        };
        sleep_until(turn).await;
    }
}
