//! Metrics in CloudWatch's embedded metric format: a log line says which of its own fields are
//! metrics. Nothing is sent and nothing is waited for.
//!
//! A line has a metric by having a field of its name. There are few, because each costs as much as
//! thousands of requests: what AWS counts by itself (requests, durations, errors) is not here.

use std::{
    fmt::Debug,
    time::{SystemTime, UNIX_EPOCH},
};

use serde_json::{Value, json};
use tracing::{
    Event,
    field::{Field, Visit},
};

/// Where the hub's metrics stand in CloudWatch.
pub const NAMESPACE: &str = "hokatsu";

/// Name, unit, and the fields that tell its values apart beside the stage.
const METRICS: [(&str, &str, &[&str]); 7] = [
    ("MailBounces", "Count", &[]),
    ("MailComplaints", "Count", &[]),
    ("MailLag", "Milliseconds", &[]),
    ("MailsSuppressed", "Count", &[]),
    ("PendingOlderThanADay", "Count", &[]),
    ("PushLag", "Milliseconds", &[]),
    ("Reservations", "Count", &["status"]),
];

/// Every metric that functions write.
pub fn names() -> impl Iterator<Item = &'static str> {
    METRICS.iter().map(|(name, ..)| *name)
}

/// What CloudWatch must know of a line to read its metrics; nothing for a line without any.
pub(crate) fn of(event: &Event<'_>) -> Option<Value> {
    let mut fields = Fields::default();
    event.record(&mut fields);
    let metrics: Vec<Value> = METRICS
        .iter()
        .filter(|(name, ..)| fields.0.contains(name))
        .map(|(name, unit, dimensions)| {
            let dimensions = [&["stage"], *dimensions].concat();
            json!({
                "Namespace": NAMESPACE,
                "Dimensions": [dimensions],
                "Metrics": [{"Name": name, "Unit": unit}],
            })
        })
        .collect();
    if metrics.is_empty() {
        return None;
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Some(json!({"Timestamp": now.as_millis() as u64, "CloudWatchMetrics": metrics}))
}

/// The names of the fields that have a value.
#[derive(Default)]
struct Fields(Vec<&'static str>);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, _: &dyn Debug) {
        self.0.push(field.name());
    }
}

#[cfg(test)]
mod tests {
    use tracing::subscriber::with_default;

    use super::*;
    use crate::telemetry::{Deployed, lines, tests::Written};

    fn line(deployed: Option<Deployed>, say: impl FnOnce()) -> Value {
        let written = Written::default();
        let writer = written.clone();
        with_default(lines(move || writer.clone(), "info", deployed), say);
        written.lines().remove(0)
    }

    fn deployed() -> Option<Deployed> {
        Some(Deployed { function: "fan-out".into(), stage: "test".into() })
    }

    #[test]
    fn a_line_says_which_of_its_fields_are_metrics() {
        let said = line(deployed(), || tracing::info!(Reservations = 1, status = "approved", "x"));
        assert_eq!(said["Reservations"], 1);
        assert_eq!((&said["stage"], &said["status"]), (&json!("test"), &json!("approved")));
        assert!(said["_aws"]["Timestamp"].as_u64() > Some(1_700_000_000_000));
        let expected = json!([{
            "Namespace": "hokatsu",
            "Dimensions": [["stage", "status"]],
            "Metrics": [{"Name": "Reservations", "Unit": "Count"}],
        }]);
        assert_eq!(said["_aws"]["CloudWatchMetrics"], expected);
    }

    #[test]
    fn a_field_without_a_value_is_no_metric() {
        let said = line(deployed(), || tracing::info!(PushLag = None::<u64>, "x"));
        assert_eq!(said.get("_aws"), None);
    }

    #[test]
    fn a_hub_that_is_not_deployed_has_lines_without_metrics() {
        let said = line(None, || tracing::info!(PushLag = 5, "x"));
        assert_eq!((&said["PushLag"], said.get("_aws")), (&json!(5), None));
    }

    #[test]
    fn whatever_is_said_for_a_request_bears_its_id() {
        let say = async { tracing::warn!("x") };
        let follow = crate::telemetry::follow("request-1".parse().ok(), say);
        let said = line(deployed(), || futures::executor::block_on(follow));
        assert_eq!(said["correlation_id"], "request-1");
        assert_eq!(said["function"], "fan-out");
    }
}
