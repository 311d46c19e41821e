//! Every endpoint through its router: what callers see, kept as snapshots.

use domain::{
    FacilityId,
    vendor::{VendorKind, VendorStatus},
};
use http::Method;
use insta::assert_snapshot;
use serde_json::json;
use store::VendorRecord;
use tests::{As, World, facility, queue_event, site};

const SLOT: &str = "2026-12-10T10:00:00+09:00";

#[tokio::test]
async fn a_request_its_repeat_and_its_answer() {
    let world = World::new().await;
    let slot = world.slot(SLOT, 1).await;
    let asked = world.request(&slot, "k1").await;
    assert_snapshot!("requested", asked.shown());
    assert_snapshot!("repeated", world.request(&slot, "k1").await.shown());
    assert_snapshot!("full", world.request(&slot, "k2").await.shown());

    let body = json!({"facility_id": slot.facility_id, "slot_id": slot.slot_id, "party_size": 3,
        "applicant": {"name": "保活 花子", "phone": "090-0000-0000", "email": "hanako@example.jp"},
        "consent": {"version": "2026-10", "agreed_at": "2026-11-01T09:00:00+09:00"}});
    let headers = [("idempotency-key", "k1")];
    let (path, other) = ("/v1/reservations", Some(body.clone()));
    let other = world.call(&site(), Method::POST, path, other, &headers).await;
    assert_snapshot!("key_reused", other.shown());
    let keyless = world.post(&site(), "/v1/reservations", body).await;
    assert_eq!((keyless.status.as_u16(), keyless.problem()), (400, "idempotency-key-missing"));

    let number = asked.body["reservation_number"].as_str().unwrap();
    let path = format!("/v1/staff/reservations/{number}");
    let comment = json!({"comment": "お待ちしています。"});
    let approved = world.post(&world.staff(), &format!("{path}/approve"), comment).await;
    assert_snapshot!("approved", approved.shown());
    let again = world.post(&world.staff(), &format!("{path}/approve"), json!({})).await;
    assert_eq!((again.status.as_u16(), &again.body), (200, &approved.body), "nothing happens");
    let declined = world.post(&world.staff(), &format!("{path}/decline"), json!({})).await;
    assert_snapshot!("state_conflict", declined.shown());
    assert_snapshot!("staff_view", world.get(&world.staff(), &path).await.shown());
    let operator = world.get(&As::Operator, &path).await;
    assert!(operator.body["applicant"].is_null() && operator.body["message_to_facility"].is_null());
    assert_snapshot!(
        "site_view",
        world.get(&site(), &format!("/v1/reservations/{number}")).await.shown()
    );
    let cancel = format!("/v1/reservations/{number}/cancel");
    let cancelled = world.post(&site(), &cancel, json!({"reason": "都合が悪くなりました。"})).await;
    assert_snapshot!("cancelled", cancelled.shown());
    let seen = world.get(&world.staff(), &path).await;
    assert_eq!(seen.body["history"][2]["comment"], "都合が悪くなりました。");
}

#[tokio::test]
async fn every_wrong_value_is_named_at_once_in_the_language_of_the_caller() {
    let world = World::new().await;
    let body = json!({"facility_id": "x", "slot_id": 3, "party_size": 0, "partysize": 2,
        "applicant": {"name": " ", "phone": "123", "email": "a@b"},
        "consent": {"version": "1"}});
    for (language, name) in [("ja", "invalid_ja"), ("en", "invalid_en")] {
        let headers = [("idempotency-key", "k"), ("accept-language", language)];
        let body = Some(body.clone());
        let answer = world.call(&site(), Method::POST, "/v1/reservations", body, &headers).await;
        assert_snapshot!(name, answer.shown());
    }
}

#[tokio::test]
async fn a_slot_or_facility_that_is_not_there_is_named() {
    let world = World::new().await;
    let facility = world.facility.facility_id.as_str();
    for (facility, pointer) in [(facility, "/slot_id"), ("fac_000000000000", "/facility_id")] {
        let body = local::api::visit_request(facility, "slt_0wx4n07k3m9qxd");
        let headers = [("idempotency-key", "k")];
        let answer =
            world.call(&site(), Method::POST, "/v1/reservations", Some(body), &headers).await;
        assert_eq!(answer.status, 400);
        assert_eq!(answer.body["errors"][0]["pointer"], pointer);
    }
}

