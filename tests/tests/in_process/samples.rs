//! The sample event of every function is answered: HTTP events through the same conversion and
//! router as in AWS Lambda, the others by the same handler.

use std::{fs, path::PathBuf, sync::Arc};

use async_trait::async_trait;
use aws_lambda_events::{dynamodb::Event as StreamEvent, sqs::SqsEvent};
use domain::{
    Applicant, Reservation, Settings, Slot, SlotNumber, Status, Timestamp,
    applicant::Email,
    family::Duplicate,
    import::{Counts, Dataset, Import, ImportStatus},
    reservation::{Actor, Granted, NewRequest, Origin, PartySize, RequestFingerprint},
    vendor::{Breaker, EndpointStatus, VendorKind, VendorStatus, WebhookEndpoint},
};
use http_body_util::BodyExt;
use local::FUNCTIONS;
use mail_events::MailEvent;
use ping_pending::Scheduled;
use runtime::Purpose;
use serde_json::Value;
use store::{EndpointCreated, Judged, Once, Reserved, VendorRecord};
use tests::{As, World, facility};
use tower::ServiceExt;
use vendor_push::{Answer, Delivery, DeliveryError, PushQueues, Request, VendorPush};

const SITE: &str = "1example23456789";
const ICT: &str = "2example23456789";

fn sample(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../events").join(name);
    fs::read_to_string(path.with_extension("json")).unwrap()
}

/// A world with what the samples speak of; `reserved` tells whether the visit is asked for.
async fn world(reserved: bool) -> World {
    let world = World::new().await;
    let mut nursery = facility("見本保育園", "131199", "板橋区");
    nursery.facility_id = "fac_7k3m9qxd2abc".parse().unwrap();
    world.store().put_facilities(&[(None, nursery.clone())]).await.unwrap();
    let ict = VendorRecord {
        client_id: ICT.parse().unwrap(),
        kind: VendorKind::Ict,
        name: "ict".into(),
        contact: "ict@example.jp".parse().unwrap(),
        status: VendorStatus::Active,
    };
    world.store().add_vendor(&ict, &[nursery.facility_id.clone()]).await.unwrap();
    let slot = Slot {
        slot_id: "slt_0wx4n07k3m9qxd".parse().unwrap(),
        slot_number: SlotNumber::nth(1),
        ..world.slot_of(&nursery, "2026-12-10T10:00:00+09:00", 3).await
    };
    copy_slot(&world, &slot).await;
    if reserved {
        reserve(&world, &slot).await;
    }
    world
}

/// The slot under the id of the samples.
async fn copy_slot(world: &World, slot: &Slot) {
    let table = local::embedded::TABLE;
    let opened = world.store().slots(&slot.facility_id, slot.starts_at, slot.ends_at, 1, None);
    let opened = opened.await.unwrap().remove(0).slot_id;
    let key = store::Key::Slot(slot.facility_id.clone(), opened).attributes();
    let found = world.raw().get_item().table_name(table).set_key(Some(key)).send().await;
    let mut item = found.unwrap().item.unwrap();
    item.extend(store::Key::Slot(slot.facility_id.clone(), slot.slot_id.clone()).attributes());
    let id = aws_sdk_dynamodb::types::AttributeValue::S(slot.slot_id.to_string());
    item.insert("slot_id".into(), id);
    world.fill([item].into_iter());
}

