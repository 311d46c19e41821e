//! The whole story, played against a hub of its own with a moving clock: the demonstration for somebody who
//! has never heard of the hub. It fails if any step does.

use std::{
    collections::BTreeMap,
    io::{self, Write},
    mem,
};

use http::{
    Method, StatusCode,
    header::{CONTENT_TYPE, ETAG, SET_COOKIE},
};
use jiff::civil::Date;
use serde_json::{Value, json};

use crate::{
    LocalHub, Options, StartError,
    api::{Answer, Api, ApiError, visit_request},
    receiver::Receiver,
};

/// Which step went wrong.
#[derive(Debug, thiserror::Error)]
pub enum TourError {
    /// The hub does not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The hub does not answer.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// Nothing can be printed, or no port is free.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A step did not come out as it should.
    #[error("{step}: expected {expected}, got {got}")]
    Step {
        /// The step.
        step: String,
        /// What should have been.
        expected: String,
        /// What was.
        got: String,
    },
}

type Told = Result<(), TourError>;

/// Plays the story on a hub in memory.
pub async fn run(out: &mut impl Write) -> Told {
    let hub = LocalHub::start(Options::default()).await?;
    run_at(&hub.url(), out).await
}

/// Plays the story on the hub at this address.
pub async fn run_at(url: &str, out: &mut impl Write) -> Told {
    Tour::begin(out, url).await?.play().await
}

/// Who acts.
#[derive(Debug, Clone, Copy)]
enum Who {
    Anyone,
    Site,
    Ict,
    Nursery,
    City,
}

impl Who {
    fn name(self) -> &'static str {
        match self {
            Self::Anyone => "anyone",
            Self::Site => "search site",
            Self::Ict => "ICT system",
            Self::Nursery => "nursery",
            Self::City => "municipality",
        }
    }
}

/// Who is mailed.
const PARENT: &str = "hanako@example.jp";
const NOBODY: &str = "nobody@example.jp";
const NURSERY: &str = "fac-";
const MUNICIPALITY: &str = "hoiku-";
const SITE_OWNER: &str = "search-site-1@example.jp";

/// A vendor's receiver, and how much of what it got was told.
struct Ear {
    receiver: Receiver,
    seen: usize,
}

/// Somebody who walks through the story.
struct Tour<'a, W> {
    out: &'a mut W,
    api: Api,
    site: Api,
    ict: Api,
    staff: Api,
    city: Api,
    facility: String,
    site_hears: Ear,
    ict_hears: Ear,
    /// Where the copy of all slots reads on.
    feed: String,
    /// The copy: each slot by its id.
    copy: BTreeMap<String, Value>,
    mails_seen: usize,
    /// Mails that ask for slots: on the 10th of a month, wherever the story then is.
    plan_mails: usize,
    /// The last mail to a parent.
    letter: String,
    /// The clock was moved since they were issued.
    tokens_are_old: bool,
}

impl<'a, W: Write> Tour<'a, W> {
    async fn begin(out: &'a mut W, url: &str) -> Result<Self, TourError> {
        let api = Api::new(url)?;
        let (staff, facility) = api.as_user("facility", 0).await?;
        Ok(Self {
            out,
            site: api.as_client("search_site", 0).await?,
            ict: api.as_client("ict", 0).await?,
            feed: "/v1/feeds/slots".into(),
            copy: BTreeMap::new(),
            city: api.as_user("municipality", 0).await?.0,
            mails_seen: api.mails().await?.len(),
            tokens_are_old: false,
            plan_mails: 0,
            letter: String::new(),
            api,
            staff,
            facility,
            site_hears: Ear { receiver: Receiver::start().await?, seen: 0 },
            ict_hears: Ear { receiver: Receiver::start().await?, seen: 0 },
        })
    }

