//! A nursery changes its data, and its municipality decides.

use std::{
    io::Write,
    time::{Duration, Instant},
};

use http::{Method, header::ETAG};
use serde_json::{Value, json};

use super::{
    MUNICIPALITY, NURSERY, Tour, TourError, TourResult, Who,
    messages::{expect, text},
};
use crate::api::Answer;

/// Where a municipality sees what its nurseries ask for.
const REVIEW: &str = "/v1/staff/change-requests";

fn etag(of: &Answer) -> String {
    let etag = of.headers.get(ETAG).and_then(|tag| tag.to_str().ok());
    etag.unwrap_or_default().to_owned()
}

impl<W: Write> Tour<'_, W> {
    /// A nursery changes when it closes, and under which number it is called.
    pub(super) async fn change_closing_time(&mut self) -> TourResult {
        let public = format!("/v1/facilities/{}", self.facility);
        let before = self.get(Who::Anyone, &public).await?;
        // Other values than now, so that the story can be told again.
        let other = before.body["weekday_closes_at"] != "19:15";
        let closes = if other { "19:15" } else { "19:00" };
        let (typed, phone) =
            if other { ("03-0000-0011", "03-0000-0001") } else { ("03-0000-0022", "03-0000-0002") };

        let changes = json!({"weekday_closes_at": closes, "phone": typed});
        let draft = self.ask_for_change("change-1", changes, false).await?;
        let own = format!("{}/{}", self.own_changes(), text(&draft["change_request_id"]));
        let read = self.get(Who::Nursery, &own).await?;
        let submit = json!({"changes": {"features": null}, "submit": true});
        let submitted = self.edit(Who::Nursery, &own, &etag(&read), submit).await?;
        expect("the change request", "submitted", &submitted["status"])?;
        self.expect_messages(&[], &[]).await?;
        let unchanged = self.get(Who::Anyone, &public).await?;
        expect("what anybody sees", etag(&before), &json!(etag(&unchanged)))?;

        let waiting = format!("{REVIEW}?status=submitted");
        let listed = self.get(Who::City, &waiting).await?.body["items"][0].clone();
        expect("what waits", draft["change_request_id"].clone(), &listed["change_request_id"])?;
        let path = format!("{REVIEW}/{}", text(&draft["change_request_id"]));
        let seen = self.get(Who::City, &path).await?;
        let asked = seen.body["diff"].as_array().into_iter().flatten();
        for change in asked {
            let (field, from, to) = (text(&change["field"]), &change["from"], &change["to"]);
            writeln!(self.out, "      {field}: {from} -> {to}")?;
        }
        let correction = json!({"changes": {"phone": phone}});
        let corrected = self.edit(Who::City, &path, &etag(&seen), correction).await?;
        expect("what the municipality corrected", json!(["phone"]), &corrected["corrected"])?;
        let told_before = self.ict_hears.receiver.received().len();
        let approved = self.post(Who::City, &format!("{path}/approve"), json!({})).await?.body;
        expect("the change request", "approved", &approved["status"])?;
        let since = Instant::now();
        let shown = self.get(Who::Anyone, &public).await?.body;
        expect("when it closes", closes, &shown["weekday_closes_at"])?;
        self.seen_everywhere(told_before, closes, phone, since).await?;
        self.expect_messages(&[], &[]).await?;

        let history = format!("/v1/staff/facilities/{}/history", self.facility);
        let newest = self.get(Who::Nursery, &history).await?.body["items"][0].clone();
        let number = draft["change_request_number"].clone();
        expect("the newest change", number, &newest["change_request_number"])
    }

    /// Whoever searches, reads the feed or hears of it by webhook sees the change. Prints how long each took since the
    /// approval: the contract says five seconds.
    async fn seen_everywhere(
        &mut self,
        told_before: usize,
        closes: &str,
        phone: &str,
        since: Instant,
    ) -> TourResult {
        let search =
            "/v1/facilities?municipality=131199&q=%E3%81%8B%E3%81%AA%E3%81%84%E3%81%8F%E3%81%BC";
        let (mut told, mut found, mut fed) = (None, None, None);
        while told.is_none() || found.is_none() || fed.is_none() {
            expect(
                "seen within a minute",
                true,
                &json!(since.elapsed() < Duration::from_secs(60)),
            )?;
            let heard = self.ict_hears.receiver.received().split_off(told_before);
            let event = heard.into_iter().map(|one| one.event).rfind(|event| {
                event["type"] == "facility.updated"
                    && event["data"]["facility_id"] == self.facility.as_str()
            });
            if let Some(event) = event {
                told.get_or_insert_with(|| since.elapsed());
                // The event's number is that of the feed: what comes after the one before is the change.
                let before = event["sequence"].as_u64().unwrap_or_default().saturating_sub(1);
                let feed = format!("/v1/feeds/facilities?afterChangeNumber={before}");
                let item = self.api.get(&feed).await?.body["items"][0]["data"].clone();
                if item["weekday_closes_at"] == closes {
                    fed.get_or_insert_with(|| since.elapsed());
                }
            }
            let item = self.api.get(search).await?.body["items"][0].clone();
            if digits(&item["phone"]) == phone.replace('-', "") {
                found.get_or_insert_with(|| since.elapsed());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let seconds = |after: Option<Duration>| after.unwrap_or_default().as_secs_f64();
        writeln!(
            self.out,
            "   seen by webhook {:.1} s, in the feed {:.1} s, in a search {:.1} s after the approval",
            seconds(told),
            seconds(fed),
            seconds(found)
        )?;
        Ok(())
    }

    /// Of three more, one is rejected with a reason, and two are approved by one call.
    pub(super) async fn decide_several(&mut self) -> TourResult {
        let public = format!("/v1/facilities/{}", self.facility);
        let shown = self.get(Who::Anyone, &public).await?.body;
        let note = |field: &str| format!("{}。", text(&shown[field]));
        let mut ids = Vec::new();
        for (key, field) in [
            ("change-2", "features"),
            ("change-3", "operation_policy"),
            ("change-4", "care_content"),
        ] {
            let changes = json!({field: note(field)});
            let asked = self.ask_for_change(key, changes, true).await?;
            ids.push(asked["change_request_id"].clone());
        }
        let path = format!("{REVIEW}/{}/reject", text(&ids[0]));
        let reason = json!({"reason": "内容を確認してください。"});
        let rejected = self.post(Who::City, &path, reason.clone()).await?.body;
        expect("the reason", reason["reason"].clone(), &rejected["reason"])?;
        let both = json!({"ids": ids[1..]});
        let came = self.post(Who::City, &format!("{REVIEW}/approve"), both).await?.body;
        for item in came["items"].as_array().into_iter().flatten() {
            expect("one of several", "approved", &item["outcome"])?;
        }
        let own = self.own_changes();
        let listed = self.get(Who::Nursery, &own).await?.body["items"].clone();
        expect(
            "the nursery's newest change request",
            ids[2].clone(),
            &listed[0]["change_request_id"],
        )?;
        self.expect_messages(&[], &[]).await
    }

    /// A draft and a change request are left lying; their ids.
    pub(super) async fn forget_changes(&mut self) -> Result<[String; 2], TourError> {
        let public = format!("/v1/facilities/{}", self.facility);
        let shown = self.get(Who::Anyone, &public).await?.body;
        let changes = json!({"features": format!("{}。", text(&shown["features"]))});
        let draft = self.ask_for_change("change-5", changes.clone(), false).await?;
        let asked = self.ask_for_change("change-6", changes, true).await?;
        self.expect_messages(&[], &[]).await?;
        self.reminded.clear();
        Ok([draft, asked].map(|request| text(&request["change_request_id"]).to_owned()))
    }

    /// Both were asked about on a Monday, and then act.
    pub(super) async fn remember_changes(&mut self, [draft, asked]: [String; 2]) -> TourResult {
        self.expect_messages(&[], &[]).await?;
        for who in [NURSERY, MUNICIPALITY] {
            let mails = self.reminded.iter().filter(|to| to.starts_with(who)).count();
            writeln!(self.out, "   mails to {who}… that ask for it: {mails}")?;
            expect("whether who forgot it is asked", true, &json!(mails > 0))?;
        }
        let own = format!("{}/{draft}", self.own_changes());
        let withdrawn = self.edit(Who::Nursery, &own, "*", json!({"withdraw": true})).await?;
        expect("the draft", "withdrawn", &withdrawn["status"])?;
        let path = format!("{REVIEW}/{asked}/approve");
        let approved = self.post(Who::City, &path, json!({})).await?.body;
        expect("the change request", "approved", &approved["status"])?;
        // All else is right as it is: it is asked to look through it a year later at the earliest.
        let public = format!("/v1/facilities/{}", self.facility);
        let base = json!({"base_etag": etag(&self.get(Who::Anyone, &public).await?)});
        let confirm = format!("/v1/staff/facilities/{}/confirm", self.facility);
        self.post(Who::Nursery, &confirm, base).await?;
        let confirmed = self.get(Who::Anyone, &public).await?.body["confirmed_at"].clone();
        expect("whether families see when", true, &json!(confirmed.is_string()))
    }

    fn own_changes(&self) -> String {
        format!("/v1/staff/facilities/{}/change-requests", self.facility)
    }

    async fn ask_for_change(
        &mut self,
        key: &str,
        changes: Value,
        submit: bool,
    ) -> Result<Value, TourError> {
        let shown = self.get(Who::Anyone, &format!("/v1/facilities/{}", self.facility)).await?;
        let body = json!({"base_etag": etag(&shown), "changes": changes, "submit": submit});
        let path = self.own_changes();
        Ok(self.create(Who::Nursery, &path, key, body).await?.body)
    }

    async fn edit(
        &mut self,
        who: Who,
        path: &str,
        etag: &str,
        body: Value,
    ) -> Result<Value, TourError> {
        let api = self.api(who).await?;
        let edited = api.send(Method::PATCH, path, Some(&body), &[("if-match", etag)]).await?;
        Ok(self.succeeded(who, "PATCH", path, edited)?.body)
    }
}

fn digits(phone: &Value) -> Value {
    text(phone).replace('-', "").into()
}