async fn reserve(world: &World, slot: &Slot) -> Reservation {
    let number = "R-7K3M-9QXD".parse().unwrap();
    let event: Value = serde_json::from_str(&sample("request-reservation")).unwrap();
    let body: Value = serde_json::from_str(event["body"].as_str().unwrap()).unwrap();
    let applicant = Applicant {
        contact: serde_json::from_value(body["applicant"].clone()).unwrap(),
        message_to_facility: None,
        child_birth_month: None,
    };
    let plain = serde_json::to_vec(&applicant).unwrap();
    let sealed = world.seal.seal(Purpose::Applicant(&number), &plain).await.unwrap();
    let new = NewRequest {
        reservation_number: number,
        origin: Origin::SearchSite,
        requested_by: Actor::Client(SITE.parse().unwrap()),
        party_size: PartySize::new(2).unwrap(),
        consent: serde_json::from_value(body["consent"].clone()).unwrap(),
        applicant: Some(sealed),
        families: Vec::new(),
        memo: None,
        fingerprint: RequestFingerprint {
            key: [1; 16],
            body: [2; 16],
            body_by_other_keys: Vec::new(),
        },
    };
    let now = world.hub.clock.now();
    let granted = Granted { status: Status::Pending, possible_duplicate: Duplicate::None };
    let new = new.reservation(slot, &Settings::default(), granted, now);
    let reserved = world.store().reserve(&new, &Judged::default()).await.unwrap();
    assert!(reserved == Reserved::New);
    new
}

#[tokio::test]
async fn every_http_sample_is_answered_by_its_function() {
    for (name, function) in FUNCTIONS {
        let world = world(*name != "request-reservation").await;
        let routes = function.router(&world.needs()).await.unwrap();
        let request = lambda_http::request::from_str(&sample(name)).unwrap();
        let response = hub_http::finish(routes).oneshot(request).await.unwrap();
        let status = response.status();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let told = String::from_utf8_lossy(&body);
        assert!(status.is_success(), "{name}: {status} {told}");
        assert!(!told.contains("090-0000-0000") || *name == "staff-reservations", "{name}");
    }
}

#[tokio::test]
async fn a_file_leaves_the_function_byte_for_byte() {
    let world = world(true).await;
    let (_, reports) = FUNCTIONS.iter().find(|(name, _)| *name == "reports").unwrap();
    let routes = reports.router(&world.needs()).await.unwrap();
    let request = lambda_http::request::from_str(&sample("reports")).unwrap();
    let answer = hub_http::finish(routes).oneshot(request).await.unwrap();
    let answer = lambda_http::IntoResponse::into_response(answer).await;
    let file = String::from_utf8(answer.body().to_vec()).unwrap();
    assert!(file.starts_with("\u{feff}申請月,"), "Excel knows UTF-8 by the mark: {file:?}");
}

#[tokio::test]
async fn the_sample_of_the_stream_becomes_mails_and_webhooks() {
    let world = world(true).await;
    add_endpoint(&world).await;
    let event: StreamEvent = serde_json::from_str(&sample("fan-out")).unwrap();
    let response = world.relay().handle(event).await;
    assert!(response.batch_item_failures.is_empty());
    assert_eq!(world.mails.0.lock().unwrap().len(), 2, "the parent and the nursery");
    let pushes = world.pushes.0.lock().unwrap();
    assert_eq!(pushes[0]["event"]["id"], "evt_R7K3M9QXD_1");
    assert_eq!(pushes[0]["event"]["type"], "reservation.requested");
    assert_eq!(pushes[0]["correlation_id"], "JKJaXmPLvHcESHA=");
}

const LIST: &str = "施設の名称,都道府県,市区町村\n新しい保育園,東京都,板橋区\n";

fn import(world: &World, status: ImportStatus) -> Import {
    Import {
        import_id: "imp_7k3m9qxd2abc".parse().unwrap(),
        dataset: Dataset::Facilities,
        dry_run: false,
        municipality: None,
        requested_by: "staff".into(),
        created_at: world.hub.clock.now(),
        status,
        counts: Counts::default(),
    }
}

#[tokio::test]
async fn the_sample_of_an_upload_takes_it() {
    let world = world(true).await;
    let import = import(&world, ImportStatus::Expecting);
    let once = Once { key: [9; 16], body: [9; 16] };
    world.store().expect_import(&import, &once, String::new()).await.unwrap();
    world.uploads.put(&import.import_id, LIST.into());
    let event = serde_json::from_str(&sample("take-upload")).unwrap();
    world.taker().handle(event).await.unwrap();
    let taken = world.store().import(&import.import_id).await.unwrap().unwrap();
    assert_eq!(taken.status, ImportStatus::Running);
    assert_eq!(world.store().import_file(&import.import_id).await.unwrap(), LIST.as_bytes());
}