#[tokio::test]
async fn a_representation_that_is_known_is_not_sent_again() {
    let world = World::new().await;
    let path = format!("/v1/facilities/{}", world.facility.facility_id);
    let first = world.get(&As::Anyone, &path).await;
    assert_snapshot!("facility", first.shown());
    let etag = first.headers["etag"].to_str().unwrap().to_owned();
    let known = [("if-none-match", etag.as_str())];
    let second = world.call(&As::Anyone, Method::GET, &path, None, &known).await;
    assert_eq!(second.status, 304);
    assert_eq!(second.headers["etag"], etag.as_str());
    let other = [("if-none-match", "\"other\"")];
    assert_eq!(world.call(&As::Anyone, Method::GET, &path, None, &other).await.status, 200);
}

#[tokio::test]
async fn ict_system_lists_the_nurseries_that_are_linked_to_it_page_by_page() {
    let world = World::new().await;
    let (ict, path) = (As::Ict("ict-many"), "/v1/ict/facilities");
    assert_eq!(world.get(&ict, path).await.body, json!({"items": [], "next_cursor": null}));

    let mut linked = Vec::new();
    for number in 1..=5 {
        let one = facility(&format!("第{number}保育園"), "131199", "板橋区");
        world.add_facility(&one).await;
        linked.push(one.facility_id);
    }
    let vendor = VendorRecord {
        client_id: "ict-many".parse().unwrap(),
        kind: VendorKind::Ict,
        name: "ict-many".into(),
        contact: "ict-many@example.jp".parse().unwrap(),
        status: VendorStatus::Active,
    };
    world.store().add_vendor(&vendor, &linked).await.unwrap();
    linked.sort();

    let (mut listed, mut pages, mut next) = (Vec::new(), 0, String::new());
    loop {
        let page = world.get(&ict, &format!("{path}?limit=2{next}")).await;
        let items = page.body["items"].as_array().unwrap().clone();
        listed.extend(items.iter().map(|it| it["facility_id"].as_str().unwrap().to_owned()));
        pages += 1;
        let Some(cursor) = page.body["next_cursor"].as_str() else { break };
        assert_eq!(items.len(), 2);
        next = format!("&cursor={cursor}");
    }
    assert_eq!(pages, 3);
    assert!(
        listed.iter().map(String::as_str).eq(linked.iter().map(FacilityId::as_str)),
        "{listed:?}"
    );
    let stolen = world.get(&As::Ict("ict-1"), &format!("{path}?limit=2{next}")).await;
    assert_eq!(stolen.problem(), "invalid-request", "a cursor is of use to its caller alone");
    assert_snapshot!("linked", world.get(&As::Ict("ict-1"), path).await.shown());
}

