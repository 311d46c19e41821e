//! Mails: which wait for which, how fast they go, and that one address that fails keeps no other from its mail.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use domain::applicant::Email;
use notify::order::MailQueues;
use runtime::{Mail, MailError, Mailer};
use send_mail::{AT_ONCE, Pace, SendMail};
use serde_json::{Value, json};
use tests::{Messages, World, queue_event};

const SLOT: &str = "2026-12-10T10:00:00+09:00";

/// A mail service that does not take mails to one address for now; counts what it is asked.
#[derive(Debug, Default)]
struct Picky {
    asked: Mutex<BTreeMap<String, usize>>,
}

const FAILING: &str = "b@example.jp";

#[async_trait]
impl Mailer for Picky {
    async fn send(&self, to: &Email, _: &Mail) -> Result<(), MailError> {
        let mut asked = self.asked.lock().unwrap();
        *asked.entry(to.reveal().to_owned()).or_default() += 1;
        if to.reveal() == FAILING { Err(MailError::Unavailable("no".into())) } else { Ok(()) }
    }
}

/// Hands these orders to `send-mail`; those that come back.
async fn run(send_mail: &SendMail, orders: Vec<Value>) -> Vec<Value> {
    let response = send_mail.handle(queue_event(&orders, 1)).await.unwrap();
    let failed = response.batch_item_failures.into_iter().map(|failure| {
        let place = failure.item_identifier.trim_start_matches("message-").parse::<usize>();
        orders[place.unwrap()].clone()
    });
    failed.collect()
}

#[tokio::test]
async fn failing_address_keeps_no_other_from_its_mail_and_nobody_gets_it_twice() {
    let world = World::new().await;
    let addresses = ["a@example.jp", FAILING, "c@example.jp"];
    world.save_settings(json!({"notice_addresses": addresses})).await;
    let slot = world.slot(SLOT, 1).await;
    let number = world.requested(&slot, "k1").await;
    let (mailer, queue) = (Arc::new(Picky::default()), Arc::new(Messages::default()));
    let queues = MailQueues { awaited: queue.clone(), routine: queue.clone() };
    let send_mail = SendMail { mailer: mailer.clone(), queues, ..world.send_mail() };
    let order = json!({"kind": "facility", "reservation_number": number, "sequence": 1});

    assert!(run(&send_mail, vec![order]).await.is_empty());
    let mut waiting = std::mem::take(&mut *queue.0.lock().unwrap());
    assert_eq!(waiting.len(), 3, "one for each");
    assert!(!format!("{waiting:?}").contains("example.jp"), "no address stands on a queue");
    for _ in 0..5 {
        waiting = run(&send_mail, waiting).await;
        assert_eq!(waiting.len(), 1);
    }
    let asked = mailer.asked.lock().unwrap().clone();
    let once = |address: &str| (address.to_owned(), 1);
    let expected = [once("a@example.jp"), (FAILING.to_owned(), 5), once("c@example.jp")];
    assert_eq!(asked, BTreeMap::from(expected));
}

#[tokio::test]
async fn what_a_family_waits_for_stands_on_a_queue_of_its_own() {
    let world = World::new().await;
    let (awaited, routine) = (Arc::new(Messages::default()), Arc::new(Messages::default()));
    let queues = MailQueues { awaited: awaited.clone(), routine: routine.clone() };
    let fan_out = fan_out::Relay { mails: queues, ..world.relay() };
    let slot = world.slot("2027-01-22T10:00:00+09:00", 1).await;
    world.requested(&slot, "k1").await;
    world.ping("2026-12-02T11:00:00+09:00").await;
    fan_out.handle(world.unrelayed().await).await;
    let kinds = |queue: &Messages| {
        let messages = queue.0.lock().unwrap();
        messages.iter().map(|message| message["kind"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(kinds(&awaited), ["parent", "facility"]);
    assert_eq!(kinds(&routine), ["pending_reminder"]);
}

/// How long the last of so many confirmations takes while 2,000 reminders wait, at 14 mails a second.
async fn confirmed_after(confirmations: u32, reminders_before: u32) -> Duration {
    let run = Pace::of(14.0);
    let started = tokio::time::Instant::now();
    for _ in 0..reminders_before + confirmations {
        run.turn().await;
    }
    started.elapsed()
}

#[tokio::test(start_paused = true)]
async fn confirmations_do_not_wait_for_reminders() {
    // Two of the four runs are for what families wait for: ten confirmations are five for each.
    let behind = confirmed_after(5, 2000 / AT_ONCE).await;
    let apart = confirmed_after(5, 0).await;
    assert!(behind > Duration::from_secs(140), "on one queue: {behind:?}");
    assert!(apart < Duration::from_secs(2), "on a queue of their own: {apart:?}");
}

#[tokio::test(start_paused = true)]
async fn all_runs_together_send_no_faster_than_was_granted() {
    let granted = 14.0;
    let paces: Vec<_> = (0..AT_ONCE).map(|_| Arc::new(Pace::of(granted))).collect();
    let started = tokio::time::Instant::now();
    // Each run has a batch whose mails are sent side by side, again and again.
    let runs = paces.iter().map(|pace| async move {
        for _ in 0..100 {
            futures::future::join_all((0..10).map(|_| pace.turn())).await;
        }
    });
    futures::future::join_all(runs).await;
    let rate = f64::from(AT_ONCE * 1000) / started.elapsed().as_secs_f64();
    assert!((granted * 0.99..=granted * 1.01).contains(&rate), "{rate} mails a second");
}