#[tokio::test]
async fn the_sample_of_an_import_runs_it() {
    let world = world(true).await;
    let import = import(&world, ImportStatus::Running);
    let once = Once { key: [9; 16], body: [9; 16] };
    let store = world.store();
    store.request_import(&import, LIST.as_bytes(), &once, String::new()).await.unwrap();
    let event: StreamEvent = serde_json::from_str(&sample("run-import")).unwrap();
    run_import::Importer { hub: world.hub.clone() }.handle(&event).await.unwrap();
    let ran = store.import(&import.import_id).await.unwrap().unwrap();
    assert_eq!((ran.status, ran.counts.created), (ImportStatus::Succeeded, 1));
}

async fn add_endpoint(world: &World) {
    let id = "whe_7k3m9qxd2abc".parse().unwrap();
    let secret = notify::webhook::encode_secret(&[5; 32]);
    let endpoint = WebhookEndpoint {
        client_id: SITE.parse().unwrap(),
        kind: VendorKind::SearchSite,
        url: "https://vendor.example/hook".into(),
        event_types: Vec::new(),
        description: None,
        status: EndpointStatus::Enabled,
        secret: world.seal.seal(Purpose::WebhookSecret(&id), secret.as_bytes()).await.unwrap(),
        created_at: world.hub.clock.now(),
        breaker: Breaker::default(),
        id,
    };
    let once = Once { key: [0; 16], body: [0; 16] };
    let created = world.store().create_endpoint(&endpoint, &once, String::new()).await.unwrap();
    assert_eq!(created, EndpointCreated::New);
}

/// A receiver that answers with one status.
#[derive(Debug)]
struct Receiver(u16);

#[async_trait]
impl Delivery for Receiver {
    async fn send(&self, request: Request) -> Result<Answer, DeliveryError> {
        assert_eq!(request.headers[0], ("webhook-id", "evt_R7K3M9QXD_1".to_owned()));
        assert_eq!(request.headers[3], ("x-correlation-id", "JKJaXmPLvHcESHA=".to_owned()));
        Ok(Answer { status: self.0, retry_after: None })
    }
}

fn push(world: &World, status: u16) -> VendorPush {
    VendorPush::new(
        world.hub.clone(),
        world.seal.clone(),
        PushQueues { queue: world.pushes.clone(), dead_letters: world.parked.clone() },
        world.mail_queues(),
        Arc::new(Receiver(status)),
    )
}

fn push_sample(attempt: usize) -> SqsEvent {
    let mut event: SqsEvent = serde_json::from_str(&sample("vendor-push")).unwrap();
    let body = event.records[0].body.as_mut().unwrap();
    let mut order: Value = serde_json::from_str(body).unwrap();
    order["attempt"] = attempt.into();
    *body = order.to_string();
    event
}

#[tokio::test]
async fn the_sample_of_a_webhook_is_delivered_or_waits_for_its_next_attempt() {
    let world = world(true).await;
    add_endpoint(&world).await;
    let done = push(&world, 204).handle(push_sample(1)).await.unwrap();
    assert!(done.batch_item_failures.is_empty());

    let again = push(&world, 500).handle(push_sample(1)).await.unwrap();
    assert!(again.batch_item_failures.is_empty());
    let next = world.pushes.0.lock().unwrap().remove(0);
    assert_eq!(next["attempt"], 2);
    let due: Timestamp = next["due"].as_str().unwrap().parse().unwrap();
    let wait = due.since(world.hub.clock.now()).as_secs_f64();
    assert!((4.5..=5.5).contains(&wait), "five seconds, a tenth more or less: {wait}");
}

