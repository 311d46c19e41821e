//! Webhooks after the Standard Webhooks specification, and when they are tried again.

use std::time::Duration;

use domain::{Instant, event::Event};
use rand::RngExt;
use standardwebhooks::{Webhook, WebhookError};

/// The header that tells what caused the event: for a request to the hub, the id that its answer had.
pub const CORRELATION_ID: &str = "x-correlation-id";

const HOUR: u64 = 3600;

/// What is done with a message each time the queue hands it out: an attempt or, because a queue
/// keeps a message hidden for 12 hours at most, only the second half of a longer wait. Each with
/// the seconds to wait before the next, if it does not succeed.
///
/// Attempts come 0, 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h and 24 h after the one before.
pub const STEPS: [Step; 13] = [
    Step::Attempt { then_wait: 5 },
    Step::Attempt { then_wait: 5 * 60 },
    Step::Attempt { then_wait: 30 * 60 },
    Step::Attempt { then_wait: 2 * HOUR },
    Step::Attempt { then_wait: 5 * HOUR },
    Step::Attempt { then_wait: 10 * HOUR },
    Step::Attempt { then_wait: 12 * HOUR },
    Step::WaitOn { then_wait: 2 * HOUR },
    Step::Attempt { then_wait: 12 * HOUR },
    Step::WaitOn { then_wait: 8 * HOUR },
    Step::Attempt { then_wait: 12 * HOUR },
    Step::WaitOn { then_wait: 12 * HOUR },
    Step::Attempt { then_wait: 0 },
];

/// The longest that a queue hides a message.
const LONGEST_WAIT: Duration = Duration::from_secs(12 * HOUR);

/// One step of the schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Delivers.
    Attempt {
        /// Seconds until the next step.
        then_wait: u64,
    },
    /// Delivers nothing yet.
    WaitOn {
        /// Seconds until the next step.
        then_wait: u64,
    },
}

impl Step {
    /// The step of the n-th time that the queue hands a message out, counted from 1; `None` after
    /// the last.
    pub fn of_receive(count: usize) -> Option<Self> {
        STEPS.get(count.checked_sub(1)?).copied()
    }

    /// Whether no step comes after the n-th.
    pub fn is_last(count: usize) -> bool {
        count >= STEPS.len()
    }

    /// How long to wait now, ±10 %, or as long as the receiver asks for.
    pub fn wait(self, retry_after: Option<Duration>) -> Duration {
        let (Self::Attempt { then_wait } | Self::WaitOn { then_wait }) = self;
        let jitter = rand::rng().random_range(0.9..=1.1);
        let wait = Duration::from_secs_f64(then_wait as f64 * jitter);
        wait.max(retry_after.unwrap_or_default()).min(LONGEST_WAIT)
    }
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
    now: Instant,
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
    fn attempts_follow_the_schedule() {
        let mut waits = vec![0];
        for step in STEPS {
            match step {
                Step::Attempt { then_wait } => waits.push(then_wait),
                Step::WaitOn { then_wait } => *waits.last_mut().unwrap() += then_wait,
            }
        }
        let hours: Vec<u64> = waits[4..10].iter().map(|seconds| seconds / HOUR).collect();
        assert_eq!(waits[..4], [0, 5, 300, 1800]);
        assert_eq!(hours, [2, 5, 10, 14, 20, 24]);
        assert!(Step::is_last(13) && !Step::is_last(12));
        assert_eq!(Step::of_receive(14), None);
    }

    #[test]
    fn a_wait_varies_by_a_tenth_and_obeys_retry_after() {
        for _ in 0..100 {
            let wait = Step::Attempt { then_wait: 100 }.wait(None).as_secs_f64();
            assert!((90.0..=110.0).contains(&wait), "{wait}");
        }
        let asked = Duration::from_secs(3600);
        assert_eq!(Step::Attempt { then_wait: 5 }.wait(Some(asked)), asked);
        let longest = Step::Attempt { then_wait: 12 * HOUR }.wait(Some(asked * 24));
        assert_eq!(longest, LONGEST_WAIT);
    }
}
