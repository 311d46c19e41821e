//! What the story prints, and what must have come out.

use std::io::Write;

use http::header::CONTENT_TYPE;
use serde_json::{Map, Value, json};

use super::{COLLEAGUE, PARENT, Tour, TourError, TourResult, Who};
use crate::api::Answer;

impl<W: Write> Tour<'_, W> {
    /// Says what this is, to somebody who has never heard of it.
    pub(super) fn introduce(&mut self, url: &str) -> TourResult {
        writeln!(
            self.out,
            "hokatsu is a hub for finding a nursery: families ask for a visit through any search site, nurseries\n\
             answer in their own system or here, and everybody concerned is told. This is the hub at {url},\n\
             showing itself with people who do not exist and a clock that is moved, so that weeks pass at once.\n\n\
             Each step says who calls what, and what is answered; then who is mailed, and which system is\n\
             pushed a webhook. The tour ends with an error if any step does not come out as it should."
        )?;
        Ok(())
    }

    /// Begins a scene: what happens, and what it shows.
    pub(super) fn scene(&mut self, title: &str, shows: &str) -> TourResult {
        writeln!(self.out, "\n== {title}\n   {shows}")?;
        Ok(())
    }

    pub(super) fn succeeded(
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

    pub(super) fn answered(
        &mut self,
        who: Who,
        method: &str,
        path: &str,
        answer: &Answer,
    ) -> TourResult {
        writeln!(
            self.out,
            "   {}: {method} {path}\n      -> {} {}",
            who.name(),
            answer.status,
            shown(answer)
        )?;
        Ok(())
    }

    /// Prints who was mailed and pushed what since the last time. Both vendors must have been told these
    /// events about reservations, and these people mailed. What is about nurseries alone comes as they change.
    pub(super) async fn expect_messages(&mut self, events: &[&str], mailed: &[&str]) -> TourResult {
        self.expect_each(events, events, mailed).await
    }

    /// The same where only the search site is told.
    pub(super) async fn expect_site(&mut self, events: &[&str], mailed: &[&str]) -> TourResult {
        self.expect_each(events, &[], mailed).await
    }

    /// The same where only the ICT system is told.
    pub(super) async fn expect_ict(&mut self, events: &[&str], mailed: &[&str]) -> TourResult {
        self.expect_each(&[], events, mailed).await
    }

    async fn expect_each(&mut self, site: &[&str], ict: &[&str], mailed: &[&str]) -> TourResult {
        self.print_mails(mailed).await?;
        for (who, sink, events) in
            [(Who::Site, &mut self.site_hears, site), (Who::Ict, &mut self.ict_hears, ict)]
        {
            let received = sink.receiver.received().split_off(sink.seen);
            sink.seen += received.len();
            let mut kinds: Vec<&str> =
                received.iter().map(|one| text(&one.event["type"])).collect();
            for kind in &kinds {
                writeln!(self.out, "   webhook to the {}: {kind}", who.name())?;
            }
            kinds.retain(|kind| kind.starts_with("reservation."));
            expect(&format!("webhooks to the {}", who.name()), json!(events), &json!(kinds))?;
            expect("webhooks with a wrong signature", 0, &json!(sink.receiver.refused()))?;
        }
        Ok(())
    }

    async fn print_mails(&mut self, mailed: &[&str]) -> TourResult {
        let mails = self.api.mails().await?;
        let mut expected = mailed.to_vec();
        for mail in &mails[self.mails_seen..] {
            let to = text(&mail["to"][0]);
            if text(&mail["subject"]).contains("見学の枠") {
                self.plan_mails += 1;
                continue;
            }
            if text(&mail["subject"]).contains("施設情報") {
                self.reminded.push(to.to_owned());
                continue;
            }
            if [PARENT, COLLEAGUE].contains(&to) {
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

pub(super) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

pub(super) fn expect(step: &str, expected: impl Into<Value>, got: &Value) -> TourResult {
    let expected = expected.into();
    if expected == *got {
        return Ok(());
    }
    Err(TourError::Step { step: step.into(), expected: expected.to_string(), got: got.to_string() })
}

/// What an answer says, on one line.
fn shown(answer: &Answer) -> String {
    let kind = answer.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    match (&answer.body, kind) {
        (Value::Null, Some(kind)) if kind.starts_with("text/html") => "a page for people".into(),
        (Value::Null, Some(kind)) if kind.starts_with("text/csv") => {
            "a file for a spreadsheet".into()
        }
        (Value::Null, _) => "and nothing more to say".into(),
        (body, _) => short(body),
    }
}

/// A body on one line: what matters in it, or else how it begins. Secrets are in neither.
pub(super) fn short(body: &Value) -> String {
    if let Some(text) = body.as_str() {
        return text.to_owned();
    }
    if let Some(items) = body["items"].as_array() {
        return format!("{} in the list", items.len());
    }
    if let Some(version) = body["openapi"].as_str() {
        return format!(
            "OpenAPI {version}, {} paths",
            body["paths"].as_object().map_or(0, Map::len)
        );
    }
    let shown = [
        "reservation_number",
        "facility_name",
        "status",
        "remaining",
        "created",
        "count",
        "report",
        "comment",
        "starts_at",
        "id",
        "url",
        "type",
        "detail",
    ];
    let parts: Vec<String> = shown
        .iter()
        .filter_map(|name| Some((name, body.get(*name).filter(|value| !value.is_null())?)))
        .map(|(name, value)| {
            value.as_str().map_or_else(|| format!("{name} {value}"), str::to_owned)
        })
        .collect();
    if parts.is_empty() { start_of(&body.to_string()) } else { parts.join(" · ") }
}

fn start_of(text: &str) -> String {
    const WIDTH: usize = 90;
    let start: String = text.chars().take(WIDTH).collect();
    if start.len() < text.len() { start + " …" } else { start }
}