    async fn play(mut self) -> Told {
        self.scene(
            "Engineers of a search site and of an ICT system read what the hub says of itself",
        )?;
        self.get(Who::Anyone, "/openapi.json").await?;
        self.get(Who::Anyone, "/problems/state-conflict").await?;

        self.scene("They say where they want to be told")?;
        self.register(Who::Site, "endpoint-1").await?;
        self.register(Who::Ict, "endpoint-1").await?;
        let first = self.get(Who::Site, "/v1/webhook-endpoints").await?.body["items"][0].clone();
        let path = format!("/v1/webhook-endpoints/{}", text(&first["id"]));
        let endpoint = self.get(Who::Site, &path).await?.body;
        expect("the endpoint, without its secret", first, &endpoint)?;

        self.scene("A nursery says until when it takes requests, and opens times")?;
        let tuesday = self.next_tuesday().await?;
        let visit = tuesday.saturating_add(jiff::Span::new().days(10));
        let slot = self.open_times(visit).await?;

        self.scene("A parent looks for a nursery and finds a free time")?;
        self.find(&slot).await?;

        self.scene(
            "A search site copies the times of all nurseries, and follows the feed from there",
        )?;
        self.follow(&slot, json!(4)).await?;

        self.scene("The parent asks for a visit; the nursery approves with a word")?;
        let approved = self.request("visit-1", &slot).await?;
        self.told(&["reservation.requested"], &[PARENT, NURSERY]).await?;
        let ict = format!("/v1/ict/facilities/{}", self.facility);
        let count = self.get(Who::Ict, &format!("{ict}/new-count")).await?;
        expect("requests that wait", 1, &count.body["count"])?;
        let visits = self.get(Who::Ict, &format!("{ict}/reservations")).await?;
        expect(
            "the ICT system's list",
            approved.clone(),
            &visits.body["items"][0]["reservation_number"],
        )?;
        let path = format!("/v1/staff/reservations/{approved}");
        self.act(Who::Nursery, &format!("{path}/approve"), "上履きをお持ちください。", "approved")
            .await?;
        self.told(&["reservation.approved"], &[PARENT]).await?;
        self.follow(&slot, json!(3)).await?;

        self.scene(
            "Who sends the same request again is given the same visit; who decides again is told",
        )?;
        let again = self.request("visit-1", &slot).await?;
        expect("the repeated request", approved.clone(), &json!(again))?;
        let late =
            self.api(Who::Nursery).await?.post(&format!("{path}/decline"), json!({})).await?;
        self.answered(Who::Nursery, "POST", &format!("{path}/decline"), &late)?;
        expect("a decision after the decision", "approved", &late.body["current_status"])?;
        self.told(&[], &[]).await?;

        self.scene("Another request is declined in the ICT system; its place is free again")?;
        let declined = self.request("visit-2", &slot).await?;
        self.told(&["reservation.requested"], &[PARENT, NURSERY]).await?;
        let decline = format!("/v1/ict/reservations/{declined}/decline");
        self.act(Who::Ict, &decline, "この日は行事のため難しくなりました。", "declined").await?;
        self.told(&["reservation.declined"], &[PARENT]).await?;
        self.remaining(&slot, 3).await?;

        self.scene("The family that was approved cancels through the search site, and the nursery reads why")?;
        let cancel = format!("/v1/reservations/{approved}/cancel");
        let reason = json!({"reason": "子どもが熱を出しました。"});
        let answer = self.post(Who::Site, &cancel, reason).await?;
        expect("cancel", "cancelled_by_parent", &answer.body["status"])?;
        self.told(&["reservation.cancelled"], &[PARENT, NURSERY]).await?;
        self.remaining(&slot, 4).await?;
        let seen = self.get(Who::Nursery, &path).await?.body;
        expect("the applicant", "保活 花子", &seen["applicant"]["name"])?;
        expect("the reason", "子どもが熱を出しました。", &seen["history"][2]["comment"])?;
        let list = format!("/v1/staff/facilities/{}/reservations", self.facility);
        let listed = self.get(Who::Nursery, &list).await?.body["items"].clone();
        expect("visits of the nursery", 2, &json!(listed.as_array().map(Vec::len)))?;
        self.get(Who::Site, &format!("/v1/reservations/{approved}")).await?;
        let own = self.get(Who::Site, "/v1/reservations").await?.body["items"].clone();
        expect("visits of the search site", 2, &json!(own.as_array().map(Vec::len)))?;

        self.scene("A nursery has to cancel a visit that its ICT system approved, and says why")?;
        let cancelled = self.request("visit-3", &slot).await?;
        self.told(&["reservation.requested"], &[PARENT, NURSERY]).await?;
        self.act(Who::Ict, &format!("/v1/ict/reservations/{cancelled}/approve"), "", "approved")
            .await?;
        self.told(&["reservation.approved"], &[PARENT]).await?;
        let cancel = format!("/v1/staff/reservations/{cancelled}/cancel");
        self.act(Who::Nursery, &cancel, "休園日に変わりました。", "cancelled_by_facility").await?;
        self.told(&["reservation.cancelled"], &[PARENT]).await?;
        self.remaining(&slot, 4).await?;

        self.scene("A nursery forgets to answer: after a day it is asked, and asked again")?;
        self.move_clock(json!({"set": at(tuesday, 10)})).await?;
        let waiting = self.request("visit-4", &slot).await?;
        self.told(&["reservation.requested"], &[PARENT, NURSERY]).await?;
        self.advance("PT25H").await?;
        self.told_ict(&["reservation.reminder_pending"], &[NURSERY]).await?;
        self.advance("PT24H").await?;
        self.told_ict(&["reservation.reminder_pending"], &[NURSERY]).await?;

        self.scene("From the second asking on, the municipality gets a digest the next morning")?;
        self.advance("PT21H").await?;
        self.told_ict(&[], &[MUNICIPALITY]).await?;

        self.scene("Now the nursery answers, and nobody is asked again")?;
        let approve = format!("/v1/staff/reservations/{waiting}/approve");
        self.act(Who::Nursery, &approve, "", "approved").await?;
        self.told(&["reservation.approved"], &[PARENT]).await?;
        self.advance("PT48H").await?;
        self.told(&[], &[]).await?;

        self.scene(
            "A parent asks on the portal, confirms by the link in a mail, and cancels by it",
        )?;
        let session = self.ask_on_portal("visit-5", &slot).await?;
        self.on_page(&session, Method::GET, "", None).await?;
        self.on_page(&session, Method::POST, "/confirm", None).await?;
        self.told_ict(&["reservation.requested"], &[PARENT, NURSERY]).await?;
        let reason = json!({"reason": "別の園に決めました。"});
        let cancelled = self.on_page(&session, Method::POST, "/cancel", Some(reason)).await?;
        expect("cancel", "cancelled_by_parent", &cancelled["status"])?;
        self.told_ict(&["reservation.cancelled"], &[PARENT, NURSERY]).await?;

        self.scene("Another parent does the same, and the nursery approves")?;
        let session = self.ask_on_portal("visit-6", &slot).await?;
        let confirmed = self.on_page(&session, Method::POST, "/confirm", None).await?;
        expect("confirm", "pending", &confirmed["status"])?;
        let portal = text(&confirmed["reservation_number"]).to_owned();
        self.told_ict(&["reservation.requested"], &[PARENT, NURSERY]).await?;
        let approve = format!("/v1/staff/reservations/{portal}/approve");
        self.act(Who::Nursery, &approve, "", "approved").await?;
        self.told_ict(&["reservation.approved"], &[PARENT]).await?;

        self.scene(
            "A third does not follow the link: after a quarter of an hour the place is free",
        )?;
        self.ask_on_portal("visit-7", &slot).await?;
        self.remaining(&slot, 1).await?;
        self.advance("PT20M").await?;
        self.told(&[], &[]).await?;
        self.remaining(&slot, 2).await?;

        self.scene(
            "Somebody telephones: the nursery enters the visit, and notes what only staff may read",
        )?;
        let path = format!("/v1/staff/facilities/{}/off-system-reservations", self.facility);
        let booking = json!({"slot_id": slot["slot_id"], "party_size": 2, "note": "電話で予約"});
        let booked = self.create(Who::Nursery, &path, "visit-8", booking).await?.body;
        let telephoned = text(&booked["reservation_number"]).to_owned();
        let path = format!("/v1/staff/reservations/{telephoned}");
        let note = json!({"memo": "ベビーカーで来園"});
        let api = self.api(Who::Nursery).await?;
        let noted = api.send(Method::PUT, &format!("{path}/memo"), Some(&note), &[]).await?;
        self.succeeded(Who::Nursery, "PUT", &format!("{path}/memo"), noted)?;
        let read = self.get(Who::Nursery, &path).await?.body;
        expect("the note", "ベビーカーで来園", &read["staff_memo"])?;
        self.told_ict(&["reservation.approved"], &[]).await?;
        self.remaining(&slot, 1).await?;

        self.scene("A mail to a parent bounces: the hub does not write there again")?;
        let mut body = visit_request(&self.facility, text(&slot["slot_id"]));
        body["applicant"]["email"] = NOBODY.into();
        let asked = self.create(Who::Site, "/v1/reservations", "visit-9", body).await?.body;
        self.told(&["reservation.requested"], &[NOBODY, NURSERY]).await?;
        self.api.post("/_local/bounce", json!({"address": NOBODY})).await?;
        let decline =
            format!("/v1/staff/reservations/{}/decline", text(&asked["reservation_number"]));
        self.act(Who::Nursery, &decline, "", "declined").await?;
        self.told(&["reservation.declined"], &[]).await?;

        self.scene(
            "The search site's receiver is down for a moment, and is told when it is up again",
        )?;
        self.site_hears.receiver.answer_with(Some(StatusCode::SERVICE_UNAVAILABLE));
        let declined = self.request("visit-10", &slot).await?;
        self.told(&["reservation.requested"], &[PARENT, NURSERY]).await?;
        self.site_hears.receiver.answer_with(None);
        self.advance("PT6S").await?;
        self.told_site(&["reservation.requested"], &[]).await?;

        self.scene("It is down for days: the hub gives up, and writes to whoever runs it")?;
        self.site_hears.receiver.answer_with(Some(StatusCode::SERVICE_UNAVAILABLE));
        let decline = format!("/v1/staff/reservations/{declined}/decline");
        self.act(Who::Nursery, &decline, "", "declined").await?;
        self.told(&["reservation.declined"], &[PARENT]).await?;
        // Longer than the hub waits until each of its attempts; the longest waits are two on the queue.
        for wait in [
            "PT10S", "PT10M", "PT1H", "PT3H", "PT8H", "PT13H", "PT13H", "PT3H", "PT13H", "PT10H",
            "PT13H", "PT13H",
        ] {
            self.advance(wait).await?;
        }
        self.told_site(&["reservation.declined"; 9], &[SITE_OWNER]).await?;
        let endpoint = self.get(Who::Site, "/v1/webhook-endpoints").await?.body["items"][0].clone();
        expect("the endpoint", "disabled", &endpoint["status"])?;
        let path = format!("/v1/webhook-endpoints/{}", text(&endpoint["id"]));
        let gone = self.api(Who::Site).await?.send(Method::DELETE, &path, None, &[]).await?;
        self.answered(Who::Site, "DELETE", &path, &gone)?;
        expect("delete", 204, &json!(gone.status.as_u16()))?;

        self.scene("The day of the visit comes, and the nursery notes who came")?;
        self.move_clock(json!({"set": at(visit, 9)})).await?;
        self.told(&[], &[PARENT, PARENT]).await?;
        self.move_clock(json!({"set": at(visit, 15)})).await?;
        let path = "/v1/staff/reservations";
        self.act(Who::Nursery, &format!("{path}/{telephoned}/complete"), "", "completed").await?;
        self.act(Who::Nursery, &format!("{path}/{waiting}/no-show"), "", "no_show").await?;
        self.told(&[], &[]).await?;
        let next_day = visit.saturating_add(jiff::Span::new().days(1));
        self.move_clock(json!({"set": at(next_day, 8)})).await?;
        let came = self.get(Who::Nursery, &format!("{path}/{portal}")).await?.body;
        expect("a visit that nobody noted", "completed", &came["status"])?;
        self.told(&[], &[]).await?;

        self.scene("The municipality looks at what waits, and at what became of it all")?;
        self.count_visits(tuesday, visit).await?;

        self.scene(
            "On the 10th, nurseries that opened nothing for the third month ahead are asked",
        )?;
        let mut tenth = next_day;
        while tenth.day() != 10 {
            tenth = tenth.tomorrow().unwrap_or(tenth);
        }
        if self.plan_mails == 0 {
            self.move_clock(json!({"set": at(tenth, 9)})).await?;
        }
        self.told(&[], &[]).await?;
        writeln!(self.out, "   {} mails ask for slots", self.plan_mails)?;
        expect("mails that ask for slots", true, &json!(self.plan_mails > 0))?;

        self.scene("Seven days after a visit, its time leaves the feed")?;
        let gone = at(visit.saturating_add(jiff::Span::new().days(8)), 9);
        if self.now().await? < gone {
            self.move_clock(json!({"set": gone})).await?;
        }
        self.told(&[], &[]).await?;
        self.follow(&slot, Value::Null).await?;

        writeln!(self.out, "\nEverything came out as it should.")?;
        Ok(())
    }

