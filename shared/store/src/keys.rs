//! Every key of the table, in one place.
//!
//! | item | pk | sk |
//! |---|---|---|
//! | facility | `FAC#<facility_id>` | `FAC` |
//! | its settings | `FAC#<facility_id>` | `SET` |
//! | its slots, by time | `FAC#<facility_id>` | `SLOT#<slot_id>` |
//! | what it had in a slot and has no more | `FAC#<facility_id>` | `OVER#<slot_id>#<reservation_number>` |
//! | a family's open requests at it | `FAC#<facility_id>` | `FAM#<mark>` |
//! | an ICT system linked to it | `FAC#<facility_id>` | `ICT#<client_id>` |
//! | when its count of waiting requests changed | `FAC#<facility_id>` | `NEW` |
//! | an asking about waiting requests | `FAC#<facility_id>` | `ASK#<hour>` |
//! | an asking to open slots | `FAC#<facility_id>` | `PLAN#<month>` |
//! | reservation | `RSV#<reservation_number>` | `RSV` |
//! | vendor | `CLI#<client_id>` | `CLI` |
//! | its webhook endpoints | `CLI#<client_id>` | `WHE#<id>` |
//! | how many it ever added | `CLI#<client_id>` | `WHE` |
//! | a facility linked to an ICT system | `CLI#<client_id>` | `FAC#<facility_id>` |
//! | municipality's contact | `MUN#<code>` | `SET` |
//! | a digest for it | `MUN#<code>` | `DIG#<date>`; its further parts `DIG#<date>#<part>` |
//! | its facilities without slots | `MUN#<code>` | `PLAN#<month>` |
//! | what reports count of a reservation | `FACT#<code>` | `<milliseconds>#<reservation_number>` |
//! | what is due by time | `DUE` | `<milliseconds>#<reservation_number>` |
//! | when a slot leaves its feed | `DUE#slots` | `<milliseconds>#<facility_id>#<slot_id>` |
//! | an entry of a feed | `FEED#<feed>` | `<change number>` |
//! | what it says of a thing | `FEED#<feed>` | `<id>` |
//! | its numbers so far | `FEED#<feed>` | `COUNT` |
//! | search entries of a municipality | `SEARCH` | `<code>` |
//! | their versions | `SEARCH` | `VERSIONS` |
//! | slots numbered so far | `COUNT` | `SLOT` |
//! | a request under an idempotency key | `ONCE#<mark>` | `ONCE` |
//! | what was asked for on the portal | `ASKED#<mark>` | `ASKED` |
//! | an address that is written to no longer | `SUP#<mark>` | `SUP` |

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::{
    ClientId, FacilityId, MunicipalityCode, ReservationNumber, SlotId, Timestamp,
    WebhookEndpointId, applicant::FamilyFingerprint, feed::Feed,
};

/// Partition and sort key of one item.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Key {
    /// Partition key.
    pub pk: String,
    /// Sort key.
    pub sk: String,
}

impl Key {
    fn new(pk: impl Into<String>, sk: impl Into<String>) -> Self {
        Self { pk: pk.into(), sk: sk.into() }
    }

    /// As the attributes of an item.
    pub fn attributes(self) -> HashMap<String, AttributeValue> {
        HashMap::from([
            ("pk".to_owned(), AttributeValue::S(self.pk)),
            ("sk".to_owned(), AttributeValue::S(self.sk)),
        ])
    }
}

/// A kind of partition. Policies name them as `dynamodb:LeadingKeys`, so a function that needs one kind reads no other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Facilities, with their settings and slots.
    Facility,
    /// Reservations.
    Reservation,
    /// Vendors.
    Client,
    /// Search entries.
    Search,
    /// Feeds.
    Feed,
    /// Addresses that are written to no longer.
    Suppression,
}

/// Where nothing is, in a partition of this kind.
pub(crate) fn nothing(kind: Kind) -> Key {
    let pk = match kind {
        Kind::Facility => "FAC#",
        Kind::Reservation => "RSV#",
        Kind::Client => "CLI#",
        Kind::Search => "SEARCH",
        Kind::Feed => "FEED#",
        Kind::Suppression => "SUP#",
    };
    Key::new(pk, "NOTHING")
}

/// The partition of a facility.
pub fn facility_partition(id: &FacilityId) -> String {
    format!("FAC#{id}")
}

/// The partition of a client.
pub fn client_partition(id: &ClientId) -> String {
    format!("CLI#{id}")
}

/// A facility.
pub fn facility(id: &FacilityId) -> Key {
    Key::new(facility_partition(id), "FAC")
}

/// The settings of a facility.
pub fn settings(id: &FacilityId) -> Key {
    Key::new(facility_partition(id), "SET")
}

/// A slot.
pub fn slot(facility: &FacilityId, id: &SlotId) -> Key {
    Key::new(facility_partition(facility), format!("SLOT#{id}"))
}

/// That a reservation is over without a place in its slot. Below the facility, so that a list of its visits finds it.
pub fn over(facility: &FacilityId, slot: &SlotId, number: &ReservationNumber) -> Key {
    Key::new(facility_partition(facility), format!("OVER#{slot}#{number}"))
}

/// The open requests of a family at a facility.
pub fn family(facility: &FacilityId, fingerprint: &FamilyFingerprint) -> Key {
    Key::new(facility_partition(facility), format!("FAM#{}", fingerprint.as_str()))
}

