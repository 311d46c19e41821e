//! What a nursery decides about its visits, and whom the hub writes to.

use deserr::Deserr;
use jiff::{SignedDuration, civil::Date};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    Timestamp,
    applicant::Email,
    invalid::{InputErrors, Invalid, within},
    text, time,
};

/// When the hub approves requests in the nursery's place (RSV-19).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, Deserr, ToSchema)]
#[serde(rename_all = "snake_case")]
#[deserr(error = InputErrors)]
pub enum AutoApprovalMode {
    /// Never: every request is answered by a person.
    #[default]
    #[deserr(rename = "off")]
    Off,
    /// As soon as it is made.
    #[deserr(rename = "at_once")]
    AtOnce,
    /// When it has waited for `business_hours`.
    #[deserr(rename = "after_business_hours")]
    AfterBusinessHours,
}

/// Automatic approval (RSV-19). It holds for requests made after it was switched on; once it is
/// switched off, nothing more is approved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Deserr, ToSchema)]
#[serde(default)]
#[deserr(error = InputErrors, deny_unknown_fields)]
pub struct AutoApproval {
    /// Whether, and when.
    #[deserr(default)]
    pub mode: AutoApprovalMode,
    /// How long a request waits for a person first; weekdays 7:00 to 19:00 count.
    #[deserr(default = 6, try_from(i64) = within::<1, 120, u16> -> Invalid)]
    #[schema(minimum = 1, maximum = 120)]
    pub business_hours: u16,
    /// A visit nearer than this many hours is left to people.
    #[deserr(default = 24, try_from(i64) = within::<0, 720, u16> -> Invalid)]
    #[schema(maximum = 720)]
    pub not_within_hours: u16,
}

impl Default for AutoApproval {
    fn default() -> Self {
        Self { mode: AutoApprovalMode::Off, business_hours: 6, not_within_hours: 24 }
    }
}

impl AutoApproval {
    /// When a request that waits since then is approved; `None` if only people may.
    pub fn approves_at(&self, since: Timestamp, starts_at: Timestamp) -> Option<Timestamp> {
        let at = match self.mode {
            AutoApprovalMode::Off => return None,
            AutoApprovalMode::AtOnce => since,
            AutoApprovalMode::AfterBusinessHours => time::after_business_hours(
                since,
                SignedDuration::from_hours(self.business_hours.into()),
            ),
        };
        self.may_approve(at, starts_at).then_some(at)
    }

    /// Whether it may approve a visit at this time.
    pub fn may_approve(&self, now: Timestamp, starts_at: Timestamp) -> bool {
        let near = SignedDuration::from_hours(self.not_within_hours.into());
        self.mode != AutoApprovalMode::Off && now + near <= starts_at
    }
}

crate::text::words!(
    /// A nursery's word to every parent, such as why it opens no slots now (SLOT-09); up to 500
    /// characters.
    MessageToParents, 500
);

/// Where a nursery takes bookings itself: an `https` address (RSV-21).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(value_type = String, format = "uri", examples("https://nursery.example.jp/booking"))]
#[serde(try_from = "String", into = "String")]
pub struct BookingUrl(String);

impl std::str::FromStr for BookingUrl {
    type Err = Invalid;
    fn from_str(text: &str) -> Result<Self, Invalid> {
        const FORM: Invalid = Invalid::Format("https://nursery.example.jp/booking");
        let url = url::Url::parse(text).map_err(|_| FORM)?;
        let plain = url.scheme() == "https" && url.username().is_empty() && text.len() <= 500;
        if plain { Ok(Self(url.into())) } else { Err(FORM) }
    }
}

impl std::fmt::Display for BookingUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

crate::text::text_conversions!(BookingUrl);

/// No nursery takes requests earlier than this many days before the visit.
pub const OPENS_DAYS_BEFORE: i64 = 365;

