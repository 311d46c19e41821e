//! What people and vendors do in the world of a test.

use super::*;

impl World {
    /// Sends a request.
    pub async fn call(
        &self,
        who: &As,
        method: Method,
        path: &str,
        body: Option<Value>,
        headers: &[(&str, &str)],
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = match body {
            Some(body) => {
                request = request.header("content-type", "application/json");
                Body::from(body.to_string())
            }
            None => Body::empty(),
        };
        self.send(who, request.body(body).unwrap()).await
    }

    /// Sends a request as it is.
    pub async fn send(&self, who: &As, mut request: Request<Body>) -> Answer {
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        request.extensions_mut().insert(context(who));
        let response = Box::pin(self.app.clone().oneshot(request)).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let body = serde_json::from_slice(&bytes).unwrap_or_else(|_| {
            let text = String::from_utf8(bytes.to_vec()).unwrap();
            if text.is_empty() { Value::Null } else { text.into() }
        });
        contract::check(&method, &path, parts.status, &parts.headers, &body);
        Answer { status: parts.status, headers: parts.headers, body }
    }

    /// Reads.
    pub async fn get(&self, who: &As, path: &str) -> Answer {
        self.call(who, Method::GET, path, None, &[]).await
    }

    /// Posts.
    pub async fn post(&self, who: &As, path: &str, body: Value) -> Answer {
        self.call(who, Method::POST, path, Some(body), &[]).await
    }

    /// Asks for a visit as `site-1`, for another family under each key.
    pub async fn request(&self, slot: &Slot, key: &str) -> Answer {
        self.request_with(slot, key, json!({"applicant": family(key)})).await
    }

    /// Asks for a visit and returns its number.
    pub async fn requested(&self, slot: &Slot, key: &str) -> ReservationNumber {
        let answer = self.request(slot, key).await;
        assert_eq!(answer.status, 201, "{}", answer.shown());
        answer.body["reservation_number"].as_str().unwrap().parse().unwrap()
    }

    /// The nursery as anybody sees it.
    pub async fn shown(&self) -> Answer {
        self.get(&As::Anyone, &format!("/v1/facilities/{}", self.facility.facility_id)).await
    }

    /// As staff of the nursery, asks for a change of what it shows now.
    pub async fn ask_for_change(&self, changes: Value, submit: bool, key: &str) -> Answer {
        let etag = self.shown().await.headers["etag"].to_str().unwrap().to_owned();
        let body = json!({"base_etag": etag, "changes": changes, "submit": submit});
        let path = format!("/v1/staff/facilities/{}/change-requests", self.facility.facility_id);
        let key = [("idempotency-key", key)];
        self.call(&self.staff(), Method::POST, &path, Some(body), &key).await
    }

    /// The same, and returns the id of the request.
    pub async fn change_asked(&self, changes: Value, submit: bool, key: &str) -> String {
        let answer = self.ask_for_change(changes, submit, key).await;
        assert_eq!(answer.status, 201, "{}", answer.shown());
        answer.body["change_request_id"].as_str().unwrap().to_owned()
    }

    /// The staff of the nursery.
    pub fn staff(&self) -> As {
        As::Staff(self.facility.facility_id.clone())
    }

    /// Saves settings of the nursery, whatever they were. Whoever got a link follows it.
    pub async fn save_settings(&self, settings: Value) {
        let path = format!("/v1/staff/facilities/{}/settings", self.facility.facility_id);
        let any = [("if-match", "*")];
        let saved = self.call(&self.staff(), Method::PUT, &path, Some(settings), &any).await;
        assert_eq!(saved.status, 200, "{}", saved.shown());
        let (id, now) = (&self.facility.facility_id, self.hub.clock.now());
        self.store().confirm_notice_address(id, |_| true, now).await.unwrap();
    }

    /// Asks for a visit as `site-1`, with other fields than usual.
    pub async fn request_with(&self, slot: &Slot, key: &str, more: Value) -> Answer {
        let mut body = local::api::visit_request(slot.facility_id.as_str(), slot.slot_id.as_str());
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let headers = [("idempotency-key", key)];
        self.call(&site(), Method::POST, "/v1/reservations", Some(body), &headers).await
    }

    /// What the nursery's staff do to a reservation.
    pub async fn act(&self, number: &ReservationNumber, verb: &str, body: Value) -> Answer {
        self.post(&self.staff(), &format!("/v1/staff/reservations/{number}/{verb}"), body).await
    }

    /// A reservation as the staff see it.
    pub async fn seen(&self, number: &ReservationNumber) -> Value {
        self.get(&self.staff(), &format!("/v1/staff/reservations/{number}")).await.body
    }

    /// A slot as anybody would count it: places free, places in all, and its state.
    pub async fn places(&self, slot: &Slot) -> (u8, u8, SlotStatus) {
        let slot = self.store().slot(&slot.facility_id, &slot.slot_id, true).await;
        let slot = slot.unwrap().unwrap();
        (slot.remaining(), slot.capacity.get(), slot.status(self.hub.clock.now()))
    }

    /// A parent who follows the link of a mail.
    pub async fn follow(&self, mail: &Mail) -> Session {
        self.follow_in(mail, "").await
    }

    /// The same in a browser that has a session already.
    pub async fn follow_in(&self, mail: &Mail, cookie: &str) -> Session {
        let token = mail.text.split("/visit#").nth(1).unwrap().split_whitespace().next().unwrap();
        let (path, body) = ("/v1/visits/session", Some(json!({"token": token})));
        let cookie = [("cookie", cookie)];
        let opened = self.call(&As::Anyone, Method::POST, path, body, &cookie).await;
        assert_eq!(opened.status, 204, "{}", opened.shown());
        let cookie = opened.headers["set-cookie"].to_str().unwrap();
        assert!(cookie.starts_with("__Host-visit="), "{cookie}");
        assert!(cookie.ends_with("Path=/; Max-Age=1800; HttpOnly; Secure; SameSite=Strict"));
        Session {
            cookie: cookie.split(';').next().unwrap().to_owned(),
            number: token.split('.').next().unwrap().parse().unwrap(),
        }
    }

    /// What a parent with a session does or reads, on the hub's own page.
    pub async fn as_parent(&self, session: &Session, method: Method, what: &str) -> Answer {
        let path = format!("/v1/visits/{}{what}", session.number);
        let body = (method == Method::POST).then(|| json!({}));
        let headers = [("cookie", session.cookie.as_str()), ("origin", &*self.hub.base_url)];
        self.call(&As::Anyone, method, &path, body, &headers).await
    }
}

/// What a parent's browser keeps, and the reservation whose link was followed last.
#[derive(Debug, Clone)]
pub struct Session {
    /// The cookie, as it is sent back.
    pub cookie: String,
    /// The reservation.
    pub number: ReservationNumber,
}
