//! What the people of the story do.

use std::{io::Write, mem};

use http::{
    Method,
    header::{CONTENT_TYPE, ETAG, SET_COOKIE},
};
use jiff::civil::Date;
use serde_json::{Value, json};

use super::{
    COLLEAGUE, PARENT, Tour, TourError, TourResult, Who, at,
    lists::DEMONSTRATION,
    messages::{expect, short, text},
};
use crate::api::{Answer, Api, visit_request};

/// What a parent's browser keeps, and whose link was followed.
pub(super) struct Session {
    cookie: String,
    number: String,
    /// Where the page is that acts.
    origin: String,
}

impl<W: Write> Tour<'_, W> {
    /// Reads the feed on to its last page, and compares how many places of a slot the copy says are free.
    pub(super) async fn follow(&mut self, slot: &Value, free: Value) -> TourResult {
        loop {
            let page = self.get(Who::Anyone, &self.feed.clone()).await?.body;
            let items = page["items"].as_array().cloned().unwrap_or_default();
            for item in &items {
                let id = text(&item["id"]).to_owned();
                match text(&item["state"]) {
                    "updated" => drop(self.copy.insert(id, item["data"].clone())),
                    _ => drop(self.copy.remove(&id)),
                }
            }
            let next = text(&page["next"]);
            self.feed = next[next.find("/v1/").unwrap_or_default()..].to_owned();
            writeln!(self.out, "      {} changes, then {} slots", items.len(), self.copy.len())?;
            if items.is_empty() {
                break;
            }
        }
        let copied = self.copy.get(text(&slot["slot_id"])).map(|slot| slot["remaining"].clone());
        expect("free places in the copy", free, &copied.unwrap_or_default())
    }

    /// Copies the other feeds: the nurseries with what was approved, what they have free, and how to apply.
    pub(super) async fn copy_feeds(&mut self) -> TourResult {
        let facilities = self.copy_feed("facilities").await?;
        let nursery = facilities.iter().find(|item| item["id"] == self.facility.as_str());
        let nursery = nursery.map(|item| item["data"]["saturday_closes_at"].clone());
        expect("when it closes, in the copy", "18:15", &nursery.unwrap_or_default())?;
        let vacancies = self.copy_feed("vacancies").await?;
        let of_facility = |item: &&Value| item["data"]["facility_id"] == self.facility.as_str();
        expect("what it has free", true, &json!(vacancies.iter().any(|one| of_facility(&one))))?;
        let procedures = self.copy_feed("procedures").await?;
        expect("how to apply", true, &json!(!procedures.is_empty()))
    }

    /// What is in a feed from its beginning to its last page.
    async fn copy_feed(&mut self, name: &str) -> Result<Vec<Value>, TourError> {
        let (mut next, mut copy) = (format!("/v1/feeds/{name}"), Vec::new());
        loop {
            let page = self.get(Who::Anyone, &next).await?.body;
            let items = page["items"].as_array().cloned().unwrap_or_default();
            if items.is_empty() {
                writeln!(self.out, "      {} {name}", copy.len())?;
                return Ok(copy);
            }
            copy.extend(items);
            let address = text(&page["next"]);
            next = address[address.find("/v1/").unwrap_or_default()..].to_owned();
        }
    }

    /// Reads what a municipality publishes: who takes part, what is free, and how to apply.
    pub(super) async fn look_at_municipality(&mut self) -> TourResult {
        let list = self.get(Who::Anyone, "/v1/municipalities?limit=100").await?.body;
        let items = list["items"].as_array().into_iter().flatten();
        let names: Vec<_> = items.map(|one| text(&one["municipality"])).collect();
        expect("the municipality in the list", true, &json!(names.contains(&"板橋区")))?;
        let free = self.get(Who::Anyone, "/v1/vacancies?municipality=131199").await?.body;
        let note = free["items"][0]["vacancy_note"].clone();
        expect("the note", DEMONSTRATION, &note)?;
        for (form, kind) in [
            ("csv", "text/csv; charset=utf-8"),
            ("json", "application/json"),
            ("html", "text/html; charset=utf-8"),
        ] {
            let path = format!("/v1/municipalities/131199/vacancies.{form}");
            let table = self.get(Who::Anyone, &path).await?;
            let found = table.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
            expect("the table", kind, &json!(found))?;
        }
        let later = "/v1/municipalities/131199/vacancies.json?base_month=2099-12";
        let table = self.get(Who::Anyone, later).await?.body;
        expect("a month that is not published", json!([]), &table["items"])?;
        let all = self.get(Who::Anyone, "/v1/procedures?limit=1").await?.body;
        expect(
            "procedures of all municipalities",
            1,
            &json!(all["items"].as_array().map(Vec::len)),
        )?;
        let path = "/v1/procedures?municipality=131199";
        let procedures = self.get(Who::Anyone, path).await?.body["items"].clone();
        for of_year in [&procedures[0], &procedures[1]] {
            expect(
                "where to apply",
                "https://apply.example.jp/131199",
                &of_year["application_url"],
            )?;
        }
        Ok(())
    }

    /// Deletes the endpoint of a vendor.
    pub(super) async fn leave(&mut self, who: Who, endpoint: &Value) -> TourResult {
        let path = format!("/v1/webhook-endpoints/{}", text(&endpoint["id"]));
        let gone = self.api(who).await?.send(Method::DELETE, &path, None, &[]).await?;
        self.answered(who, "DELETE", &path, &gone)?;
        expect("delete", 204, &json!(gone.status.as_u16()))
    }

    /// Reads the dashboard, and each report once as JSON and once as CSV.
    pub(super) async fn count_visits(&mut self, before: u64, from: Date, to: Date) -> TourResult {
        let seen = self.get(Who::City, "/v1/staff/dashboard").await?.body;
        expect("requests that wait", 0, &seen["pending"]["total"])?;
        expect("requests in all", before + 8, &seen["new"]["total"])?;
        for id in ["REP-01", "REP-02", "REP-05", "REP-06", "REP-07", "REP-08", "REP-09", "REP-16"] {
            let days = match id {
                "REP-01" | "REP-02" => String::new(),
                _ => format!("from={from}&to={to}&"),
            };
            let path = format!("/v1/staff/reports/{id}?{days}format=");
            let json = self.get(Who::City, &format!("{path}json")).await?.body;
            expect("report", id, &json["report"])?;
            let csv = self.get(Who::City, &format!("{path}csv")).await?;
            let kind = csv.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
            expect("a file", "text/csv; charset=utf-8", &json!(kind))?;
        }
        Ok(())
    }

    /// Asks for a visit on the portal and follows the link in the mail: the session that the link opens.
    pub(super) async fn ask_on_portal(
        &mut self,
        key: &str,
        slot: &Value,
    ) -> Result<Session, TourError> {
        let body = visit_request(&self.facility, text(&slot["slot_id"]));
        let answer = self.create(Who::Anyone, "/v1/portal/reservations", key, body).await?;
        expect("request", "unconfirmed", &answer.body["status"])?;
        self.expect_messages(&[], &[PARENT]).await?;
        let mut words = self.letter.split_whitespace();
        let link = words.find_map(|word| word.split_once("/visit#")).unwrap_or_default();
        let (origin, token) = (link.0.to_owned(), json!({"token": link.1}));
        self.get(Who::Anyone, "/visit").await?;
        let opened = self.post(Who::Anyone, "/v1/visits/session", token).await?;
        let cookie = opened.headers.get(SET_COOKIE).and_then(|cookie| cookie.to_str().ok());
        let cookie = cookie.and_then(|cookie| cookie.split(';').next()).unwrap_or_default();
        let number = text(&answer.body["reservation_number"]).to_owned();
        Ok(Session { cookie: cookie.to_owned(), number, origin })
    }

    /// Adds a notice address, follows the link in its mail, and takes it out again.
    pub(super) async fn add_colleague(&mut self) -> TourResult {
        self.get(Who::Anyone, "/staff").await?;
        let path = format!("/v1/staff/facilities/{}/settings", self.facility);
        let read = self.get(Who::Nursery, &path).await?;
        let (before, mut after) = (read.body.clone(), read.body.clone());
        let addresses = after["notice_addresses"].as_array_mut();
        addresses.into_iter().for_each(|addresses| addresses.push(COLLEAGUE.into()));
        let saved = self.change(&path, &read, after).await?;
        let unconfirmed = &saved["notice_addresses_unconfirmed"];
        expect("addresses whose link nobody followed", json!([COLLEAGUE]), unconfirmed)?;
        self.expect_messages(&[], &[COLLEAGUE]).await?;
        let mut words = self.letter.split_whitespace();
        let link = words.find_map(|word| word.split_once("/notice#")).unwrap_or_default();
        let token = json!({"token": link.1});
        self.get(Who::Anyone, "/notice").await?;
        self.post(Who::Anyone, "/v1/notice-addresses/confirm", token).await?;
        let read = self.get(Who::Nursery, &path).await?;
        let unconfirmed = &read.body["notice_addresses_unconfirmed"];
        expect("addresses whose link nobody followed", json!([]), unconfirmed)?;
        self.change(&path, &read, before).await?;
        self.expect_messages(&[], &[]).await
    }

    /// Does what a parent does on the page of their visit.
    pub(super) async fn on_page(
        &mut self,
        session: &Session,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<Value, TourError> {
        let path = format!("/v1/visits/{}{path}", session.number);
        let headers = [("cookie", session.cookie.as_str()), ("origin", &session.origin)];
        let body = body.or((method == Method::POST).then(|| json!({})));
        let answer = self.api.send(method.clone(), &path, body.as_ref(), &headers).await?;
        Ok(self.succeeded(Who::Anyone, method.as_str(), &path, answer)?.body)
    }

    /// Who calls, with a token that is good now.
    pub(super) async fn api(&mut self, who: Who) -> Result<Api, TourError> {
        if mem::take(&mut self.tokens_are_old) {
            self.site = self.api.as_client("search_site", 0).await?;
            self.ict = self.api.as_client("ict", 0).await?;
            self.staff = self.api.as_user("facility", 0).await?.0;
            self.city = self.api.as_user("municipality", 0).await?.0;
        }
        Ok(match who {
            Who::Anyone => self.api.clone(),
            Who::Site => self.site.clone(),
            Who::Ict => self.ict.clone(),
            Who::Nursery => self.staff.clone(),
            Who::City => self.city.clone(),
        })
    }

    pub(super) async fn get(&mut self, who: Who, path: &str) -> Result<Answer, TourError> {
        let answer = self.api(who).await?.get(path).await?;
        self.succeeded(who, "GET", path, answer)
    }

    pub(super) async fn post(
        &mut self,
        who: Who,
        path: &str,
        body: Value,
    ) -> Result<Answer, TourError> {
        let answer = self.api(who).await?.post(path, body).await?;
        self.succeeded(who, "POST", path, answer)
    }

    pub(super) async fn create(
        &mut self,
        who: Who,
        path: &str,
        key: &str,
        body: Value,
    ) -> Result<Answer, TourError> {
        let key = format!("{key}@{}", self.begun);
        let answer = self.api(who).await?.create(path, &key, body).await?;
        self.succeeded(who, "POST", path, answer)
    }

    /// Decides about a reservation, with a word if there is one.
    pub(super) async fn act(
        &mut self,
        who: Who,
        path: &str,
        word: &str,
        status: &str,
    ) -> TourResult {
        let body = if word.is_empty() { json!({}) } else { json!({"comment": word}) };
        let answer = self.post(who, path, body).await?;
        expect(path, status, &answer.body["status"])
    }

    /// Registers a receiver twice, as somebody does whose first answer was lost.
    pub(super) async fn register(&mut self, who: Who, key: &str) -> TourResult {
        let sink = if let Who::Site = who { &self.site_hears } else { &self.ict_hears };
        let receiver = sink.receiver.clone();
        let (path, body) = ("/v1/webhook-endpoints", json!({"url": receiver.url()}));
        let first = self.create(who, path, key, body.clone()).await?.body;
        let again = self.create(who, path, key, body).await?.body;
        // The same but for the secret, which is shown once.
        let mut kept = first.clone();
        kept["secret"] = Value::Null;
        expect("the repeated registration", kept, &again)?;
        receiver.trust(text(&first["secret"]));
        expect("webhook endpoint", "enabled", &first["status"])
    }

    pub(super) async fn open_times(&mut self, visit: Date) -> Result<Value, TourError> {
        let path = format!("/v1/staff/facilities/{}/settings", self.facility);
        let read = self.get(Who::Nursery, &path).await?;
        let mut settings = read.body.clone();
        settings["booking_closes_hours_before"] = 48.into();
        settings["message_to_parents"] = "3月は改修のため見学を休みます。".into();
        let saved = self.change(&path, &read, settings.clone()).await?;
        expect("settings", settings, &saved)?;

        let path = format!("/v1/staff/facilities/{}/slots", self.facility);
        let one = json!({"starts_at": at(visit, 14), "ends_at": at(visit, 15), "capacity": 2});
        let opened = self.create(Who::Nursery, &path, "slot-1", one).await?.body;
        let own = format!("{path}/{}", text(&opened["slot_id"]));
        let read = self.get(Who::Nursery, &own).await?;
        self.change(&own, &read, json!({"capacity": 4})).await?;
        let copy = json!({"starts_at": at(visit, 16)});
        let copy = self.create(Who::Nursery, &format!("{own}/copy"), "slot-2", copy).await?.body;
        let day = visit.saturating_add(jiff::Span::new().days(1));
        let week = json!({
            "from": day, "to": day.saturating_add(jiff::Span::new().days(6)), "weekdays": ["wed"],
            "times": [{"starts": "10:00", "ends": "10:45"}, {"starts": "14:00", "ends": "14:45"}],
            "capacity": 5, "include_holidays": true,
        });
        let many = self.create(Who::Nursery, &format!("{path}/bulk"), "slots-1", week).await?;
        expect("slots of a week", 2, &many.body["created"])?;
        let disable = format!("{path}/{}/disable", text(&copy["slot_id"]));
        let disabled = self.post(Who::Nursery, &disable, json!({})).await?.body;
        expect("the copy", "disabled", &disabled["status"])?;
        let listed = self.get(Who::Nursery, &format!("{path}?limit=100")).await?.body;
        let listed = listed["items"].as_array().into_iter().flatten();
        let found = listed.filter(|slot| slot["slot_id"] == opened["slot_id"]).count();
        expect("the slot in the nursery's list", 1, &json!(found))?;
        self.expect_messages(&[], &[]).await?;
        Ok(opened)
    }

    /// Saves something over what was read of it.
    async fn change(&mut self, path: &str, read: &Answer, new: Value) -> Result<Value, TourError> {
        let etag = read.headers.get(ETAG).and_then(|tag| tag.to_str().ok()).unwrap_or_default();
        let api = self.api(Who::Nursery).await?;
        let saved = api.send(Method::PUT, path, Some(&new), &[("if-match", etag)]).await?;
        Ok(self.succeeded(Who::Nursery, "PUT", path, saved)?.body)
    }

    pub(super) async fn find(&mut self, slot: &Value) -> TourResult {
        let path = "/v1/facilities?municipality=131199&q=%EF%BD%B6%EF%BE%85%EF%BD%B2%EF%BD%B8%EF%BE%8E%EF%BE%9E";
        let answer = self.api.get(path).await?;
        writeln!(self.out, "   anyone: GET /v1/facilities?municipality=131199&q=ｶﾅｲｸﾎﾞ")?;
        let found = &answer.body["items"][0];
        writeln!(
            self.out,
            "      -> {} {} {}, next free slot {}",
            answer.status,
            text(&found["facility_id"]),
            text(&found["facility_name"]),
            text(&found["next_slot_at"])
        )?;
        expect("search", self.facility.clone(), &found["facility_id"])?;
        let path = format!("/v1/facilities/{}", self.facility);
        let facility = self.get(Who::Anyone, &path).await?.body;
        expect("facility", found["facility_name"].clone(), &facility["facility_name"])?;
        self.remaining(slot, 4).await
    }

    pub(super) async fn request(&mut self, key: &str, slot: &Value) -> Result<String, TourError> {
        let body = visit_request(&self.facility, text(&slot["slot_id"]));
        let answer = self.create(Who::Site, "/v1/reservations", key, body).await?;
        expect("request", "pending", &answer.body["status"])?;
        Ok(text(&answer.body["reservation_number"]).to_owned())
    }

    pub(super) async fn remaining(&mut self, slot: &Value, places: u8) -> TourResult {
        let slots =
            self.api.get(&format!("/v1/facilities/{}/slots?limit=100", self.facility)).await?;
        let slots = slots.body["items"].as_array().cloned().unwrap_or_default();
        let now = slots.iter().find(|other| other["slot_id"] == slot["slot_id"]);
        let remaining = now.map(|slot| slot["remaining"].clone()).unwrap_or_default();
        writeln!(self.out, "   the slot has {remaining} free places")?;
        expect("free places", places, &remaining)
    }

    pub(super) async fn now(&self) -> Result<domain::Timestamp, TourError> {
        let clock = self.api.get("/_local/clock").await?.body;
        text(&clock["now"]).parse().map_err(|_| TourError::Step {
            step: "clock".into(),
            expected: "a time".into(),
            got: short(&clock),
        })
    }

    /// One without a holiday in its middle, in four weeks at the latest.
    pub(super) async fn next_tuesday(&self) -> Result<Date, TourError> {
        let today = self.now().await?.date();
        let plain = |day: &Date| {
            let until = day.saturating_add(jiff::Span::new().days(3));
            day.weekday() == jiff::civil::Weekday::Tuesday
                && domain::time::days(*day, until).all(domain::time::is_business_day)
        };
        let later = today.saturating_add(jiff::Span::new().days(28));
        let mut days = domain::time::days(today.tomorrow().unwrap_or(later), later);
        Ok(days.find(plain).unwrap_or(later))
    }

    pub(super) async fn advance(&mut self, by: &str) -> TourResult {
        self.move_clock(json!({"advance": by})).await
    }

    pub(super) async fn move_clock(&mut self, by: Value) -> TourResult {
        let answer = self.api.move_clock(by).await?;
        writeln!(self.out, "   the clock moves to {}", short(&answer.body["now"]))?;
        self.tokens_are_old = true;
        Ok(())
    }
}
