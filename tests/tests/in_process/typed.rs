//! What people type, and what clients send: read in any usual writing, kept in one, or refused at its own field.

use axum::body::Body;
use http::{Method, Request};
use serde_json::{Value, json};
use tests::{Answer, As, World, site};

const SLOT: &str = "2026-12-10T10:00:00+09:00";

fn pointers(answer: &Answer) -> Vec<&str> {
    assert_eq!(answer.status, 400, "{}", answer.shown());
    let errors = answer.body["errors"].as_array().unwrap().iter();
    errors.map(|error| error["pointer"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_line_break_is_one_in_every_free_text_and_an_empty_one_is_none() {
    const TYPED: &str = "一行目\r\n二行目\tです\u{2028}三行目";
    const KEPT: &str = "一行目\n二行目 です\n三行目";
    let world = World::new().await;
    let slot = world.slot(SLOT, 5).await;
    let staff = world.staff();

    let mut longest = "あ".repeat(998);
    longest.push_str("\r\nい");
    let asked = world.request_with(&slot, "k1", json!({"message_to_facility": longest})).await;
    assert_eq!(asked.status, 201, "a break counts once: {}", asked.shown());
    let asked = world.request_with(&slot, "k2", json!({"message_to_facility": TYPED})).await;
    let number = asked.body["reservation_number"].as_str().unwrap().parse().unwrap();
    world.act(&number, "approve", json!({"comment": TYPED})).await;
    let memo = format!("/v1/staff/reservations/{number}/memo");
    world.call(&staff, Method::PUT, &memo, Some(json!({"memo": TYPED})), &[]).await;
    let cancel = format!("/v1/reservations/{number}/cancel");
    assert_eq!(world.post(&site(), &cancel, json!({"reason": TYPED})).await.status, 200);
    let seen = world.seen(&number).await;
    for text in [
        &seen["message_to_facility"],
        &seen["staff_memo"],
        &seen["history"][1]["comment"],
        &seen["history"][2]["comment"],
    ] {
        assert_eq!(text, KEPT, "{seen:#}");
    }

    let path =
        format!("/v1/staff/facilities/{}/slots/{}", world.facility.facility_id, slot.slot_id);
    let any = [("if-match", "*")];
    for (typed, kept) in
        [(json!(TYPED), json!(KEPT)), (json!(""), Value::Null), (json!(" \r\n"), Value::Null)]
    {
        let changed = world
            .call(&staff, Method::PUT, &path, Some(json!({"capacity": 5, "note": typed})), &any)
            .await;
        assert_eq!(changed.body["note"], kept, "{}", changed.shown());
        world.save_settings(json!({"message_to_parents": typed, "external_booking_url": ""})).await;
        let settings = format!("/v1/staff/facilities/{}/settings", world.facility.facility_id);
        let settings = world.get(&staff, &settings).await.body;
        assert_eq!(
            (&settings["message_to_parents"], &settings["external_booking_url"]),
            (&kept, &Value::Null)
        );
    }
    let empty = json!({"message_to_facility": "", "child_birth_month": ""});
    let asked = world.request_with(&slot, "k3", empty).await;
    assert_eq!(asked.status, 201, "{}", asked.shown());
}

#[tokio::test]
async fn a_name_is_one_line_and_a_telephone_is_taken_in_any_writing() {
    let world = World::new().await;
    let slot = world.slot(SLOT, 50).await;
    let with = |name: &str, phone: &str| json!({"applicant": {"name": name, "phone": phone, "email": "a..b.@docomo.ne.jp"}});
    let written = ["03−3962−1234", "（０３）３９６２ー１２３４", "+81 3 3962 1234"];
    for (nth, phone) in written.into_iter().enumerate() {
        let asked =
            world.request_with(&slot, &format!("k{nth}"), with("\t保活 花子\r\n", phone)).await;
        assert_eq!(asked.status, 201, "{phone}: {}", asked.shown());
        let number = asked.body["reservation_number"].as_str().unwrap().parse().unwrap();
        let applicant = &world.seen(&number).await["applicant"];
        assert_eq!(applicant, &with("保活 花子", "03-3962-1234")["applicant"]);
        assert_eq!(asked.body["possible_duplicate"], nth > 0, "one family, however it is written");
    }
    let hyphens = format!("0{}", "-".repeat(60));
    for name in
        ["保活\r\nBcc: x@evil.example", "保活\u{202e}花子", "\u{200b}\u{3164}", &"あ".repeat(101)]
    {
        let mut wrong = with(name, &hyphens);
        wrong["consent"] = json!({"version": "2026\n10", "agreed_at": "2026-11-01T09:00:00+09:00"});
        let mut told = world.request_with(&slot, "wrong", wrong).await;
        told.body["errors"]
            .as_array_mut()
            .unwrap()
            .sort_by_key(|error| error["pointer"].to_string());
        assert_eq!(pointers(&told), ["/applicant/name", "/applicant/phone", "/consent/version"]);
    }
    let endpoint = json!({"url": "https://vendor.example/a", "description": "受信\n箱"});
    let key = [("idempotency-key", "k")];
    let refused =
        world.call(&site(), Method::POST, "/v1/webhook-endpoints", Some(endpoint), &key).await;
    assert_eq!(pointers(&refused), ["/description"]);
}

#[tokio::test]
async fn no_name_breaks_the_subject_of_a_mail() {
    let world = World::new().await;
    let mut broken =
        tests::facility("相生\r\nBcc: x@evil.example\u{202e}保育園", "131199", "板橋区");
    broken.street_address = Some("1".into());
    world.add_facility(&broken).await;
    let slot = world.slot_of(&broken, SLOT, 3).await;
    world.requested(&slot, "k1").await;
    let mails = world.send_mails().await;
    assert!(!mails.is_empty());
    for mail in mails {
        let plain = mail.subject.chars().all(|c| !c.is_control() && c != '\u{202e}');
        assert!(plain, "{:?}", mail.subject);
    }
}

fn raw(path: &str, headers: &[(&str, &str)], body: &str) -> Request<Body> {
    let mut request = Request::post(path).header("idempotency-key", "k");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Body::from(body.to_owned())).unwrap()
}

const JSON: (&str, &str) = ("content-type", "application/json");

#[tokio::test]
async fn a_field_that_comes_twice_is_refused_where_it_stands() {
    let world = World::new().await;
    let body = r#"{"party_size": 1, "applicant": {"phone": "090-0000-0000", "phone": "090-0000-0001"}, "party_size": 2}"#;
    let told = world.send(&site(), raw("/v1/reservations", &[JSON], body)).await;
    let told = pointers(&told);
    assert!(told.contains(&"/party_size") && told.contains(&"/applicant/phone"), "{told:?}");
}

#[tokio::test]
async fn a_body_that_is_compressed_is_of_no_type_that_is_taken() {
    let world = World::new().await;
    let body = json!({"url": "https://vendor.example/hook"}).to_string();
    for coding in ["gzip", "br", "GZIP", "identity, gzip"] {
        let sent = raw("/v1/webhook-endpoints", &[JSON, ("content-encoding", coding)], &body);
        let refused = world.send(&site(), sent).await;
        assert_eq!(
            (refused.status.as_u16(), refused.problem()),
            (415, "unsupported-media-type"),
            "{coding}"
        );
    }
    let sent = raw("/v1/webhook-endpoints", &[JSON, ("content-encoding", "Identity")], &body);
    assert_eq!(world.send(&site(), sent).await.status, 201);
}

#[tokio::test]
async fn every_line_of_a_condition_is_read() {
    let world = World::new().await;
    let slot = world.slot(SLOT, 3).await;
    let path =
        format!("/v1/staff/facilities/{}/slots/{}", world.facility.facility_id, slot.slot_id);
    let read = world.get(&world.staff(), &path).await;
    let etag = read.headers["etag"].to_str().unwrap();
    let lines =
        [("if-none-match", "\"a\""), ("if-none-match", "\"b\", \"c\""), ("if-none-match", etag)];
    let known = world.call(&world.staff(), Method::GET, &path, None, &lines).await;
    assert_eq!(known.status, 304);
    let change = json!({"capacity": 4});
    let lines = [("if-match", "\"a\""), ("if-match", etag)];
    let changed = world.call(&world.staff(), Method::PUT, &path, Some(change), &lines).await;
    assert_eq!(changed.status, 200, "{}", changed.shown());
}

#[tokio::test]
async fn dates_are_of_this_age_and_patterns_end_with_the_known_holidays() {
    let world = World::new().await;
    let staff = world.staff();
    let slots = format!("/v1/staff/facilities/{}/slots", world.facility.facility_id);
    let key = [("idempotency-key", "k")];
    let post = async |path: &str, body: Value| {
        world.call(&staff, Method::POST, path, Some(body), &key).await
    };
    for year in ["2101", "9999", "2019", "0001"] {
        let body = json!({"starts_at": format!("{year}-12-10T10:00:00+09:00"),
            "ends_at": format!("{year}-12-10T10:45:00+09:00"), "capacity": 3});
        let mut told = post(&slots, body).await;
        told.body["errors"]
            .as_array_mut()
            .unwrap()
            .sort_by_key(|error| error["pointer"].to_string());
        assert_eq!(pointers(&told), ["/ends_at", "/starts_at"], "{year}");
        let listed = world
            .get(
                &As::Anyone,
                &format!("/v1/facilities/{}/slots?from={year}-01-01", world.facility.facility_id),
            )
            .await;
        assert_eq!(pointers(&listed), ["/from"], "{year}");
    }
    let listed =
        world.get(&site(), "/v1/reservations?updated_after=2019-12-31T23:59:59%2B09:00").await;
    assert_eq!(pointers(&listed), ["/updated_after"]);

    let bulk = format!("{slots}/bulk");
    let mut pattern = json!({"from": "2035-12-01", "to": "2036-01-31", "weekdays": ["tue"], "capacity": 3,
        "times": [{"starts": "10:00", "ends": "10:45"}]});
    let told = post(&bulk, pattern.clone()).await;
    assert_eq!(pointers(&told), ["/to"]);
    assert!(told.body["errors"][0]["detail"].as_str().unwrap().contains("2035年"));
    pattern["to"] = "2035-12-31".into();
    assert_eq!(post(&bulk, pattern.clone()).await.status, 201);
}

#[tokio::test]
async fn a_count_that_did_not_change_is_not_sent_again() {
    let world = World::new().await;
    let slot = world.slot(SLOT, 3).await;
    let ict = As::Ict("ict-1");
    let path = format!("/v1/ict/facilities/{}/new-count", world.facility.facility_id);
    let poll = async |etag: &str| {
        world.call(&ict, Method::GET, &path, None, &[("if-none-match", etag)]).await
    };
    let none = world.get(&ict, &path).await;
    assert_eq!(none.body["count"], 0);
    world.set("2026-12-01T11:00:00+09:00");
    assert_eq!(poll(none.headers["etag"].to_str().unwrap()).await.status, 304, "an hour later");

    let number = world.requested(&slot, "k1").await;
    let one = poll(none.headers["etag"].to_str().unwrap()).await;
    assert_eq!(
        (&one.body["count"], &one.body["as_of"]),
        (&json!(1), &json!("2026-12-01T11:00:00+09:00"))
    );
    world.settle_at("2026-12-01T12:00:00+09:00").await;
    let etag = one.headers["etag"].to_str().unwrap();
    assert_eq!(poll(etag).await.status, 304, "told since");

    world.act(&number, "approve", json!({})).await;
    world.settle().await;
    let zero = poll(etag).await;
    assert_eq!(
        (&zero.body["count"], &zero.body["as_of"]),
        (&json!(0), &json!("2026-12-01T12:00:00+09:00"))
    );
    world.settle_at("2026-12-01T13:00:00+09:00").await;
    assert_eq!(poll(zero.headers["etag"].to_str().unwrap()).await.status, 304);
}
