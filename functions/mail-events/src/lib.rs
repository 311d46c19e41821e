//! What became of mails, as Amazon SES tells it through EventBridge: an address that bounced for good, or
//! whose owner called a mail spam, is written to no longer.
//!
//! The table learns only the mark of the address. The same event may come more than once and counts
//! once.

use domain::{applicant::Email, keys::Addresses, suppression::Suppression};
use runtime::{
    Hub, Keys, of_mailbox,
    telemetry::{Outcome, ms},
};
use serde::{Deserialize, Deserializer};
use store::StoreError;

/// An event of Amazon SES; of all it tells, what is needed here. Its `Debug` shows no address.
#[derive(Debug, Deserialize)]
pub struct MailEvent {
    detail: Detail,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "eventType")]
enum Detail {
    Bounce {
        bounce: Bounce,
    },
    Complaint {
        complaint: Complaint,
    },
    #[serde(other)]
    Other,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bounce {
    bounce_type: String,
    bounced_recipients: Vec<Recipient>,
    feedback_id: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Complaint {
    complained_recipients: Vec<Recipient>,
    #[serde(default)]
    complaint_feedback_type: Option<String>,
    feedback_id: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Recipient {
    /// `None` for what is no address: nothing could be sent to it anyway.
    #[serde(deserialize_with = "address")]
    email_address: Option<Email>,
}

fn address<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Email>, D::Error> {
    Ok(of_mailbox(&String::deserialize(from)?))
}

/// What an event means for its addresses.
struct Meaning {
    reason: Suppression,
    report: String,
    recipients: Vec<Recipient>,
}

impl Detail {
    /// `None` where the addresses are written to as before: a full mailbox may be emptied, and
    /// "not spam" takes a complaint back.
    fn meaning(self) -> Option<Meaning> {
        match self {
            Self::Bounce { bounce } => (bounce.bounce_type == "Permanent").then_some(Meaning {
                reason: Suppression::Bounce,
                report: bounce.feedback_id,
                recipients: bounce.bounced_recipients,
            }),
            Self::Complaint { complaint } => {
                let not_spam = complaint.complaint_feedback_type.as_deref() == Some("not-spam");
                (!not_spam).then_some(Meaning {
                    reason: Suppression::Complaint,
                    report: complaint.feedback_id,
                    recipients: complaint.complained_recipients,
                })
            }
            Self::Other => None,
        }
    }
}

/// Suppresses the addresses of one event; tells how many reports were new.
pub async fn handle(
    hub: &Hub,
    addresses: &Keys<Addresses>,
    event: MailEvent,
) -> Result<usize, StoreError> {
    let started = std::time::Instant::now();
    let Some(Meaning { reason, report, recipients }) = event.detail.meaning() else {
        tracing::info!(
            outcome = Outcome::Skipped.as_str(),
            duration_ms = ms(started.elapsed()),
            "mail event"
        );
        return Ok(0);
    };
    let (mut new, keys, now) = (0, addresses.ring().await, hub.clock.now());
    for address in recipients.iter().filter_map(|recipient| recipient.email_address.as_ref()) {
        let fingerprint = keys.address_fingerprint(address, now);
        let noted = hub.store.suppress(&fingerprint, reason, &report, now).await?;
        new += usize::from(noted);
    }
    tracing::info!(
        ?reason,
        report,
        outcome = if new > 0 { Outcome::Done } else { Outcome::Skipped }.as_str(),
        duration_ms = ms(started.elapsed()),
        MailBounces = (reason == Suppression::Bounce).then_some(new),
        MailComplaints = (reason == Suppression::Complaint).then_some(new),
        "mail event"
    );
    Ok(new)
}