#[tokio::test]
async fn after_the_last_attempt_the_endpoint_is_disabled_and_its_owner_told() {
    let world = world(true).await;
    add_endpoint(&world).await;
    let last = notify::webhook::ATTEMPTS;
    let done = push(&world, 500).handle(push_sample(last)).await.unwrap();
    assert!(done.batch_item_failures.is_empty());
    let letter = world.parked.0.lock().unwrap().remove(0);
    assert_eq!(
        (&letter["event"]["id"], &letter["attempt"]),
        (&"evt_R7K3M9QXD_1".into(), &1.into())
    );
    assert_eq!(world.mails.0.lock().unwrap()[0]["kind"], "endpoint_disabled");
    let client = SITE.parse().unwrap();
    let endpoint = world.store().endpoints(&client).await.unwrap().remove(0);
    assert_eq!(endpoint.status, EndpointStatus::Disabled);
    // What comes later for it is dropped.
    let dropped = push(&world, 500).handle(push_sample(1)).await.unwrap();
    assert!(dropped.batch_item_failures.is_empty());
}

#[tokio::test]
async fn a_receiver_that_is_gone_is_sent_nothing_more() {
    let world = world(true).await;
    add_endpoint(&world).await;
    let gone = push(&world, 410).handle(push_sample(1)).await.unwrap();
    assert!(gone.batch_item_failures.is_empty());
    let endpoint = world.store().endpoints(&SITE.parse().unwrap()).await.unwrap().remove(0);
    assert_eq!(endpoint.status, EndpointStatus::Disabled);
}

