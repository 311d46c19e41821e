//! The parent's page: what a session lets do, for whom, and how long.

use http::Method;
use runtime::Mail;
use serde_json::json;
use tests::{As, Session, World, site};

const SLOT: &str = "2026-12-10T10:00:00+09:00";

/// Two requests, and the mail about each.
async fn two_mails(world: &World) -> [Mail; 2] {
    let slot = world.slot(SLOT, 3).await;
    let numbers = [world.requested(&slot, "k1").await, world.requested(&slot, "k2").await];
    let mails = world.send_mails().await;
    let about = |number: &domain::ReservationNumber| {
        let mut to_parents = mails.iter().filter(|mail| mail.text.contains("/visit#"));
        to_parents.find(|mail| mail.text.contains(number.as_str())).unwrap().clone()
    };
    [about(&numbers[0]), about(&numbers[1])]
}

#[tokio::test]
async fn two_mails_in_two_tabs_never_act_on_each_others_visit() {
    let world = World::new().await;
    let [first, second] = two_mails(&world).await;
    let one = world.follow(&first).await;
    // The second tab of the same browser.
    let two = world.follow_in(&second, &one.cookie).await;
    let first_tab = Session { cookie: two.cookie.clone(), ..one.clone() };
    let cancelled = world.as_parent(&first_tab, Method::POST, "/cancel").await;
    assert_eq!(cancelled.body["reservation_number"], one.number.as_str());
    assert_eq!(cancelled.body["status"], "cancelled_by_parent");
    let other = world.as_parent(&two, Method::GET, "").await;
    assert_eq!((other.status.as_u16(), &other.body["status"]), (200, &json!("pending")));

    // A number that the session does not name is not there, and without a session nothing is.
    let strange = Session { number: two.number.clone(), ..one.clone() };
    let strange = world.as_parent(&strange, Method::GET, "").await;
    assert_eq!((strange.status.as_u16(), strange.problem()), (404, "not-found"));
    let nobody = Session { cookie: String::new(), ..one };
    assert_eq!(world.as_parent(&nobody, Method::GET, "").await.status, 401);
}

#[tokio::test]
async fn a_session_names_the_last_ten_that_were_opened() {
    let world = World::new().await;
    let slot = world.slot(SLOT, 20).await;
    for key in 0..11 {
        world.requested(&slot, &format!("k{key}")).await;
    }
    let mails = world.send_mails().await;
    let mut sessions: Vec<Session> = Vec::new();
    for mail in mails.iter().filter(|mail| mail.text.contains("/visit#")) {
        let cookie = sessions.last().map_or("", |session| session.cookie.as_str()).to_owned();
        sessions.push(world.follow_in(mail, &cookie).await);
    }
    let last = sessions[10].cookie.clone();
    assert!(last.len() < 1000, "browsers take 4,096 bytes: {}", last.len());
    for (nth, session) in sessions.into_iter().enumerate() {
        let session = Session { cookie: last.clone(), ..session };
        let seen = world.as_parent(&session, Method::GET, "").await.status.as_u16();
        assert_eq!(seen, if nth == 0 { 404 } else { 200 }, "{nth}");
    }
}

#[tokio::test]
async fn a_cookie_acts_for_our_own_page_alone_and_on_json_alone() {
    let world = World::new().await;
    let [mail, _] = two_mails(&world).await;
    let Session { cookie, number } = world.follow(&mail).await;
    let path = format!("/v1/visits/{number}/cancel");
    let ours = &*world.hub.base_url;
    for (origin, content_type, status) in [
        (None, Some("application/json"), 403),
        (Some("https://evil.example"), Some("application/json"), 403),
        (Some("null"), Some("application/json"), 403),
        (Some(ours), None, 415),
        (Some(ours), Some("application/x-www-form-urlencoded"), 415),
        (Some(ours), Some("text/plain"), 415),
    ] {
        let mut headers = vec![("cookie", cookie.as_str())];
        headers.extend(origin.map(|origin| ("origin", origin)));
        headers.extend(content_type.map(|kind| ("content-type", kind)));
        let refused = world.call(&As::Anyone, Method::POST, &path, None, &headers).await;
        assert_eq!(refused.status.as_u16(), status, "{origin:?} {content_type:?}");
    }
    assert_eq!(world.seen(&number).await["status"], "pending", "nothing happened");
    let headers =
        [("cookie", cookie.as_str()), ("origin", ours), ("content-type", "application/json")];
    let cancelled = world.call(&As::Anyone, Method::POST, &path, None, &headers).await;
    assert_eq!(cancelled.status, 200, "{}", cancelled.shown());
}

