use std::sync::{Arc, Mutex, PoisonError};

use serde::Deserialize;

/// What can be made to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dependency {
    /// The table, as the functions reach it.
    Store,
    /// Putting messages on queues.
    Queue,
    /// Sending mails.
    Mail,
    /// Posting webhooks.
    Webhook,
}

/// How often each dependency fails. Cloning shares.
#[derive(Debug, Clone, Default)]
pub struct Faults(Arc<Mutex<[f64; 4]>>);

impl Faults {
    /// Lets a dependency fail with this probability, 0 to 1.
    pub fn set(&self, dependency: Dependency, probability: f64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)[dependency as usize] = probability;
    }

    /// Whether the dependency fails this time.
    pub fn strike(&self, dependency: Dependency) -> bool {
        let rate = self.0.lock().unwrap_or_else(PoisonError::into_inner)[dependency as usize];
        rate > 0.0 && rand::random::<f64>() < rate
    }
}

/// `5%`, `all` or `none` as a probability.
pub(crate) fn probability(text: &str) -> Option<f64> {
    match text {
        "all" => Some(1.0),
        "none" => Some(0.0),
        _ => {
            let percent: f64 = text.strip_suffix('%')?.parse().ok()?;
            (0.0..=100.0).contains(&percent).then_some(percent / 100.0)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_a_percentage_or_a_word() {
        assert_eq!(probability("5%"), Some(0.05));
        assert_eq!(probability("all"), Some(1.0));
        assert_eq!(probability("none"), Some(0.0));
        for wrong in ["5", "101%", "-1%", "some", ""] {
            assert_eq!(probability(wrong), None, "{wrong}");
        }
    }
}
