//! The whole story, played against a hub of its own with a moving clock: the demonstration for somebody who
//! has never heard of the hub. It fails if any step does.

use std::io::{self, Write};

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
    let receivers = (Receiver::start().await?, Receiver::start().await?);
    let url = hub.url();
    Tour::begin(out, &url, receivers).await?.play().await
}

/// Somebody who walks through the story.
struct Tour<'a, W> {
    out: &'a mut W,
    api: Api,
    site: Api,
    ict: Api,
    staff: Api,
    facility: String,
    site_hears: Receiver,
    ict_hears: Receiver,
    mails_seen: usize,
    webhooks_seen: (usize, usize),
}

impl<'a, W: Write> Tour<'a, W> {
    async fn begin(
        out: &'a mut W,
        url: &str,
        (site_hears, ict_hears): (Receiver, Receiver),
    ) -> Result<Self, TourError> {
        let api = Api::new(url)?;
        let (staff, facility) = api.as_user("facility", 0).await?;
        Ok(Self {
            out,
            site: api.as_client("search_site", 0).await?,
            ict: api.as_client("ict", 0).await?,
            api,
            staff,
            facility,
            site_hears,
            ict_hears,
            mails_seen: 0,
            webhooks_seen: (0, 0),
        })
    }

    async fn play(mut self) -> Told {
        self.scene("A search site and a nursery's ICT system say where they want to be told")?;
        self.register().await?;

        self.scene("A parent looks for a nursery and finds a free time")?;
        let slot = self.find().await?;

        self.scene("The parent asks for a visit; the nursery approves with a word")?;
        let approved = self.request("visit-1", &slot).await?;
        self.told(&["reservation.requested"]).await?;
        let comment = json!({"comment": "上履きをお持ちください。"});
        self.act(&format!("/v1/staff/reservations/{approved}/approve"), comment, "approved")
            .await?;
        self.told(&["reservation.approved"]).await?;

        self.scene("Another request is declined in the ICT system; its place is free again")?;
        let declined = self.request("visit-2", &slot).await?;
        self.told(&["reservation.requested"]).await?;
        let path = format!("/v1/ict/reservations/{declined}/decline");
        let answer = self
            .ict
            .post(&path, json!({"comment": "この日は行事のため難しくなりました。"}))
            .await?;
        self.answered("ICT system", "POST", &path, &answer)?;
        expect("decline", "declined", &answer.body["status"])?;
        self.told(&["reservation.declined"]).await?;
        self.remaining(&slot, 2).await?;

        self.scene("The family that was approved cancels through the search site")?;
        let path = format!("/v1/reservations/{approved}/cancel");
        let answer = self.site.post(&path, json!({"reason": "子どもが熱を出しました。"})).await?;
        self.answered("search site", "POST", &path, &answer)?;
        expect("cancel", "cancelled_by_parent", &answer.body["status"])?;
        self.told(&["reservation.cancelled"]).await?;
        self.remaining(&slot, 3).await?;

        self.scene("A nursery has to cancel a visit that it approved, and says why")?;
        let cancelled = self.request("visit-3", &slot).await?;
        self.told(&["reservation.requested"]).await?;
        let path = format!("/v1/staff/reservations/{cancelled}");
        self.act(&format!("{path}/approve"), json!({}), "approved").await?;
        self.told(&["reservation.approved"]).await?;
        let comment = json!({"comment": "休園日に変わりました。"});
        self.act(&format!("{path}/cancel"), comment, "cancelled_by_facility").await?;
        self.told(&["reservation.cancelled"]).await?;
        self.remaining(&slot, 3).await?;

        self.scene("A nursery forgets to answer: after a day it is asked, and asked again")?;
        self.next_tuesday().await?;
        let slot = self.api.open_slot(&self.facility).await?;
        let waiting = self.request("visit-4", &slot).await?;
        self.told(&["reservation.requested"]).await?;
        self.advance("PT25H").await?;
        self.told_ict(&["reservation.reminder_pending"]).await?;
        self.advance("PT24H").await?;
        self.told_ict(&["reservation.reminder_pending"]).await?;

        self.scene("From the second asking on, the municipality gets a digest the next morning")?;
        self.advance("PT21H").await?;
        self.told_ict(&[]).await?;

        self.scene("Now the nursery answers, and nobody is asked again")?;
        let path = format!("/v1/staff/reservations/{waiting}/approve");
        self.act(&path, json!({}), "approved").await?;
        self.told(&["reservation.approved"]).await?;
        self.advance("PT48H").await?;
        self.told(&[]).await?;

        writeln!(self.out, "\nEverything came out as it should.")?;
        Ok(())
    }

    fn scene(&mut self, title: &str) -> Told {
        writeln!(self.out, "\n== {title}")?;
        Ok(())
    }

    fn answered(&mut self, who: &str, method: &str, path: &str, answer: &Answer) -> Told {
        writeln!(
            self.out,
            "   {who}: {method} {path}\n      -> {} {}",
            answer.status,
            short(&answer.body)
        )?;
        Ok(())
    }

    async fn register(&mut self) -> Told {
        for (who, api, receiver) in [
            ("search site", self.site.clone(), self.site_hears.clone()),
            ("ICT system", self.ict.clone(), self.ict_hears.clone()),
        ] {
            let body = json!({"url": receiver.url()});
            let answer = api.create("/v1/webhook-endpoints", "endpoint-1", body).await?;
            receiver.trust(answer.body["secret"].as_str().unwrap_or_default());
            self.answered(who, "POST", "/v1/webhook-endpoints", &answer)?;
            expect("webhook endpoint", "enabled", &answer.body["status"])?;
        }
        Ok(())
    }