/// The settings of a facility. A facility that never saved any has the defaults; what a request
/// leaves out becomes the default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Deserr, ToSchema)]
#[serde(default)]
#[deserr(error = InputErrors, deny_unknown_fields, validate = few_addresses -> InputErrors)]
pub struct Settings {
    /// Requests are taken from this many days before the visit.
    #[deserr(default = 90, try_from(i64) = within::<1, OPENS_DAYS_BEFORE, u16> -> Invalid)]
    #[schema(minimum = 1, maximum = 365)]
    pub booking_opens_days_before: u16,
    /// Requests are taken until this many hours before the visit.
    #[deserr(default = 24, try_from(i64) = within::<0, 720, u16> -> Invalid)]
    #[schema(maximum = 720)]
    pub booking_closes_hours_before: u16,
    /// A parent may cancel until this many hours before the visit.
    #[deserr(default = 1, try_from(i64) = within::<0, 720, u16> -> Invalid)]
    #[schema(maximum = 720)]
    pub cancel_closes_hours_before: u16,
    /// When requests are approved without a person (RSV-19).
    #[deserr(default)]
    pub auto_approval: AutoApproval,
    /// Whether a request holds a place while it waits for the answer. If not, a slot takes requests
    /// until as many are approved as it has places.
    #[deserr(default = true)]
    #[schema(default = true)]
    pub pending_holds_place: bool,
    /// Whether parents may wait for a place of a full slot.
    #[deserr(default = true)]
    #[schema(default = true)]
    pub waiting_list: bool,
    /// A word to parents, shown with the nursery (SLOT-09).
    #[deserr(default, try_from(Option<String>) = text::optional -> Invalid)]
    #[schema(value_type = Option<String>, max_length = 500)]
    pub message_to_parents: Option<MessageToParents>,
    /// Where the nursery takes bookings itself; the hub then takes none (RSV-21).
    #[deserr(default, try_from(Option<String>) = text::optional -> Invalid)]
    pub external_booking_url: Option<BookingUrl>,
    /// Who is mailed about requests: the nursery's own addresses (NTF-02). An address that is new is mailed a link
    /// first, and about requests once somebody has followed it.
    #[deserr(default)]
    #[schema(max_items = 10)]
    pub notice_addresses: Vec<Email>,
    /// Those of `notice_addresses` whose link nobody has followed yet. Read only: what a request says here is passed
    /// over.
    #[deserr(default)]
    pub notice_addresses_unconfirmed: Vec<Email>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            booking_opens_days_before: 90,
            booking_closes_hours_before: 24,
            cancel_closes_hours_before: 1,
            auto_approval: AutoApproval::default(),
            pending_holds_place: true,
            waiting_list: true,
            message_to_parents: None,
            external_booking_url: None,
            notice_addresses: Vec::new(),
            notice_addresses_unconfirmed: Vec::new(),
        }
    }
}

impl Settings {
    /// The last moment at which a visit that starts then can be asked for.
    pub fn booking_closes(&self, starts_at: Timestamp) -> Timestamp {
        starts_at - SignedDuration::from_hours(self.booking_closes_hours_before.into())
    }

    /// The last moment at which a parent may cancel it.
    pub fn cancel_closes(&self, starts_at: Timestamp) -> Timestamp {
        starts_at - SignedDuration::from_hours(self.cancel_closes_hours_before.into())
    }

    /// Those who are mailed about requests.
    pub fn confirmed_addresses(self) -> Vec<Email> {
        let Self { mut notice_addresses, notice_addresses_unconfirmed, .. } = self;
        notice_addresses.retain(|address| !notice_addresses_unconfirmed.contains(address));
        notice_addresses
    }

    /// These settings in place of others: an address that was not confirmed there is unconfirmed.
    pub fn in_place_of(self, before: &Self) -> Self {
        let confirmed = before.clone().confirmed_addresses();
        let unconfirmed = self.notice_addresses.iter().filter(|it| !confirmed.contains(it));
        Self { notice_addresses_unconfirmed: unconfirmed.cloned().collect(), ..self }
    }

    /// The addresses that are to be asked by a link: unconfirmed now, and not before.
    pub fn new_addresses<'a>(&'a self, before: &'a Self) -> impl Iterator<Item = &'a Email> {
        let asked = &before.notice_addresses_unconfirmed;
        self.notice_addresses_unconfirmed.iter().filter(|address| !asked.contains(address))
    }

    /// The first moment at which it can be asked for.
    pub fn booking_opens(&self, starts_at: Timestamp) -> Timestamp {
        starts_at - SignedDuration::from_hours(24 * i64::from(self.booking_opens_days_before))
    }
}