/// An ICT system's link to a facility.
pub fn link(facility: &FacilityId, client: &ClientId) -> Key {
    Key::new(facility_partition(facility), format!("ICT#{client}"))
}

/// The same link, seen from the ICT system.
pub fn linked_facility(client: &ClientId, facility: &FacilityId) -> Key {
    Key::new(client_partition(client), format!("FAC#{facility}"))
}

/// When the number of a facility's requests that wait last changed.
pub fn pending_count(facility: &FacilityId) -> Key {
    Key::new(facility_partition(facility), "NEW")
}

/// An asking of a facility in one hour.
pub fn pending_reminder(facility: &FacilityId, at: Timestamp) -> Key {
    Key::new(facility_partition(facility), format!("ASK#{at}"))
}

/// A reservation.
pub fn reservation(number: &ReservationNumber) -> Key {
    Key::new(format!("RSV#{number}"), "RSV")
}

/// A vendor.
pub fn vendor(id: &ClientId) -> Key {
    Key::new(client_partition(id), "CLI")
}

/// A webhook endpoint.
pub fn webhook_endpoint(client: &ClientId, id: &WebhookEndpointId) -> Key {
    Key::new(client_partition(client), format!("WHE#{id}"))
}

/// How many webhook endpoints a client ever added.
pub fn endpoints_added(client: &ClientId) -> Key {
    Key::new(client_partition(client), "WHE")
}

/// The contact of a municipality.
pub fn municipality(code: MunicipalityCode) -> Key {
    Key::new(format!("MUN#{code}"), "SET")
}

/// A part of a municipality's digest of one day, counted from 1.
pub fn digest(code: MunicipalityCode, day: jiff::civil::Date, part: usize) -> Key {
    let more = if part > 1 { format!("#{part}") } else { String::new() };
    Key::new(format!("MUN#{code}"), format!("DIG#{day}{more}"))
}

/// The asking of a facility to open slots in a month.
pub fn slot_plan_reminder(facility: &FacilityId, month: jiff::civil::Date) -> Key {
    Key::new(facility_partition(facility), format!("PLAN#{}", month.strftime("%Y-%m")))
}

/// A municipality's list of facilities without slots in a month.
pub fn plan_digest(code: MunicipalityCode, month: jiff::civil::Date) -> Key {
    Key::new(format!("MUN#{code}"), format!("PLAN#{}", month.strftime("%Y-%m")))
}

/// The partition of what reports count in a municipality.
pub fn fact_partition(code: MunicipalityCode) -> String {
    format!("FACT#{code}")
}

/// What reports count of a reservation, by the time of the request.
pub fn fact(code: MunicipalityCode, requested_at: Timestamp, number: &ReservationNumber) -> Key {
    Key::new(fact_partition(code), format!("{:013}#{number}", requested_at.epoch_ms()))
}

/// The partition of what is due by time. One is enough: it takes a thousand writes a second, and a
/// visit makes about six in its life.
pub const DUE: &str = "DUE";

/// That something is due about a reservation.
pub fn deadline(at: Timestamp, number: &ReservationNumber) -> Key {
    Key::new(DUE, format!("{:013}#{number}", at.epoch_ms()))
}

/// The partition of the slots that leave their feed by time.
pub const SLOTS_LEAVE: &str = "DUE#slots";

/// That a slot is to leave its feed.
pub fn slot_leaves(at: Timestamp, facility: &FacilityId, slot: &SlotId) -> Key {
    Key::new(SLOTS_LEAVE, format!("{:013}#{facility}#{slot}", at.epoch_ms()))
}

/// The partition of a feed.
fn feed_partition(feed: Feed) -> String {
    format!("FEED#{}", feed.name())
}

/// An entry of a feed. Numbers go as far as JSON does without loss.
pub fn feed_entry(feed: Feed, change_number: u64) -> Key {
    Key::new(feed_partition(feed), format!("{change_number:016}"))
}

/// What a feed says of one thing.
pub fn feed_place(feed: Feed, id: &str) -> Key {
    Key::new(feed_partition(feed), id)
}

/// How many numbers a feed has given out.
pub fn feed_count(feed: Feed) -> Key {
    Key::new(feed_partition(feed), "COUNT")
}

/// The search entries of a municipality.
pub fn search_shard(code: MunicipalityCode) -> Key {
    Key::new("SEARCH", code.to_string())
}

/// The versions of all search entries.
pub fn search_versions() -> Key {
    Key::new("SEARCH", "VERSIONS")
}

/// How many slots have been numbered.
pub fn slot_count() -> Key {
    Key::new("COUNT", "SLOT")
}

/// A request that was made under an idempotency key.
pub fn once(fingerprint: &[u8; 16]) -> Key {
    Key::new(format!("ONCE#{}", hex(fingerprint)), "ONCE")
}

/// What was asked for on the portal, from one source or for one address.
pub fn attempts(fingerprint: &[u8; 16]) -> Key {
    Key::new(format!("ASKED#{}", hex(fingerprint)), "ASKED")
}

/// An address that is written to no longer.
pub fn suppression(fingerprint: &[u8; 16]) -> Key {
    Key::new(format!("SUP#{}", hex(fingerprint)), "SUP")
}

fn hex(fingerprint: &[u8; 16]) -> String {
    fingerprint.iter().map(|byte| format!("{byte:02x}")).collect()
}
