//! What the story prints, and what must have come out.

use std::io::Write;

use serde_json::{Value, json};

use super::{PARENT, Told, Tour, TourError, Who};
use crate::api::Answer;

impl<W: Write> Tour<'_, W> {
    pub(super) fn scene(&mut self, title: &str) -> Told {
        writeln!(self.out, "\n== {title}")?;
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

    pub(super) fn answered(&mut self, who: Who, method: &str, path: &str, answer: &Answer) -> Told {
        writeln!(
            self.out,
            "   {}: {method} {path}\n      -> {} {}",
            who.name(),
            answer.status,
            short(&answer.body)
        )?;
        Ok(())
    }

    /// Prints who was mailed and pushed what since the last time. Both vendors must have been told these
    /// events, and these people mailed.
    pub(super) async fn told(&mut self, events: &[&str], mailed: &[&str]) -> Told {
        self.told_each(events, events, mailed).await
    }

    /// The same where only the search site is told.
    pub(super) async fn told_site(&mut self, events: &[&str], mailed: &[&str]) -> Told {
        self.told_each(events, &[], mailed).await
    }

    /// The same where only the ICT system is told.
    pub(super) async fn told_ict(&mut self, events: &[&str], mailed: &[&str]) -> Told {
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

pub(super) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

pub(super) fn expect(step: &str, expected: impl Into<Value>, got: &Value) -> Told {
    let expected = expected.into();
    if expected == *got {
        return Ok(());
    }
    Err(TourError::Step { step: step.into(), expected: expected.to_string(), got: got.to_string() })
}

/// A body on one line, secrets and long texts cut.
pub(super) fn short(body: &Value) -> String {
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