fn few_addresses(
    mut settings: Settings,
    _: deserr::ValuePointerRef<'_>,
) -> Result<Settings, InputErrors> {
    if settings.notice_addresses.len() > 10 {
        return Err(InputErrors::one("/notice_addresses", Invalid::OutOfRange(0, 10)));
    }
    // Nobody is mailed twice.
    let mut seen = Vec::new();
    settings.notice_addresses.retain(|address| {
        let is_new = !seen.contains(address);
        seen.push(address.clone());
        is_new
    });
    Ok(settings)
}

/// How many mails a nursery's new addresses are sent in a day: staff who add and remove addresses write to no
/// strangers without end.
pub const NOTICE_LINKS_A_DAY: usize = 30;

/// How many such mails a nursery's settings have caused today.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoticeLinks {
    day: Option<Date>,
    count: usize,
}

impl NoticeLinks {
    /// With some more of this day; `None` past [`NOTICE_LINKS_A_DAY`].
    pub fn and(self, more: usize, today: Date) -> Option<Self> {
        let before = if self.day == Some(today) { self.count } else { 0 };
        let count = before + more;
        (count <= NOTICE_LINKS_A_DAY).then_some(Self { day: Some(today), count })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rsv_21_a_booking_address_is_https_and_names_nobody() {
        assert!("https://nursery.example.jp/booking?a=b".parse::<BookingUrl>().is_ok());
        for wrong in
            ["http://nursery.example.jp", "javascript:alert(1)", "https://u@x.jp/", "", "nursery"]
        {
            assert!(wrong.parse::<BookingUrl>().is_err(), "{wrong}");
        }
    }

    fn settings(addresses: &[&str]) -> Settings {
        let body = serde_json::json!({"notice_addresses": addresses,
            "notice_addresses_unconfirmed": ["whatever@example.jp"]});
        deserr::deserialize::<_, _, InputErrors>(body).unwrap()
    }

    #[test]
    fn a_new_address_is_unconfirmed_and_a_confirmed_one_stays_so() {
        let first = settings(&["a@example.jp", "a@example.jp"]).in_place_of(&Settings::default());
        assert_eq!(first.notice_addresses.len(), 1);
        assert_eq!(first.notice_addresses_unconfirmed, first.notice_addresses);
        assert_eq!(first.clone().confirmed_addresses(), []);
        let confirmed = Settings { notice_addresses_unconfirmed: vec![], ..first.clone() };
        let both = settings(&["b@example.jp", "a@example.jp"]).in_place_of(&confirmed);
        assert_eq!(both.notice_addresses_unconfirmed, ["b@example.jp".parse().unwrap()]);
        assert_eq!(both.clone().confirmed_addresses(), confirmed.notice_addresses);
        assert!(both.new_addresses(&confirmed).eq(&both.notice_addresses_unconfirmed));
        assert_eq!(both.new_addresses(&both).count(), 0);
        // Taken out and put in again, it is asked again.
        let again = settings(&["a@example.jp"]).in_place_of(&settings(&[]));
        assert_eq!(again, first);
    }

    #[test]
    fn a_day_takes_thirty_mails_to_new_addresses() {
        let today = jiff::civil::date(2026, 12, 1);
        let full = NoticeLinks::default().and(30, today).unwrap();
        assert_eq!(full.and(1, today), None);
        assert!(full.and(30, jiff::civil::date(2026, 12, 2)).is_some());
    }

    #[test]
    fn what_a_request_leaves_out_becomes_the_default() {
        let read = deserr::deserialize::<Settings, _, InputErrors>(serde_json::json!({})).unwrap();
        assert_eq!(read, Settings::default());
        let body =
            serde_json::json!({"auto_approval": {"mode": "later", "business_hours": 0, "x": 1}});
        let errors = deserr::deserialize::<Settings, _, InputErrors>(body).unwrap_err();
        let mut pointers: Vec<_> = errors.0.into_iter().map(|error| error.pointer).collect();
        pointers.sort();
        assert_eq!(
            pointers,
            ["/auto_approval/business_hours", "/auto_approval/mode", "/auto_approval/x"]
        );
    }
}
