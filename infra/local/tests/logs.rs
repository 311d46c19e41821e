//! One request is followed through every log line and into the webhook, and no line tells of a person.
//!
//! Alone in its file: the lines of a whole program are looked at.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

use std::{
    io,
    sync::{Arc, Mutex},
};

use local::{
    LocalHub, Options,
    api::{Api, visit_request},
    receiver::Receiver,
};
use runtime::telemetry::{self, Outcome};
use serde_json::{Value, json};
use tracing_subscriber::util::SubscriberInitExt;

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Lines {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    /// The lines of a request or run.
    fn of(&self, id: &str) -> Vec<Value> {
        let text = self.text();
        let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.filter(|line| line["correlation_id"] == id).collect()
    }
}

fn names(lines: &[Value]) -> Vec<&str> {
    let mut names: Vec<_> = lines.iter().map(|line| line["message"].as_str().unwrap()).collect();
    names.sort_unstable();
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_followed_to_everyone_who_hears_of_it() {
    let lines = Lines::default();
    let writer = lines.clone();
    telemetry::lines(move || writer.clone(), "info,dynoxide=error", None).init();
    let hub = LocalHub::start(Options::default()).await.unwrap();
    let api = Api::new(hub.url()).unwrap();
    let site = api.as_client("search_site", 0).await.unwrap();
    let receiver = Receiver::start().await.unwrap();
    let endpoint = json!({"url": receiver.url()});
    let endpoint = site.create("/v1/webhook-endpoints", "endpoint", endpoint).await.unwrap();
    receiver.trust(endpoint.body["secret"].as_str().unwrap());
    let (staff, facility) = api.as_user("facility", 0).await.unwrap();
    let slot = api.open_slot(&facility).await.unwrap();
    let id_of = |answer: &local::api::Answer| {
        answer.headers["apigw-requestid"].to_str().unwrap().to_owned()
    };

    // A request: the answer, the change, two mails, one webhook.
    let visit = visit_request(&facility, slot["slot_id"].as_str().unwrap());
    let asked = site.create("/v1/reservations", "k", visit).await.unwrap();
    assert_eq!(asked.status, 201);
    api.post("/_local/drain", json!({})).await.unwrap();
    let of_request = lines.of(&id_of(&asked));
    assert_eq!(names(&of_request), ["change", "mail", "mail", "request", "webhook"]);
    for line in &of_request {
        let outcome = line["outcome"].as_str().unwrap_or_default();
        assert!(Outcome::ALL.iter().any(|one| one.as_str() == outcome), "{line}");
        assert!(line["duration_ms"].is_u64(), "{line}");
    }
    let metrics = |name: &str| of_request.iter().filter(|line| line[name].is_u64()).count();
    assert_eq!((metrics("Reservations"), metrics("MailLag"), metrics("PushLag")), (1, 2, 1));
    assert_eq!(receiver.received()[0].correlation_id, id_of(&asked));

    // The answer to it is a request of its own.
    let number = asked.body["reservation_number"].as_str().unwrap();
    let approve = format!("/v1/staff/reservations/{number}/approve");
    let approved = staff.post(&approve, json!({"comment": "上履き"})).await.unwrap();
    assert_eq!(approved.status, 200);
    api.post("/_local/drain", json!({})).await.unwrap();
    let of_approval = lines.of(&id_of(&approved));
    assert_eq!(names(&of_approval), ["change", "mail", "request", "webhook"]);
    assert_eq!(receiver.received()[1].correlation_id, id_of(&approved));
    let change = of_approval.iter().find(|line| line["message"] == "change").unwrap();
    assert_eq!((&change["status"], &change["Reservations"]), (&json!("approved"), &json!(1)));

    // A problem names the request by the same id.
    let again = staff.post(&format!("/v1/staff/reservations/{number}/decline"), json!({})).await;
    let again = again.unwrap();
    assert_eq!(again.body["instance"], id_of(&again));
    assert_eq!(lines.of(&id_of(&again))[0]["outcome"], "refused");

    // What a schedule causes bears the run's name.
    let visit = visit_request(&facility, slot["slot_id"].as_str().unwrap());
    assert_eq!(site.create("/v1/reservations", "k2", visit).await.unwrap().status, 201);
    api.move_clock(json!({"advance": "P4D"})).await.unwrap();
    let text = lines.text();
    let mut runs = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let run = runs.find(|line| line["PendingOlderThanADay"] == 1).unwrap();
    assert_eq!(run["message"], "run");
    let id = run["correlation_id"].as_str().unwrap();
    assert!(id.starts_with("ping-pending@20"), "{id}");
    let of_run = lines.of(id);
    for name in ["change", "mail", "run"] {
        assert!(names(&of_run).contains(&name), "{of_run:#?}");
    }

    // So does what time itself does: a change that is counted, and that nobody is told of.
    let visit = slot["starts_at"].as_str().unwrap();
    let after: domain::Timestamp = visit.parse().unwrap();
    let after = after + jiff::SignedDuration::from_hours(48);
    api.move_clock(json!({"set": after})).await.unwrap();
    let text = lines.text();
    let mut all = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let completed = all.find(|line| line["subject"] == number && line["status"] == "completed");
    let completed = completed.unwrap();
    assert_eq!((&completed["Reservations"], completed.get("event_id")), (&json!(1), None));
    let id = completed["correlation_id"].as_str().unwrap();
    assert!(id.starts_with("keep-deadlines@20"), "{id}");

    // Nobody is told of in any line: not by name, telephone, address, words, or secret.
    let secret = endpoint.body["secret"].as_str().unwrap();
    for personal in
        ["花子", "090-0000", "@example.jp", "について相談したい", "上履き", "/hook", secret]
    {
        assert!(!text.contains(personal), "{personal}");
    }
}
