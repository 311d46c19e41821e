//! Webhooks after the Standard Webhooks specification, and when they are tried again.

use std::{
    str::FromStr,
    time::{Duration, UNIX_EPOCH},
};

use domain::{Timestamp, event::Event};
use rand::RngExt;
use standardwebhooks::{Webhook, WebhookError};

/// The header that tells what caused the event: for a request to the hub, the id that its answer had.
pub const CORRELATION_ID: &str = "x-correlation-id";

const HOUR: u64 = 3600;

/// The seconds from each attempt to the next.
pub const WAITS: [u64; 9] =
    [5, 5 * 60, 30 * 60, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR];

/// How often a delivery is tried.
pub const ATTEMPTS: usize = WAITS.len() + 1;

/// The longest that a receiver may ask us to stay away.
const LONGEST_RETRY_AFTER: Duration = Duration::from_hours(24);

/// When a receiver wants to be asked again (`Retry-After`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryAfter {
    /// After so long.
    Wait(Duration),
    /// Not before.
    Until(Timestamp),
}

/// Neither seconds nor a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Retry-After is neither seconds nor a date")]
pub struct NoRetryAfter;

impl FromStr for RetryAfter {
    type Err = NoRetryAfter;
    fn from_str(text: &str) -> Result<Self, NoRetryAfter> {
        if let Ok(seconds) = text.parse() {
            return Ok(Self::Wait(Duration::from_secs(seconds)));
        }
        let date = httpdate::parse_http_date(text).map_err(|_| NoRetryAfter)?;
        let since_1970 = date.duration_since(UNIX_EPOCH).map_err(|_| NoRetryAfter)?;
        let ms = since_1970.as_millis().try_into().map_err(|_| NoRetryAfter)?;
        Timestamp::from_epoch_ms(ms).map(Self::Until).ok_or(NoRetryAfter)
    }
}

impl RetryAfter {
    /// How long that is from now; nothing where the date is past.
    pub fn wait(self, now: Timestamp) -> Duration {
        match self {
            Self::Wait(wait) => wait,
            Self::Until(date) => date.since(now).try_into().unwrap_or_default(),
        }
    }
}

/// How long to wait after the n-th attempt, counted from 1: as the schedule has it, ±10 %, or as long as the
/// receiver asks for. `None` after the last.
pub fn wait_after(attempt: usize, retry_after: Option<Duration>) -> Option<Duration> {
    let seconds = *WAITS.get(attempt.checked_sub(1)?)?;
    let jitter = rand::rng().random_range(0.9..=1.1);
    let asked = retry_after.unwrap_or_default().min(LONGEST_RETRY_AFTER);
    Some(Duration::from_secs_f64(seconds as f64 * jitter).max(asked))
}

/// A secret as its owner is shown it: `whsec_` and 32 bytes in base 64.
pub fn encode_secret(bytes: &[u8; 32]) -> String {
    format!("whsec_{}", data_encoding::BASE64.encode(bytes))
}

/// The headers of a delivery: `webhook-id`, `webhook-timestamp`, `webhook-signature`.
pub fn headers(
    secret: &str,
    event: &Event,
    body: &[u8],
    now: Timestamp,
) -> Result<[(&'static str, String); 3], WebhookError> {
    let seconds = now.epoch_ms() / 1000;
    let signature = Webhook::new(secret)?.sign(event.id.as_str(), seconds, body)?;
    Ok([
        ("webhook-id", event.id.to_string()),
        ("webhook-timestamp", seconds.to_string()),
        ("webhook-signature", signature),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_vary_by_a_tenth_and_end_after_the_last_attempt() {
        for (place, seconds) in WAITS.into_iter().enumerate() {
            for _ in 0..100 {
                let wait = wait_after(place + 1, None).unwrap().as_secs_f64() / seconds as f64;
                assert!((0.9..=1.1).contains(&wait), "attempt {}: {wait}", place + 1);
            }
        }
        assert_eq!((wait_after(0, None), wait_after(ATTEMPTS, None)), (None, None));
    }

    #[test]
    fn retry_after_is_obeyed_up_to_a_day() {
        let asked = |hours| wait_after(1, Some(Duration::from_hours(hours))).unwrap();
        assert_eq!(asked(20), Duration::from_hours(20));
        assert_eq!(asked(48), Duration::from_hours(24));
        let schedule = wait_after(4, Some(Duration::from_secs(1))).unwrap();
        assert!(schedule > Duration::from_hours(1), "never sooner than the schedule");
    }

    #[test]
    fn retry_after_is_seconds_or_a_date_by_our_clock() {
        let now: Timestamp = "2026-12-01T10:00:00+09:00".parse().unwrap();
        let wait = |text: &str| text.parse::<RetryAfter>().map(|after| after.wait(now).as_secs());
        assert_eq!(wait("120"), Ok(120));
        for date in [
            "Tue, 01 Dec 2026 16:00:00 GMT",
            "Tuesday, 01-Dec-26 16:00:00 GMT",
            "Tue Dec  1 16:00:00 2026",
        ] {
            assert_eq!(wait(date), Ok(15 * HOUR), "{date}");
        }
        assert_eq!(wait("Tue, 01 Dec 2026 00:59:59 GMT"), Ok(0), "past");
        for wrong in ["", "-5", "1.5", "soon", "2026-12-01T16:00:00Z"] {
            assert_eq!(wait(wrong), Err(NoRetryAfter), "{wrong}");
        }
    }
}