    async fn find(&mut self) -> Result<Value, TourError> {
        let path = "/v1/facilities?municipality=131199&q=%EF%BD%B6%EF%BE%85%EF%BD%B2%EF%BD%B8%EF%BE%8E%EF%BE%9E";
        let answer = self.api.get(path).await?;
        writeln!(self.out, "   anyone: GET /v1/facilities?municipality=131199&q=ｶﾅｲｸﾎﾞ")?;
        let found = &answer.body["items"][0];
        writeln!(
            self.out,
            "      -> {} {} {}, next free slot {}",
            answer.status,
            found["facility_id"].as_str().unwrap_or_default(),
            found["facility_name"].as_str().unwrap_or_default(),
            found["next_slot_at"].as_str().unwrap_or_default()
        )?;
        expect("search", self.facility.clone(), &found["facility_id"])?;
        let slot = self.api.open_slot(&self.facility).await?;
        writeln!(
            self.out,
            "   anyone: GET /v1/facilities/{}/slots\n      -> {} {} {} of {} places free",
            self.facility,
            slot["slot_number"].as_str().unwrap_or_default(),
            slot["starts_at"].as_str().unwrap_or_default(),
            slot["remaining"],
            slot["capacity"]
        )?;
        expect("slot", "open", &slot["status"])?;
        Ok(slot)
    }

    async fn request(&mut self, key: &str, slot: &Value) -> Result<String, TourError> {
        let slot = slot["slot_id"].as_str().unwrap_or_default();
        let body = visit_request(&self.facility, slot);
        let answer = self.site.create("/v1/reservations", key, body).await?;
        self.answered("search site", "POST", "/v1/reservations", &answer)?;
        expect("request", "pending", &answer.body["status"])?;
        Ok(answer.body["reservation_number"].as_str().unwrap_or_default().to_owned())
    }

    async fn act(&mut self, path: &str, body: Value, status: &str) -> Told {
        let answer = self.staff.post(path, body).await?;
        self.answered("nursery", "POST", path, &answer)?;
        expect(path, status, &answer.body["status"])
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

    async fn next_tuesday(&mut self) -> Told {
        let now = self.api.get("/_local/clock").await?;
        let now: domain::Instant =
            now.body["now"].as_str().unwrap_or_default().parse().map_err(|_| TourError::Step {
                step: "clock".into(),
                expected: "a time".into(),
                got: short(&now.body),
            })?;
        // The week after next at the latest, and one without a holiday in its middle.
        let plain = |day: &jiff::civil::Date| {
            let until = day.saturating_add(jiff::Span::new().days(3));
            day.weekday() == jiff::civil::Weekday::Tuesday
                && domain::time::days(*day, until).all(domain::time::is_business_day)
        };
        let later = now.date().saturating_add(jiff::Span::new().days(28));
        let tuesday = domain::time::days(now.date().tomorrow().unwrap_or(later), later).find(plain);
        let tuesday = tuesday.unwrap_or(later);
        let ten = domain::Instant::at(tuesday, jiff::civil::time(10, 0, 0, 0));
        let answer = self.api.move_clock(json!({"set": ten})).await?;
        writeln!(self.out, "   the clock moves to {}", short(&answer.body["now"]))?;
        Ok(())
    }

    async fn advance(&mut self, by: &str) -> Told {
        let answer = self.api.move_clock(json!({"advance": by})).await?;
        writeln!(self.out, "   the clock moves by {by} to {}", short(&answer.body["now"]))?;
        Ok(())
    }

    /// Prints who was mailed and pushed what since the last time; the site and the ICT system must
    /// have been told these events.
    async fn told(&mut self, events: &[&str]) -> Told {
        self.print_mails().await?;
        let site: Vec<String> = kinds(&self.site_hears, self.webhooks_seen.0);
        self.webhooks_seen.0 += site.len();
        for kind in &site {
            writeln!(self.out, "   webhook to the search site: {kind}")?;
        }
        expect("webhooks to the search site", json!(events), &json!(site))?;
        self.print_ict(events)
    }

    /// The same where only the ICT system is told.
    async fn told_ict(&mut self, events: &[&str]) -> Told {
        self.print_mails().await?;
        self.print_ict(events)
    }

    fn print_ict(&mut self, events: &[&str]) -> Told {
        let ict: Vec<String> = kinds(&self.ict_hears, self.webhooks_seen.1);
        self.webhooks_seen.1 += ict.len();
        for kind in &ict {
            writeln!(self.out, "   webhook to the ICT system: {kind}")?;
        }
        expect("webhooks to the ICT system", json!(events), &json!(ict))?;
        expect("webhooks with a wrong signature", 0, &json!(self.ict_hears.refused()))
    }

    async fn print_mails(&mut self) -> Told {
        let mails = self.api.mails().await?;
        for mail in &mails[self.mails_seen..] {
            writeln!(
                self.out,
                "   mail to {}: {}",
                mail["to"][0].as_str().unwrap_or_default(),
                mail["subject"].as_str().unwrap_or_default()
            )?;
        }
        self.mails_seen = mails.len();
        Ok(())
    }
}

fn kinds(receiver: &Receiver, seen: usize) -> Vec<String> {
    let received = receiver.received();
    let new = received[seen..].iter();
    new.map(|received| received.event["type"].as_str().unwrap_or_default().to_owned()).collect()
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