#[tokio::test]
async fn settings_are_saved_over_what_was_read() {
    let world = World::new().await;
    let path = format!("/v1/staff/facilities/{}/settings", world.facility.facility_id);
    let read = world.get(&world.staff(), &path).await;
    assert_snapshot!("settings", read.shown());
    let etag = read.headers["etag"].to_str().unwrap().to_owned();
    let new = json!({"booking_closes_hours_before": 48, "notice_addresses": ["a@example.jp"]});
    let put = |etag: Option<&str>, body: serde_json::Value| {
        let headers: Vec<(String, String)> =
            etag.map(|etag| ("if-match".to_owned(), etag.to_owned())).into_iter().collect();
        let (world, path) = (&world, &path);
        async move {
            let headers: Vec<(&str, &str)> =
                headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
            world.call(&world.staff(), Method::PUT, path, Some(body), &headers).await
        }
    };
    assert_eq!(put(None, new.clone()).await.problem(), "precondition-required");
    let saved = put(Some(&etag), new.clone()).await;
    assert_eq!(saved.status, 200);
    assert_eq!(saved.body["booking_closes_hours_before"], 48);
    assert_eq!(put(Some(&etag), new).await.problem(), "precondition-failed");
    let wrong = json!({"booking_opens_days_before": 366, "notice_addresses": ["x"]});
    let refused = put(Some(saved.headers["etag"].to_str().unwrap()), wrong).await;
    assert_eq!(refused.body["errors"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn slots_are_opened_by_a_pattern_once() {
    let world = World::new().await;
    let path = format!("/v1/staff/facilities/{}/slots", world.facility.facility_id);
    let pattern = json!({"from": "2026-12-01", "to": "2027-02-28", "weekdays": ["tue", "fri"],
        "times": [{"starts": "10:00", "ends": "10:45"}, {"starts": "14:00", "ends": "14:45"}],
        "capacity": 3});
    let bulk = |body: serde_json::Value| {
        let (world, path) = (&world, format!("{path}/bulk"));
        async move {
            let headers = [("idempotency-key", "winter")];
            world.call(&world.staff(), Method::POST, &path, Some(body), &headers).await
        }
    };
    let opened = bulk(pattern.clone()).await;
    assert_snapshot!("opened", opened.shown());
    let repeated = bulk(pattern.clone()).await;
    assert_eq!(repeated.body, opened.body);
    assert_eq!(repeated.headers["idempotency-replayed"], "true");
    let mut other = pattern;
    other["capacity"] = json!(4);
    assert_eq!(bulk(other).await.problem(), "idempotency-key-reused");

    let mut listed = Vec::new();
    let mut next = format!(
        "/v1/facilities/{}/slots?from=2026-12-01&to=2027-02-28",
        world.facility.facility_id
    );
    loop {
        let page = world.get(&As::Anyone, &next).await;
        listed.extend(page.body["items"].as_array().unwrap().clone());
        let Some(cursor) = page.body["next_cursor"].as_str() else { break };
        let base = format!("/v1/facilities/{}/slots", world.facility.facility_id);
        next = format!("{base}?from=2026-12-01&to=2027-02-28&cursor={cursor}");
    }
    assert_eq!(listed.len() as u64, opened.body["created"].as_u64().unwrap());
    let starts: Vec<_> = listed.iter().map(|slot| slot["starts_at"].to_string()).collect();
    assert!(starts.is_sorted());
    let one = json!({"starts_at": "2026-12-24T09:00:00+09:00", "ends_at": "2026-12-24T09:30:00+09:00", "capacity": 1});
    let headers = [("idempotency-key", "one")];
    let answer = world.call(&world.staff(), Method::POST, &path, Some(one), &headers).await;
    assert_snapshot!("slot", answer.shown());
}

#[tokio::test]
async fn a_list_goes_on_where_it_stopped_for_its_own_caller_alone() {
    let world = World::new().await;
    let slot = world.slot(SLOT, 50).await;
    for key in 0..5 {
        world.requested(&slot, &format!("k{key}")).await;
    }
    let first = world.get(&site(), "/v1/reservations?limit=2&status=pending").await;
    assert_eq!(first.body["items"].as_array().unwrap().len(), 2);
    let cursor = first.body["next_cursor"].as_str().unwrap();
    let path = format!("/v1/reservations?limit=2&status=pending&cursor={cursor}");
    let second = world.get(&site(), &path).await;
    assert_ne!(second.body["items"], first.body["items"]);
    let stolen = world.get(&As::Site("site-2"), &path).await;
    assert_eq!(stolen.body["errors"][0]["pointer"], "/cursor");
    let other = format!("/v1/reservations?limit=2&cursor={cursor}");
    assert_eq!(world.get(&site(), &other).await.status, 400, "of another filter");
    let visits =
        format!("/v1/staff/facilities/{}/reservations?limit=3", world.facility.facility_id);
    let page = world.get(&world.staff(), &visits).await;
    let cursor = page.body["next_cursor"].as_str().unwrap();
    let rest = world.get(&world.staff(), &format!("{visits}&cursor={cursor}")).await;
    assert_eq!(rest.body["items"].as_array().unwrap().len(), 2);
    assert!(rest.body["next_cursor"].is_null());
}

#[tokio::test]
async fn each_deadline_has_a_problem_of_its_own() {
    let world = World::new().await;
    let slot = world.slot(SLOT, 3).await;
    let number = world.requested(&slot, "early").await;
    for (now, problem) in [
        ("2026-12-09T10:00:01+09:00", "too-late"),
        ("2026-12-10T10:00:00+09:00", "slot-past"),
        ("2026-09-01T10:00:00+09:00", "too-early"),
    ] {
        world.set(now);
        // Consent lies in the past of every one of them.
        let mut body = local::api::visit_request(slot.facility_id.as_str(), slot.slot_id.as_str());
        body["consent"]["agreed_at"] = json!("2026-08-01T09:00:00+09:00");
        let headers = [("idempotency-key", now)];
        let answer =
            world.call(&site(), Method::POST, "/v1/reservations", Some(body), &headers).await;
        assert_eq!((answer.status.as_u16(), answer.problem()), (409, problem), "{now}");
    }
    world.set("2026-12-10T09:30:00+09:00");
    let cancel = format!("/v1/reservations/{number}/cancel");
    assert_eq!(world.post(&site(), &cancel, json!({})).await.problem(), "too-late");
}

#[tokio::test]
async fn the_feed_is_read_by_pages_that_may_be_kept() {
    let world = World::new().await;
    let slot = world.slot(SLOT, 2).await;
    let closed = world.slot("2026-12-11T10:00:00+09:00", 1).await;
    world.relay_changes().await;
    world.requested(&slot, "k1").await;
    let disable = format!("/v1/staff/facilities/{}/slots/{}", closed.facility_id, closed.slot_id);
    world.post(&world.staff(), &format!("{disable}/disable"), json!({})).await;
    world.relay_changes().await;
    let path = "/v1/feeds/slots";
    let cached =
        |answer: &tests::Answer| answer.headers["cache-control"].to_str().unwrap().to_owned();
    let feed = world.get(&As::Anyone, path).await;
    assert_snapshot!("feed", feed.shown());
    assert_eq!(cached(&feed), "public, max-age=3600");
    let known = [("if-none-match", feed.headers["etag"].to_str().unwrap())];
    let again = world.call(&As::Anyone, Method::GET, path, None, &known).await;
    assert_eq!((again.status.as_u16(), cached(&again)), (304, cached(&feed)));

    let first = world.get(&As::Anyone, "/v1/feeds/slots?limit=1").await.body;
    let next = "https://hub.example.jp/v1/feeds/slots?afterChangeNumber=3&limit=1";
    assert_eq!((first["items"].as_array().unwrap().len(), &first["next"]), (1, &json!(next)));
    let path = "/v1/feeds/slots?afterChangeNumber=4";
    let last = world.get(&As::Anyone, path).await;
    assert_eq!((&last.body["items"], cached(&last).as_str()), (&json!([]), "public, max-age=8"));
    assert_eq!(last.body["next"], format!("https://hub.example.jp{path}"));
    let empty = World::new().await.get(&As::Anyone, "/v1/feeds/slots").await.body;
    assert_eq!(empty["next"], "https://hub.example.jp/v1/feeds/slots");

    for (query, pointer) in [
        ("afterChangeNumber=-1", "/afterChangeNumber"),
        ("afterChangeNumber=9007199254740992", "/afterChangeNumber"),
        ("afterChangeNumber=x", "/afterChangeNumber"),
        ("limit=0", "/limit"),
        ("limit=501", "/limit"),
        ("limit=1&limit=2", "/limit"),
        ("afterTimestamp=1", "/afterTimestamp"),
        ("after_change_number=1", "/after_change_number"),
    ] {
        let answer = world.get(&As::Anyone, &format!("/v1/feeds/slots?{query}")).await;
        assert_eq!((answer.status.as_u16(), answer.problem()), (400, "invalid-request"), "{query}");
        assert_eq!(answer.body["errors"][0]["pointer"], pointer);
    }
}

#[tokio::test]
async fn mails_say_what_happened() {
    let world = World::new().await;
    let slot = world.slot(SLOT, 3).await;
    let number = world.requested(&slot, "k1").await;
    let path = format!("/v1/staff/reservations/{number}");
    let comment = json!({"comment": "上履きをお持ちください。\n<お車は不可>"});
    world.post(&world.staff(), &format!("{path}/approve"), comment).await;
    world.post(&world.staff(), &format!("{path}/cancel"), json!({"comment": "行事のため"})).await;
    let second = world.requested(&slot, "k2").await;
    world.ping("2026-12-02T11:00:00+09:00").await;
    world.ping("2026-12-03T11:00:00+09:00").await;
    world.ping("2026-12-04T08:00:00+09:00").await;
    let cancel = format!("/v1/reservations/{second}/cancel");
    world.post(&site(), &cancel, json!({"reason": "都合により"})).await;

    let reservation = |number, sequence, kind: &str| json!({"kind": kind, "reservation_number": number, "sequence": sequence});
    let orders = [
        reservation(&number, 1, "parent"),
        reservation(&number, 2, "parent"),
        reservation(&number, 3, "parent"),
        reservation(&number, 1, "facility"),
        reservation(&second, 4, "parent"),
        reservation(&second, 4, "facility"),
        json!({"kind": "pending_reminder", "facility_id": slot.facility_id, "at": "2026-12-03T11:00:00+09:00"}),
        json!({"kind": "digest", "municipality_code": "131199", "day": "2026-12-04"}),
    ];
    for order in &orders {
        let event = queue_event(std::slice::from_ref(order), 1);
        let response = world.send_mail().handle(event).await.unwrap();
        assert!(response.batch_item_failures.is_empty(), "{order}");
    }
    let sent = world.mailbox.0.lock().unwrap();
    let shown = sent.iter().map(|mail| {
        let to: Vec<_> = mail.to.iter().map(|to| to.reveal()).collect();
        format!("To: {}\nSubject: {}\n\n{}\n", to.join(", "), mail.subject, mail.text)
    });
    assert_snapshot!("mails", shown.collect::<Vec<_>>().join("\n==========\n\n"));
    assert_snapshot!("mail_html", sent[1].html);
    assert!(sent[3].text.contains(number.as_str()) && !sent[3].text.contains("090-"));
}

#[tokio::test]
async fn a_change_is_asked_for_corrected_and_decided() {
    let world = World::new().await;
    let (city, review) = (As::Municipality("131199"), "/v1/staff/change-requests");
    let changes = json!({"weekday_closes_at": "１９時１５分", "features": "広い園庭があります。"});
    let asked = world.ask_for_change(changes, false, "k1").await;
    assert_snapshot!("change_draft", asked.shown());
    let id = asked.body["change_request_id"].as_str().unwrap();
    let facility = format!("/v1/staff/facilities/{}", world.facility.facility_id);
    let own = format!("{facility}/change-requests/{id}");
    let any = [("if-match", "*")];
    let submit = Some(json!({"submit": true}));
    let submitted = world.call(&world.staff(), Method::PATCH, &own, submit, &any).await;
    assert_eq!(submitted.status, 200);
    let same = world.change_asked(json!({"weekday_closes_at": "20:00"}), true, "k2").await;

    let one = format!("{review}/{id}");
    let correction = Some(json!({"changes": {"weekday_closes_at": "19:00"}}));
    world.call(&city, Method::PATCH, &one, correction, &[]).await;
    assert_eq!(world.post(&city, &format!("{one}/approve"), json!({})).await.status, 200);
    assert_snapshot!("change_approved", world.get(&city, &one).await.shown());
    let history = world.get(&world.staff(), &format!("{facility}/history")).await;
    assert_snapshot!("facility_history", history.shown());
    let conflict = world.post(&city, &format!("{review}/{same}/approve"), json!({})).await;
    assert_snapshot!("change_conflict", conflict.shown());
    let ids = json!({"ids": [same, id]});
    let several = world.post(&city, &format!("{review}/approve"), ids).await;
    assert_snapshot!("several_approvals", several.shown());
    let reason = json!({"reason": "開所時間を確認してください。"});
    let rejected = world.post(&city, &format!("{review}/{same}/reject"), reason).await;
    assert_eq!(rejected.body["reason"], "開所時間を確認してください。");
    let list = world.get(&city, &format!("{review}?status=rejected&limit=1")).await;
    assert_eq!(list.body["items"], json!([rejected.body]));
}