#[tokio::test]
async fn a_link_that_is_over_opens_to_be_read_and_a_day_after_the_visit_not_at_all() {
    let world = World::new().await;
    let [mail, _] = two_mails(&world).await;
    let session = world.follow(&mail).await;
    let declined = world.act(&session.number, "decline", json!({"comment": "満員です。"})).await;
    assert_eq!(declined.status, 200);
    let read = world.follow(&mail).await;
    let seen = world.as_parent(&read, Method::GET, "").await.body;
    assert_eq!((&seen["status"], &seen["comment"]), (&json!("declined"), &json!("満員です。")));
    assert_eq!((&seen["may_confirm"], &seen["may_cancel_until"]), (&json!(false), &json!(null)));
    for verb in ["/cancel", "/confirm"] {
        let refused = world.as_parent(&read, Method::POST, verb).await;
        assert_eq!((refused.status.as_u16(), refused.problem()), (409, "state-conflict"));
    }
    // The visit ends at 10:45.
    world.set("2026-12-11T10:44:59+09:00");
    assert_eq!(world.as_parent(&read, Method::GET, "").await.status, 200);
    world.set("2026-12-11T10:45:00+09:00");
    assert_eq!(world.as_parent(&read, Method::GET, "").await.status, 401, "nor by the session");
}

#[tokio::test]
async fn every_answer_is_guarded_and_what_is_personal_kept_by_nobody() {
    let world = World::new().await;
    let [mail, _] = two_mails(&world).await;
    let session = world.follow(&mail).await;
    let staff = format!("/v1/staff/reservations/{}", session.number);
    let facility = format!("/v1/facilities/{}", world.facility.facility_id);
    let answers = [
        (world.get(&world.staff(), &staff).await, true),
        (world.as_parent(&session, Method::GET, "").await, true),
        (world.as_parent(&session, Method::POST, "/cancel").await, true),
        (world.get(&site(), "/v1/reservations").await, true),
        (world.get(&As::Anyone, "/nowhere").await, true),
        (world.get(&As::Anyone, "/visit").await, true),
        (world.get(&As::Anyone, &facility).await, false),
        (world.get(&As::Anyone, "/v1/feeds/slots").await, false),
    ];
    for (answer, is_personal) in answers {
        let header = |name: &str| answer.headers.get(name).map(|value| value.to_str().unwrap());
        assert_eq!(header("strict-transport-security"), Some("max-age=31536000"));
        assert_eq!(header("x-content-type-options"), Some("nosniff"));
        assert_eq!(header("cache-control") == Some("no-store"), is_personal, "{}", answer.shown());
    }
    let page = world.get(&As::Anyone, "/visit").await;
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("script-src 'sha256-") && !policy.contains("unsafe"), "{policy}");
}

#[tokio::test]
async fn a_comment_is_sealed_and_read_by_those_whom_it_concerns() {
    let world = World::new().await;
    let [mail, _] = two_mails(&world).await;
    let session = world.follow(&mail).await;
    let number = &session.number;
    const WORD: &str = "花子さまへ、上履きをお持ちください。";
    let approved = world.act(number, "approve", json!({"comment": WORD})).await;
    assert_eq!(approved.body["comment"], WORD);
    let table = world.raw().scan().table_name(local::embedded::TABLE).send().await.unwrap();
    assert!(!format!("{:?}", table.items).contains("上履き"), "it is sealed");

    let staff = format!("/v1/staff/reservations/{number}");
    let list = format!("/v1/ict/facilities/{}/reservations", world.facility.facility_id);
    for (who, path, place) in [
        (world.staff(), staff.as_str(), "/comment"),
        (world.staff(), &staff, "/history/1/comment"),
        (As::Municipality("131199"), &staff, "/history/1/comment"),
        (site(), &format!("/v1/reservations/{number}"), "/comment"),
    ] {
        let seen = world.get(&who, path).await.body;
        assert_eq!(seen.pointer(place), Some(&json!(WORD)), "{who:?} {place}");
    }
    let listed = world.get(&As::Ict("ict-1"), &list).await.body.to_string();
    assert!(listed.contains(WORD), "the ICT system");
    let listed = world.get(&site(), "/v1/reservations").await.body.to_string();
    assert!(listed.contains(WORD), "the site's list");
    assert_eq!(world.as_parent(&session, Method::GET, "").await.body["comment"], WORD);
    let told = world.send_mails().await;
    assert!(told.iter().any(|mail| mail.text.contains(WORD)), "the family's mail");
    let operator = world.get(&As::Operator, &staff).await.body;
    assert!(operator["comment"].is_null() && operator["history"][1]["comment"].is_null());
    assert!(!operator.to_string().contains("上履き"));
}
