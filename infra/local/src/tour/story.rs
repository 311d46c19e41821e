//! The story, scene by scene.

use std::io::Write;

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{
    MUNICIPALITY, NOBODY, NURSERY, PARENT, SITE_OWNER, Tour, TourResult, Who, at,
    messages::{expect, text},
};
use crate::api::visit_request;

impl<W: Write> Tour<'_, W> {
    pub(super) async fn play(mut self, url: &str) -> TourResult {
        self.introduce(url)?;
        self.scene(
            "Engineers of a search site and of an ICT system read what the hub says of itself",
            "The API describes itself without a token, and every kind of refusal has a page that says what to do.",
        )?;
        self.get(Who::Anyone, "/openapi.json").await?;
        self.get(Who::Anyone, "/problems/state-conflict").await?;

        self.scene(
            "A municipality sends the list of its nurseries",
            "One wrong value and nothing is imported; its row comes back, and once it is right, everybody sees what it says.",
        )?;
        self.import_list().await?;

        self.scene(
            "It sends what is free next month, and how families apply for the next two years",
            "The list of a month names each nursery by its name; a list can be tried before it is imported.",
        )?;
        self.publish().await?;

        self.scene(
            "Search site and ICT system say where they want to be told",
            "Each gives an address for webhooks; the secret that signs them is told once, and never again.",
        )?;
        self.register(Who::Site, "endpoint-1").await?;
        self.register(Who::Ict, "endpoint-1").await?;
        let first = self.get(Who::Site, "/v1/webhook-endpoints").await?.body["items"][0].clone();
        let path = format!("/v1/webhook-endpoints/{}", text(&first["id"]));
        let endpoint = self.get(Who::Site, &path).await?.body;
        expect("the endpoint, without its secret", first, &endpoint)?;

        self.scene(
            "A nursery says until when it takes requests, and opens times",
            "It saves its settings, opens a slot and changes it, opens others by copy and by pattern, and closes one.",
        )?;
        let tuesday = self.next_tuesday().await?;
        let seen = self.get(Who::City, "/v1/staff/dashboard").await?.body;
        let before = seen["new"]["total"].as_u64().unwrap_or_default();
        let visit = tuesday.saturating_add(jiff::Span::new().days(10));
        let slot = self.open_times(visit).await?;

        self.scene(
            "A parent looks for a nursery and finds a free time",
            "Half-width kana find the nursery that has another writing, and its free times need no token.",
        )?;
        self.find(&slot).await?;

        self.scene(
            "The parent looks at what is free in the municipality, and how to apply there",
            "The municipality's own site frames the same table, so nobody keeps a second one.",
        )?;
        self.look_at_municipality().await?;

        self.scene(
            "A search site copies all nurseries, their times, what is free and how to apply, and follows from there",
            "It reads each feed page by page to its end; from then on, only what has changed.",
        )?;
        self.follow(&slot, json!(4)).await?;
        self.copy_feeds().await?;

        self.scene(
            "The parent asks for a visit; the nursery approves with a word",
            "One transaction takes the place and keeps the request; both sides are mailed, both systems pushed.",
        )?;
        let approved = self.request("visit-1", &slot).await?;
        self.expect_messages(&["reservation.requested"], &[PARENT, NURSERY]).await?;
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
        self.expect_messages(&["reservation.approved"], &[PARENT]).await?;
        let visits = self.get(Who::Ict, &format!("{ict}/reservations")).await?;
        expect("the word", "上履きをお持ちください。", &visits.body["items"][0]["comment"])?;
        self.follow(&slot, json!(3)).await?;

        self.scene(
            "Who sends the same request again is given the same visit; who decides again is told",
            "A repeat with its Idempotency-Key makes nothing new; a late decision hears what it lost to.",
        )?;
        let again = self.request("visit-1", &slot).await?;
        expect("the repeated request", approved.clone(), &json!(again))?;
        let late =
            self.api(Who::Nursery).await?.post(&format!("{path}/decline"), json!({})).await?;
        self.answered(Who::Nursery, "POST", &format!("{path}/decline"), &late)?;
        expect("a decision after the decision", "approved", &late.body["current_status"])?;
        self.expect_messages(&[], &[]).await?;

        self.scene(
            "Another request is declined in the ICT system; its place is free again",
            "The nursery need not open another program: its own system answers for it.",
        )?;
        let declined = self.request("visit-2", &slot).await?;
        self.expect_messages(&["reservation.requested"], &[PARENT, NURSERY]).await?;
        let decline = format!("/v1/ict/reservations/{declined}/decline");
        self.act(Who::Ict, &decline, "この日は行事のため難しくなりました。", "declined").await?;
        self.expect_messages(&["reservation.declined"], &[PARENT]).await?;
        self.remaining(&slot, 3).await?;

        self.scene(
            "The family that was approved cancels through the search site, and the nursery reads why",
            "Only the nursery's staff see who the family is and what it wrote; no vendor's answer has it.",
        )?;
        let cancel = format!("/v1/reservations/{approved}/cancel");
        let reason = json!({"reason": "子どもが熱を出しました。"});
        let answer = self.post(Who::Site, &cancel, reason).await?;
        expect("cancel", "cancelled_by_parent", &answer.body["status"])?;
        self.expect_messages(&["reservation.cancelled"], &[PARENT, NURSERY]).await?;
        self.remaining(&slot, 4).await?;
        let seen = self.get(Who::Nursery, &path).await?.body;
        expect("the applicant", "保活 花子", &seen["applicant"]["name"])?;
        expect("the reason", "子どもが熱を出しました。", &seen["history"][2]["comment"])?;
        let list = format!("/v1/staff/facilities/{}/reservations", self.facility);
        let listed = self.get(Who::Nursery, &list).await?.body["items"].clone();
        expect("visits of the nursery", 2, &json!(listed.as_array().map(Vec::len)))?;
        self.get(Who::Site, &format!("/v1/reservations/{approved}")).await?;
        let since = self.begun.replace('+', "%2B");
        let path = format!("/v1/reservations?updated_after={since}");
        let own = self.get(Who::Site, &path).await?.body["items"].clone();
        expect("visits of the search site", 2, &json!(own.as_array().map(Vec::len)))?;

        self.scene(
            "A nursery has to cancel a visit that its ICT system approved, and says why",
            "Whoever approved, the nursery may cancel, and the family reads the reason in its mail.",
        )?;
        let cancelled = self.request("visit-3", &slot).await?;
        self.expect_messages(&["reservation.requested"], &[PARENT, NURSERY]).await?;
        self.act(Who::Ict, &format!("/v1/ict/reservations/{cancelled}/approve"), "", "approved")
            .await?;
        self.expect_messages(&["reservation.approved"], &[PARENT]).await?;
        let cancel = format!("/v1/staff/reservations/{cancelled}/cancel");
        self.act(Who::Nursery, &cancel, "休園日に変わりました。", "cancelled_by_facility").await?;
        self.expect_messages(&["reservation.cancelled"], &[PARENT]).await?;
        self.remaining(&slot, 4).await?;

        self.scene(
            "A nursery forgets to answer: after a day it is asked, and asked again",
            "Nobody telephones: in business hours the hub asks, once in 24 hours.",
        )?;
        self.move_clock(json!({"set": at(tuesday, 10)})).await?;
        let waiting = self.request("visit-4", &slot).await?;
        self.expect_messages(&["reservation.requested"], &[PARENT, NURSERY]).await?;
        self.advance("PT25H").await?;
        self.expect_ict(&["reservation.reminder_pending"], &[NURSERY]).await?;
        self.advance("PT24H").await?;
        self.expect_ict(&["reservation.reminder_pending"], &[NURSERY]).await?;

        self.scene(
            "From the second asking on, the municipality gets a digest the next morning",
            "One mail a day lists all that waits in the municipality; the dashboard says so at any time.",
        )?;
        self.advance("PT21H").await?;
        self.expect_ict(&[], &[MUNICIPALITY]).await?;
        let seen = self.get(Who::City, "/v1/staff/dashboard").await?.body;
        expect("requests that wait", 1, &seen["pending"]["total"])?;

        self.scene(
            "Now the nursery answers, and nobody is asked again",
            "The answer ends the asking; two days later there is still no mail.",
        )?;
        let approve = format!("/v1/staff/reservations/{waiting}/approve");
        self.act(Who::Nursery, &approve, "お待ちしています。", "approved").await?;
        self.expect_messages(&["reservation.approved"], &[PARENT]).await?;
        self.advance("PT48H").await?;
        self.expect_messages(&[], &[]).await?;

        self.scene(
            "A parent asks on the portal, confirms by the link in a mail, and cancels by it",
            "No account: the link opens this one visit for half an hour, and reaches the nursery only when it is followed.",
        )?;
        let session = self.ask_on_portal("visit-5", &slot).await?;
        self.on_page(&session, Method::GET, "", None).await?;
        self.on_page(&session, Method::POST, "/confirm", None).await?;
        self.expect_ict(&["reservation.requested"], &[PARENT, NURSERY]).await?;
        let reason = json!({"reason": "別の園に決めました。"});
        let cancelled = self.on_page(&session, Method::POST, "/cancel", Some(reason)).await?;
        expect("cancel", "cancelled_by_parent", &cancelled["status"])?;
        self.expect_ict(&["reservation.cancelled"], &[PARENT, NURSERY]).await?;

        self.scene(
            "Another parent does the same, and the nursery approves",
            "From the confirmation on, it is a request like those of search sites.",
        )?;
        let session = self.ask_on_portal("visit-6", &slot).await?;
        let confirmed = self.on_page(&session, Method::POST, "/confirm", None).await?;
        expect("confirm", "pending", &confirmed["status"])?;
        let portal = text(&confirmed["reservation_number"]).to_owned();
        self.expect_ict(&["reservation.requested"], &[PARENT, NURSERY]).await?;
        let approve = format!("/v1/staff/reservations/{portal}/approve");
        self.act(Who::Nursery, &approve, "お待ちしております。", "approved").await?;
        self.expect_ict(&["reservation.approved"], &[PARENT]).await?;
        let page = self.on_page(&session, Method::GET, "", None).await?;
        expect("the word on the page", "お待ちしております。", &page["comment"])?;

        self.scene(
            "A third does not follow the link: after a quarter of an hour the place is free",
            "Nobody is told of it, and the next family finds the place free.",
        )?;
        self.ask_on_portal("visit-7", &slot).await?;
        self.remaining(&slot, 1).await?;
        self.advance("PT20M").await?;
        self.expect_messages(&[], &[]).await?;
        self.remaining(&slot, 2).await?;

        self.scene(
            "Somebody telephones: the nursery enters the visit, and notes what only staff may read",
            "Bookings by telephone take a place too, so that none is promised twice.",
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
        self.expect_ict(&["reservation.approved"], &[]).await?;
        self.remaining(&slot, 1).await?;

        self.scene(
            "A mail to a parent bounces: the hub does not write there again",
            "The nursery's answer reaches the search site all the same.",
        )?;
        let mut body = visit_request(&self.facility, text(&slot["slot_id"]));
        // Another one in each story: a hub does not forget it.
        let digits = self.begun.chars().filter(char::is_ascii_digit);
        let nobody = format!("{NOBODY}-{}@example.jp", digits.collect::<String>());
        body["applicant"]["email"] = nobody.as_str().into();
        let asked = self.create(Who::Site, "/v1/reservations", "visit-9", body).await?.body;
        self.expect_messages(&["reservation.requested"], &[NOBODY, NURSERY]).await?;
        self.api.post("/_local/bounce", json!({"address": nobody})).await?;
        let decline =
            format!("/v1/staff/reservations/{}/decline", text(&asked["reservation_number"]));
        self.act(Who::Nursery, &decline, "", "declined").await?;
        self.expect_messages(&["reservation.declined"], &[]).await?;

        self.scene(
            "The search site's receiver is down for a moment, and is told when it is up again",
            "The second attempt comes after five seconds, under the same id.",
        )?;
        self.site_hears.receiver.answer_with(Some(StatusCode::SERVICE_UNAVAILABLE));
        let declined = self.request("visit-10", &slot).await?;
        self.expect_messages(&["reservation.requested"], &[PARENT, NURSERY]).await?;
        self.site_hears.receiver.answer_with(None);
        self.advance("PT6S").await?;
        self.expect_site(&["reservation.requested"], &[]).await?;

        self.scene(
            "It is down for days: the hub gives up, and writes to whoever runs it",
            "Ten attempts in four days, further and further apart; then the endpoint is disabled.",
        )?;
        self.site_hears.receiver.answer_with(Some(StatusCode::SERVICE_UNAVAILABLE));
        let decline = format!("/v1/staff/reservations/{declined}/decline");
        self.act(Who::Nursery, &decline, "", "declined").await?;
        self.expect_messages(&["reservation.declined"], &[PARENT]).await?;
        // Longer than the hub waits until each of its attempts; the longest waits are two on the queue.
        for wait in [
            "PT10S", "PT10M", "PT1H", "PT3H", "PT8H", "PT13H", "PT13H", "PT3H", "PT13H", "PT10H",
            "PT13H", "PT13H",
        ] {
            self.advance(wait).await?;
        }
        self.expect_site(&["reservation.declined"; 9], &[SITE_OWNER]).await?;
        let endpoint = self.get(Who::Site, "/v1/webhook-endpoints").await?.body["items"][0].clone();
        expect("the endpoint", "disabled", &endpoint["status"])?;
        self.leave(Who::Site, &endpoint).await?;

        self.scene(
            "The day of the visit comes, and the nursery notes who came",
            "A reminder goes out; who came is noted, and what nobody notes counts as having taken place.",
        )?;
        self.move_clock(json!({"set": at(visit, 9)})).await?;
        self.expect_messages(&[], &[PARENT, PARENT]).await?;
        self.move_clock(json!({"set": at(visit, 15)})).await?;
        let path = "/v1/staff/reservations";
        self.act(Who::Nursery, &format!("{path}/{telephoned}/complete"), "", "completed").await?;
        self.act(Who::Nursery, &format!("{path}/{waiting}/no-show"), "", "no_show").await?;
        self.expect_messages(&[], &[]).await?;
        let next_day = visit.saturating_add(jiff::Span::new().days(1));
        self.move_clock(json!({"set": at(next_day, 8)})).await?;
        let came = self.get(Who::Nursery, &format!("{path}/{portal}")).await?.body;
        expect("a visit that nobody noted", "completed", &came["status"])?;
        self.expect_messages(&[], &[]).await?;

        self.scene(
            "The municipality looks at what waits, and at what became of it all",
            "A dashboard and eight reports, each as JSON and as a file for a spreadsheet.",
        )?;
        self.count_visits(before, tuesday, visit).await?;

        self.scene(
            "The nursery wants its mails to go to a colleague as well, who is asked first",
            "A new address gets a link, and the nursery's mails once somebody has followed it.",
        )?;
        self.add_colleague().await?;

        self.scene(
            "The nursery closes later from now on: its municipality sees what changes, and approves",
            "Nobody else sees anything of it before; from the approval on, it shows to everybody.",
        )?;
        // Boxed: the story is one future, and large.
        Box::pin(self.change_closing_time()).await?;

        self.scene(
            "Of three more changes the municipality rejects one, and approves two by one call",
            "The nursery reads the reason. What is about other items is never in the way.",
        )?;
        Box::pin(self.decide_several()).await?;

        self.scene(
            "The municipality takes out what it has: for its spreadsheets, for publication, and for another hub",
            "Its own list changes nothing when it is imported again, and the archive is taken by an empty hub alone.",
        )?;
        Box::pin(self.take_out()).await?;

        self.scene(
            "A nursery forgets a draft, and its municipality a decision",
            "Nothing of it shows, and nobody is mailed of it today.",
        )?;
        let forgotten = Box::pin(self.forget_changes()).await?;

        self.scene(
            "On the 10th, nurseries that opened nothing for the third month ahead are asked",
            "It happens on every 10th at 9:00 that the clock passes.",
        )?;
        let mut tenth = next_day;
        while tenth.day() != 10 {
            tenth = tenth.tomorrow().unwrap_or(tenth);
        }
        if self.plan_mails == 0 {
            self.move_clock(json!({"set": at(tenth, 9)})).await?;
        }
        self.expect_messages(&[], &[]).await?;
        writeln!(self.out, "   {} mails ask for slots", self.plan_mails)?;
        expect("mails that ask for slots", true, &json!(self.plan_mails > 0))?;

        self.scene(
            "Seven days after a visit, its time leaves the feed",
            "Whoever follows the feed drops it from their copy by the same way that it came.",
        )?;
        let gone = at(visit.saturating_add(jiff::Span::new().days(8)), 9);
        if self.now().await? < gone {
            self.move_clock(json!({"set": gone})).await?;
        }
        self.expect_messages(&[], &[]).await?;
        self.follow(&slot, Value::Null).await?;

        self.scene(
            "What both forgot, they are asked about on a Monday",
            "From the seventh day on, once a week, until it is done.",
        )?;
        // The visit is on a Friday.
        let monday = at(visit.saturating_add(jiff::Span::new().days(10)), 9);
        if self.now().await? < monday {
            self.move_clock(json!({"set": monday})).await?;
        }
        Box::pin(self.remember_changes(forgotten)).await?;

        self.scene(
            "An ICT system wants to be told no more, and looks at which nurseries are linked to it",
            "It deletes its endpoint. Each nursery links its system itself.",
        )?;
        let endpoint = self.get(Who::Ict, "/v1/webhook-endpoints").await?.body["items"][0].clone();
        self.leave(Who::Ict, &endpoint).await?;
        let linked = self.get(Who::Ict, "/v1/ict/facilities").await?.body["items"].clone();
        let is_linked = |it: &Value| it["facility_id"] == self.facility.as_str();
        let linked = linked.as_array().is_some_and(|linked| linked.iter().any(is_linked));
        expect("whether the nursery is linked", true, &json!(linked))?;

        writeln!(self.out, "\nEverything came out as it should.")?;
        Ok(())
    }
}