    /// Reads the feed on to its last page, and compares how many places of a slot the copy says are free.
    async fn follow(&mut self, slot: &Value, free: Value) -> Told {
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

    /// Reads the dashboard, and each report once as JSON and once as CSV.
    async fn count_visits(&mut self, from: Date, to: Date) -> Told {
        let seen = self.get(Who::City, "/v1/staff/dashboard").await?.body;
        expect("requests that wait", 0, &seen["waiting"]["total"])?;
        expect("requests in all", 8, &seen["new"]["total"])?;
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
    async fn ask_on_portal(&mut self, key: &str, slot: &Value) -> Result<String, TourError> {
        let body = visit_request(&self.facility, text(&slot["slot_id"]));
        let answer = self.create(Who::Anyone, "/v1/portal/reservations", key, body).await?;
        expect("request", "unconfirmed", &answer.body["status"])?;
        self.told(&[], &[PARENT]).await?;
        let link = self.letter.split("/visit#").nth(1).unwrap_or_default();
        let token = json!({"token": link.split_whitespace().next()});
        self.get(Who::Anyone, "/visit").await?;
        let opened = self.post(Who::Anyone, "/v1/visits/session", token).await?;
        let cookie = opened.headers.get(SET_COOKIE).and_then(|cookie| cookie.to_str().ok());
        Ok(cookie.and_then(|cookie| cookie.split(';').next()).unwrap_or_default().to_owned())
    }

    /// Does what a parent does on the page of their visit.
    async fn on_page(
        &mut self,
        session: &str,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<Value, TourError> {
        let path = format!("/v1/visits/current{path}");
        let headers = [("cookie", session)];
        let answer = self.api.send(method.clone(), &path, body.as_ref(), &headers).await?;
        Ok(self.succeeded(Who::Anyone, method.as_str(), &path, answer)?.body)
    }

    fn scene(&mut self, title: &str) -> Told {
        writeln!(self.out, "\n== {title}")?;
        Ok(())
    }

    /// Who calls, with a token that is good now.
    async fn api(&mut self, who: Who) -> Result<Api, TourError> {
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

    async fn get(&mut self, who: Who, path: &str) -> Result<Answer, TourError> {
        let answer = self.api(who).await?.get(path).await?;
        self.succeeded(who, "GET", path, answer)
    }

    async fn post(&mut self, who: Who, path: &str, body: Value) -> Result<Answer, TourError> {
        let answer = self.api(who).await?.post(path, body).await?;
        self.succeeded(who, "POST", path, answer)
    }

    async fn create(
        &mut self,
        who: Who,
        path: &str,
        key: &str,
        body: Value,
    ) -> Result<Answer, TourError> {
        let answer = self.api(who).await?.create(path, key, body).await?;
        self.succeeded(who, "POST", path, answer)
    }

    /// Decides about a reservation, with a word if there is one.
    async fn act(&mut self, who: Who, path: &str, word: &str, status: &str) -> Told {
        let body = if word.is_empty() { json!({}) } else { json!({"comment": word}) };
        let answer = self.post(who, path, body).await?;
        expect(path, status, &answer.body["status"])
    }

    fn succeeded(
        &mut self,
        who: Who,
        method: &str,
        path: &str,
        answer: Answer,
    ) -> Result<Answer, TourError> {
        self.answered(who, method, path, &answer)?;
        expect(&format!("success of {path}"), true, &json!(answer.status.is_success()))?;
        Ok(answer)
    }

    fn answered(&mut self, who: Who, method: &str, path: &str, answer: &Answer) -> Told {
        writeln!(
            self.out,
            "   {}: {method} {path}\n      -> {} {}",
            who.name(),
            answer.status,
            short(&answer.body)
        )?;
        Ok(())
    }

    /// Registers a receiver twice, as somebody does whose first answer was lost.
    async fn register(&mut self, who: Who, key: &str) -> Told {
        let ear = if let Who::Site = who { &self.site_hears } else { &self.ict_hears };
        let receiver = ear.receiver.clone();
        let (path, body) = ("/v1/webhook-endpoints", json!({"url": receiver.url()}));
        let first = self.create(who, path, key, body.clone()).await?.body;
        let again = self.create(who, path, key, body).await?.body;
        expect("the repeated registration", first.clone(), &again)?;
        receiver.trust(text(&first["secret"]));
        expect("webhook endpoint", "enabled", &first["status"])
    }

    async fn open_times(&mut self, visit: Date) -> Result<Value, TourError> {
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
        self.told(&[], &[]).await?;
        Ok(opened)
    }

    /// Saves something over what was read of it.
    async fn change(&mut self, path: &str, read: &Answer, new: Value) -> Result<Value, TourError> {
        let etag = read.headers.get(ETAG).and_then(|tag| tag.to_str().ok()).unwrap_or_default();
        let api = self.api(Who::Nursery).await?;
        let saved = api.send(Method::PUT, path, Some(&new), &[("if-match", etag)]).await?;
        Ok(self.succeeded(Who::Nursery, "PUT", path, saved)?.body)
    }

    async fn find(&mut self, slot: &Value) -> Told {
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

    async fn request(&mut self, key: &str, slot: &Value) -> Result<String, TourError> {
        let body = visit_request(&self.facility, text(&slot["slot_id"]));
        let answer = self.create(Who::Site, "/v1/reservations", key, body).await?;
        expect("request", "pending", &answer.body["status"])?;
        Ok(text(&answer.body["reservation_number"]).to_owned())
    }

    async fn remaining(&mut self, slot: &Value, places: u8) -> Told {
        let slots =
            self.api.get(&format!("/v1/facilities/{}/slots?limit=100", self.facility)).await?;
        let slots = slots.body["items"].as_array().cloned().unwrap_or_default();
        let now = slots.iter().find(|other| other["slot_id"] == slot["slot_id"]);
        let remaining = now.map(|slot| slot["remaining"].clone()).unwrap_or_default();
        writeln!(self.out, "   the slot has {remaining} free places")?;
        expect("free places", places, &remaining)
    }

    async fn now(&self) -> Result<domain::Instant, TourError> {
        let told = self.api.get("/_local/clock").await?.body;
        text(&told["now"]).parse().map_err(|_| TourError::Step {
            step: "clock".into(),
            expected: "a time".into(),
            got: short(&told),
        })
    }

    /// One without a holiday in its middle, in four weeks at the latest.
    async fn next_tuesday(&self) -> Result<Date, TourError> {
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

    async fn advance(&mut self, by: &str) -> Told {
        self.move_clock(json!({"advance": by})).await
    }

    async fn move_clock(&mut self, by: Value) -> Told {
        let answer = self.api.move_clock(by).await?;
        writeln!(self.out, "   the clock moves to {}", short(&answer.body["now"]))?;
        self.tokens_are_old = true;
        Ok(())
    }

    /// Prints who was mailed and pushed what since the last time. Both vendors must have been told these
    /// events, and these people mailed.
    async fn told(&mut self, events: &[&str], mailed: &[&str]) -> Told {
        self.told_each(events, events, mailed).await
    }

    /// The same where only the search site is told.
    async fn told_site(&mut self, events: &[&str], mailed: &[&str]) -> Told {
        self.told_each(events, &[], mailed).await
    }

    /// The same where only the ICT system is told.
    async fn told_ict(&mut self, events: &[&str], mailed: &[&str]) -> Told {
        self.told_each(&[], events, mailed).await
    }

    async fn told_each(&mut self, site: &[&str], ict: &[&str], mailed: &[&str]) -> Told {
        self.print_mails(mailed).await?;
        for (who, ear, events) in
            [(Who::Site, &mut self.site_hears, site), (Who::Ict, &mut self.ict_hears, ict)]
        {
            let received = ear.receiver.received().split_off(ear.seen);
            ear.seen += received.len();
            let kinds: Vec<&str> = received.iter().map(|one| text(&one.event["type"])).collect();
            for kind in &kinds {
                writeln!(self.out, "   webhook to the {}: {kind}", who.name())?;
            }
            expect(&format!("webhooks to the {}", who.name()), json!(events), &json!(kinds))?;
            expect("webhooks with a wrong signature", 0, &json!(ear.receiver.refused()))?;
        }
        Ok(())
    }

    async fn print_mails(&mut self, mailed: &[&str]) -> Told {
        let mails = self.api.mails().await?;
        let mut expected = mailed.to_vec();
        for mail in &mails[self.mails_seen..] {
            let to = text(&mail["to"][0]);
            if text(&mail["subject"]).contains("見学の枠") {
                self.plan_mails += 1;
                continue;
            }
            if to == PARENT {
                self.letter = text(&mail["text"]).to_owned();
            }
            writeln!(self.out, "   mail to {to}: {}", text(&mail["subject"]))?;
            match expected.iter().position(|who| to.starts_with(who)) {
                Some(place) => drop(expected.remove(place)),
                None => expect("a mail to nobody else", Value::Null, &json!(to))?,
            }
        }
        expect("mails that did not come", json!([]), &json!(expected))?;
        self.mails_seen = mails.len();
        Ok(())
    }
}

fn at(day: Date, hour: i8) -> domain::Instant {
    domain::Instant::at(day, jiff::civil::time(hour, 0, 0, 0))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn expect(step: &str, expected: impl Into<Value>, got: &Value) -> Told {
    let expected = expected.into();
    if expected == *got {
        return Ok(());
    }
    Err(TourError::Step { step: step.into(), expected: expected.to_string(), got: got.to_string() })
}

/// A body on one line, secrets and long texts cut.
fn short(body: &Value) -> String {
    let Some(fields) = body.as_object() else {
        return body.as_str().map_or_else(|| body.to_string(), str::to_owned);
    };
    let shown =
        ["reservation_number", "status", "comment", "starts_at", "id", "url", "type", "detail"];
    let parts: Vec<String> = shown
        .iter()
        .filter_map(|name| fields.get(*name).filter(|value| !value.is_null()))
        .map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
        .collect();
    parts.join(" · ")
}
