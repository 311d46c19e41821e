//! The systems that call the hub and are told by it.

use deserr::Deserr;
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    ClientId, Sealed, Timestamp, WebhookEndpointId,
    event::EventType,
    invalid::{InputErrors, Invalid},
    text,
};

/// The two kinds of vendor systems.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum VendorKind {
    /// A private search site (SYS-02).
    SearchSite,
    /// A nursery ICT system (SYS-03).
    Ict,
}

impl VendorKind {
    /// As it stands in JSON, and in what the authorizer says of a caller.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SearchSite => "search_site",
            Self::Ict => "ict",
        }
    }

    /// The kind of this name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::SearchSite, Self::Ict].into_iter().find(|kind| kind.as_str() == name)
    }

    /// Whether a vendor of this kind is told of such an event at all.
    pub fn hears(self, event: EventType) -> bool {
        self == Self::Ict || event != EventType::ReminderPending
    }
}

/// Whether a vendor may call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VendorStatus {
    /// It may.
    #[default]
    Active,
    /// An operator locked it out: its tokens give no access, however long they are good.
    Suspended,
}

/// Whether a webhook endpoint is sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EndpointStatus {
    /// It is.
    Enabled,
    /// It answered 410, or to no attempt of a delivery; nothing is sent any more.
    Disabled,
}

/// A receiver of webhooks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookEndpoint {
    /// Its id.
    pub id: WebhookEndpointId,
    /// Whose it is.
    pub client_id: ClientId,
    /// What the client is.
    pub kind: VendorKind,
    /// Where events are posted.
    pub url: String,
    /// Which events; empty for all.
    pub event_types: Vec<EventFilter>,
    /// The owner's note.
    pub description: Option<Description>,
    /// Whether it is sent to.
    pub status: EndpointStatus,
    /// What deliveries are signed with.
    pub secret: Sealed,
    /// When it was created.
    pub created_at: Timestamp,
    /// How deliveries to it went lately.
    pub breaker: Breaker,
}

/// Keeps a receiver that fails from being sent all that is new: while it is open, only repeats of what failed
/// before, and now and then one new delivery, find out whether the receiver is back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Breaker {
    /// Attempts that failed since the last one that did not.
    pub failures: u32,
    /// When the next new delivery may be tried.
    pub next_try_at: Option<Timestamp>,
}

impl Breaker {
    /// After so many failures it opens.
    pub const FAILURES: u32 = 5;

    /// While it is open, a new delivery is tried this often.
    pub const TRY_EVERY: SignedDuration = SignedDuration::from_mins(5);

    /// Whether new deliveries are held back but for one now and then.
    pub fn is_open(self) -> bool {
        self.failures >= Self::FAILURES
    }

    /// Whether not even one may be tried now.
    pub fn holds(self, now: Timestamp) -> bool {
        self.is_open() && self.next_try_at.is_some_and(|at| now < at)
    }
}

/// A client has this many endpoints at most.
pub const ENDPOINTS_AT_MOST: usize = 20;

impl WebhookEndpoint {
    /// Whether this endpoint gets such an event.
    pub fn wants(&self, event: EventType) -> bool {
        self.status == EndpointStatus::Enabled
            && self.kind.hears(event)
            && (self.event_types.is_empty() || self.event_types.iter().any(|f| f.matches(event)))
    }
}

/// The name of a kind of event, or of all of a family: `reservation.*`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, examples("reservation.*"))]
pub struct EventFilter(String);

impl EventFilter {
    fn matches(&self, event: EventType) -> bool {
        match self.0.strip_suffix('*') {
            Some(family) => event.as_str().starts_with(family),
            None => event.as_str() == self.0,
        }
    }
}

impl std::str::FromStr for EventFilter {
    type Err = Invalid;
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let filter = Self(text.into());
        let known = EventType::ALL.into_iter().any(|kind| filter.matches(kind));
        let whole = text.strip_suffix('*').is_none_or(|family| family.ends_with('.'));
        if known && whole { Ok(filter) } else { Err(Invalid::Format("reservation.*")) }
    }
}

impl TryFrom<String> for EventFilter {
    type Error = Invalid;
    fn try_from(text: String) -> Result<Self, Invalid> {
        text.parse()
    }
}

impl From<EventFilter> for String {
    fn from(filter: EventFilter) -> String {
        filter.0
    }
}

crate::invalid::deserr_from_text!(EventFilter);

/// What a vendor sends to be told of events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserr, ToSchema)]
#[deserr(error = InputErrors, deny_unknown_fields)]
pub struct CreateWebhookEndpoint {
    /// An `https` address that the internet can reach, up to 500 characters.
    #[deserr(try_from(String) = address -> Invalid)]
    #[schema(format = "uri", max_length = 500, examples("https://vendor.example/hokatsu"))]
    pub url: String,
    /// Which events to send; all that concern the vendor when left out.
    #[deserr(default)]
    #[schema(required = false)]
    pub event_types: Vec<EventFilter>,
    /// A note for the vendor's own use, up to 200 characters.
    #[deserr(default, try_from(Option<String>) = text::optional -> Invalid)]
    pub description: Option<Description>,
}

crate::text::label!(
    /// A vendor's own note about a receiver, up to 200 characters.
    Description, 200
);

fn address(text: String) -> Result<String, Invalid> {
    text::one_line(&text, 500)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_names_a_kind_or_a_family_that_exists() {
        assert!("reservation.*".parse::<EventFilter>().unwrap().matches(EventType::Declined));
        let approved: EventFilter = "reservation.approved".parse().unwrap();
        assert!(approved.matches(EventType::Approved) && !approved.matches(EventType::Declined));
        for wrong in ["reservation.aproved", "*", "res*", "slots.*", ""] {
            assert!(wrong.parse::<EventFilter>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn breaker_opens_after_five_failures_and_lets_one_through_when_it_is_time() {
        let now: Timestamp = "2026-12-01T10:00:00+09:00".parse().unwrap();
        let breaker = |failures, next_try_at| Breaker { failures, next_try_at };
        assert!(!breaker(4, Some(now + Breaker::TRY_EVERY)).holds(now));
        assert!(breaker(5, Some(now + Breaker::TRY_EVERY)).holds(now));
        assert!(!breaker(5, Some(now)).holds(now));
        assert!(breaker(5, None).is_open() && !breaker(5, None).holds(now));
    }

    #[test]
    fn only_ict_systems_hear_of_reminders() {
        assert!(!VendorKind::SearchSite.hears(EventType::ReminderPending));
        assert!(VendorKind::Ict.hears(EventType::ReminderPending));
    }
}
