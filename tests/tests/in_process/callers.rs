//! Every route by every caller: nobody reaches more than the contract lists for them.

use http::Method;
use serde_json::json;
use tests::{As, World, site};

/// A nobody that gets through is answered with success or with what the route says of its input.
fn entered(status: u16) -> bool {
    !matches!(status, 401 | 403)
}

#[tokio::test]
async fn each_route_is_open_to_its_callers_alone() {
    let world = World::new().await;
    let slot = world.slot("2026-12-10T10:00:00+09:00", 50).await;
    let number = world.requested(&slot, "k1").await;
    let callers = [
        ("anyone", As::Anyone),
        ("site", site()),
        ("ict", As::Ict("ict-1")),
        ("facility", world.staff()),
        ("municipality", As::Municipality("131199")),
        ("operator", As::Operator),
    ];
    let document = local::document();
    let mut walked = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            let allowed: &[&str] = if path.starts_with("/v1/ict/") {
                &["ict"]
            } else if path.starts_with("/v1/webhook-endpoints") {
                &["site", "ict"]
            } else if path.starts_with("/v1/reservations") {
                &["site"]
            } else if path.starts_with("/v1/visits/{reservation_number}") {
                // A parent alone, whose cookie none of these has.
                &[]
            } else if path.starts_with("/v1/staff/reports/") || path == "/v1/staff/dashboard" {
                &["municipality", "operator"]
            } else if path.starts_with("/v1/staff/") {
                match path.ends_with("/reservations") || path.ends_with("/{reservation_number}") {
                    true => &["facility", "municipality", "operator"],
                    false => &["facility"],
                }
            } else {
                &["anyone", "site", "ict", "facility", "municipality", "operator"]
            };
            let concrete = path
                .replace("{facility_id}", world.facility.facility_id.as_str())
                .replace("{reservation_number}", number.as_str())
                .replace("{slot_id}", slot.slot_id.as_str())
                .replace("{id}", "whe_7k3m9qxd2abc")
                .replace("{report}", "REP-05")
                .replace("{name}", "slot-full");
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            for (name, caller) in &callers {
                // A body that nothing takes: who gets as far is told so, and nothing is done.
                let body = (method != Method::GET).then(|| json!({"nothing": "takes this"}));
                let headers = [("idempotency-key", "k"), ("if-match", "\"x\"")];
                let answer = world.call(caller, method.clone(), &concrete, body, &headers).await;
                let got_in = entered(answer.status.as_u16());
                let may = allowed.contains(name);
                assert_eq!(got_in, may, "{method} {path} as {name}: {}", answer.shown());
                if !got_in {
                    let refused = if *name == "anyone" || allowed.is_empty() { 401 } else { 403 };
                    assert_eq!(answer.status, refused, "{method} {path} as {name}");
                }
                walked += 1;
            }
        }
    }
    assert!(walked >= 28 * callers.len(), "every route was walked: {walked}");
}

#[tokio::test]
async fn what_belongs_to_others_is_not_there() {
    let world = World::new().await;
    let slot = world.slot("2026-12-10T10:00:00+09:00", 50).await;
    let number = world.requested(&slot, "k1").await;
    let facility = &world.facility.facility_id;
    let other = As::Staff("fac_000000000000".parse().unwrap());
    for (who, method, path) in [
        (As::Site("site-2"), Method::GET, format!("/v1/reservations/{number}")),
        (As::Site("site-2"), Method::POST, format!("/v1/reservations/{number}/cancel")),
        (As::Ict("ict-2"), Method::GET, format!("/v1/ict/facilities/{facility}/new-count")),
        (As::Ict("ict-2"), Method::GET, format!("/v1/ict/facilities/{facility}/reservations")),
        (As::Ict("ict-2"), Method::POST, format!("/v1/ict/reservations/{number}/approve")),
        (other.clone(), Method::POST, format!("/v1/staff/reservations/{number}/approve")),
        (other.clone(), Method::GET, format!("/v1/staff/reservations/{number}")),
        (other.clone(), Method::GET, format!("/v1/staff/facilities/{facility}/reservations")),
        (other, Method::GET, format!("/v1/staff/facilities/{facility}/settings")),
        (As::Municipality("131211"), Method::GET, format!("/v1/staff/reservations/{number}")),
        (As::Municipality("131211"), Method::GET, "/v1/staff/dashboard?municipality=131199".into()),
        (
            As::Municipality("131211"),
            Method::GET,
            "/v1/staff/reports/REP-05?municipality=131211&municipality=131199".into(),
        ),
        (As::Operator, Method::GET, "/v1/staff/reports/REP-03".into()),
        (As::Operator, Method::GET, "/v1/staff/reports/rep-05".into()),
        (site(), Method::GET, "/v1/reservations/R-0000-0000".into()),
        (site(), Method::GET, "/v1/reservations/no-number".into()),
    ] {
        let answer = world.call(&who, method.clone(), &path, None, &[]).await;
        let got = (answer.status.as_u16(), answer.problem().to_owned());
        assert_eq!(got, (404, "not-found".to_owned()), "{who:?} {method} {path}");
    }
    // The municipality of the nursery reads, applicant included.
    let path = format!("/v1/staff/reservations/{number}");
    let read = world.get(&As::Municipality("131199"), &path).await;
    assert_eq!(read.body["applicant"]["name"], "保活 花子");
}

#[tokio::test]
async fn no_vendor_is_ever_told_who_asks() {
    let world = World::new().await;
    let slot = world.slot("2026-12-10T10:00:00+09:00", 50).await;
    let asked = world.request_with(&slot, "k1", json!({})).await;
    let number = asked.body["reservation_number"].as_str().unwrap().to_owned();
    let facility = &world.facility.facility_id;
    for (who, path) in [
        (site(), format!("/v1/reservations/{number}")),
        (site(), "/v1/reservations".to_owned()),
        (As::Ict("ict-1"), format!("/v1/ict/facilities/{facility}/reservations")),
        (As::Operator, format!("/v1/staff/reservations/{number}")),
    ] {
        let answer = world.get(&who, &path).await;
        assert_eq!(answer.status, 200, "{path}");
        let text = answer.body.to_string();
        for personal in ["花子", "090-0000-0000", "hanako@example.jp", "アレルギー"] {
            assert!(!text.contains(personal), "{path}");
        }
    }
}