#[tokio::test]
async fn the_sample_of_a_mail_is_sent() {
    let world = world(true).await;
    let event: SqsEvent = serde_json::from_str(&sample("send-mail")).unwrap();
    let response = world.send_mail().handle(event).await.unwrap();
    assert!(response.batch_item_failures.is_empty());
    assert_eq!(world.mailbox.0.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn the_sample_of_the_schedule_runs() {
    let world = world(true).await;
    let scheduled: Scheduled = serde_json::from_str(&sample("ping-pending")).unwrap();
    let report = ping_pending::run(world.store(), scheduled.scheduled_at).await.unwrap();
    assert_eq!((report.pending, report.reminded), (1, 1));
}

#[tokio::test]
async fn the_samples_of_the_other_schedules_run() {
    let world = world(true).await;
    let scheduled: keep_deadlines::Scheduled =
        serde_json::from_str(&sample("keep-deadlines")).unwrap();
    world.relay_changes().await;
    let report = keep_deadlines::run(world.store(), scheduled.scheduled_at).await.unwrap();
    assert_eq!(report.failed, 0);
    let scheduled: check_information::Scheduled =
        serde_json::from_str(&sample("check-information")).unwrap();
    let report = check_information::run(world.store(), scheduled.scheduled_at).await.unwrap();
    assert!(report.looked_at > 0, "it is a Monday: {report:?}");
    let scheduled: check_slot_plans::Scheduled =
        serde_json::from_str(&sample("check-slot-plans")).unwrap();
    let report = check_slot_plans::run(world.store(), scheduled.scheduled_at).await.unwrap();
    assert!(report.reminded > 0, "nobody has opened a slot for March: {report:?}");
}

/// The bounce of the sample, changed, as an event of its own.
fn mail_event(change: impl FnOnce(&mut Value)) -> MailEvent {
    let mut event = serde_json::from_str(&sample("mail-events")).unwrap();
    change(&mut event);
    serde_json::from_value(event).unwrap()
}

async fn hear(world: &World, event: MailEvent) -> Result<usize, store::StoreError> {
    mail_events::handle(&world.hub, &world.keys.addresses, event).await
}

/// Sends the sample's mail to its parent; tells how many mails went out.
async fn mails_to_parent(world: &World) -> usize {
    let event: SqsEvent = serde_json::from_str(&sample("send-mail")).unwrap();
    let response = world.send_mail().handle(event).await.unwrap();
    assert!(response.batch_item_failures.is_empty(), "what is left out is no failure");
    std::mem::take(&mut *world.mailbox.0.lock().unwrap()).len()
}

#[tokio::test]
async fn after_the_sample_of_a_bounce_nothing_is_sent_to_the_address_for_a_year() {
    let world = world(true).await;
    assert_eq!(mails_to_parent(&world).await, 1);
    assert_eq!(hear(&world, mail_event(|_| ())).await.unwrap(), 1);
    assert_eq!(mails_to_parent(&world).await, 0);
    let again = hear(&world, mail_event(|_| ())).await.unwrap();
    assert_eq!(again, 0, "the same report counts once");

    let table = world.raw().scan().table_name(local::embedded::TABLE).send().await.unwrap();
    let items = format!("{:?}", table.items.unwrap());
    assert!(items.contains("SUP#") && !items.contains("hanako"), "a mark, and no address");

    world.set("2027-11-01T10:00:00+09:00");
    assert_eq!(mails_to_parent(&world).await, 0);
    world.set("2027-12-03T10:00:00+09:00");
    assert_eq!(mails_to_parent(&world).await, 1);
}

#[tokio::test]
async fn who_complains_is_not_written_to_again_and_others_of_the_mail_are() {
    let world = world(true).await;
    let complaint = |kind: &str| {
        let recipients = serde_json::json!([{"emailAddress": "Hanako@example.jp"}]);
        mail_event(|event| {
            event["detail-type"] = "Email Complaint Received".into();
            event["detail"]["eventType"] = "Complaint".into();
            event["detail"]["complaint"] = serde_json::json!({
                "complainedRecipients": recipients,
                "complaintFeedbackType": kind,
                "feedbackId": "report-2",
            });
        })
    };
    assert_eq!(hear(&world, complaint("not-spam")).await.unwrap(), 0);
    assert_eq!(mails_to_parent(&world).await, 1);
    assert_eq!(hear(&world, complaint("abuse")).await.unwrap(), 1);
    world.set("2036-12-01T10:00:00+09:00");
    assert_eq!(mails_to_parent(&world).await, 0);
    let bounce = hear(&world, mail_event(|_| ())).await.unwrap();
    assert_eq!(bounce, 0, "a bounce takes nothing back from a complaint");

    let now = world.hub.clock.now();
    let keys = world.keys.addresses.ring().await;
    let fingerprint = |address: &str| keys.every_fingerprint_of(&address.parse::<Email>().unwrap());
    let fingerprints = [
        fingerprint("taro@example.jp"),
        fingerprint("hanako@example.jp"),
        fingerprint("taro@example.jp"),
    ];
    assert_eq!(world.store().suppressed(&fingerprints, now).await.unwrap(), [false, true, false]);
}

#[tokio::test]
async fn a_mailbox_that_is_full_for_now_is_written_to_as_before() {
    let world = world(true).await;
    for kind in ["Transient", "Undetermined"] {
        let event = mail_event(|event| event["detail"]["bounce"]["bounceType"] = kind.into());
        assert_eq!(hear(&world, event).await.unwrap(), 0);
    }
    let delivery = mail_event(|event| event["detail"]["eventType"] = "Delivery".into());
    assert_eq!(hear(&world, delivery).await.unwrap(), 0);
    assert_eq!(mails_to_parent(&world).await, 1);
}

#[tokio::test]
async fn the_sample_of_a_sign_in_becomes_staff_of_their_nursery_alone() {
    let world = world(true).await;
    let event = staff_claims::handle(serde_json::from_str(&sample("staff-claims")).unwrap());
    let details = &event["response"]["claimsAndScopeOverrideDetails"];
    assert_eq!(details.get("idTokenGeneration"), None, "only the API needs to know");
    let mut claims = details["accessTokenGeneration"]["claimsToAddOrOverride"].clone();
    claims["sub"] = event["userName"].clone();
    let staff = As::Token(claims);
    assert_eq!(world.get(&staff, "/v1/staff/reservations/R-7K3M-9QXD").await.status, 200);
    let slot = world.slot("2026-12-11T10:00:00+09:00", 1).await;
    let other = world.requested(&slot, "other").await;
    let path = format!("/v1/staff/reservations/{other}");
    assert_eq!(world.get(&staff, &path).await.status, 404, "of another nursery");
}
