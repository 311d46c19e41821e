//! Every key of the table, in one place: what it is made of, and how it is read.
//!
//! | item | pk | sk |
//! |---|---|---|
//! | facility | `FAC#<facility_id>` | `FAC` |
//! | its settings | `FAC#<facility_id>` | `SET` |
//! | its slots, by time | `FAC#<facility_id>` | `SLOT#<slot_id>` |
//! | a reservation that is over and has no place in its slot any more | `FAC#<facility_id>` | `OVER#<slot_id>#<reservation_number>` |
//! | a family's open requests at it | `FAC#<facility_id>` | `FAM#<fingerprint>` |
//! | an ICT system linked to it | `FAC#<facility_id>` | `ICT#<client_id>` |
//! | when its count of pending requests changed | `FAC#<facility_id>` | `NEW` |
//! | a reminder of its pending requests | `FAC#<facility_id>` | `ASK#<hour>` |
//! | a reminder to open slots | `FAC#<facility_id>` | `PLAN#<month>` |
//! | a reminder of its information | `FAC#<facility_id>` | `INFO#<date>` |
//! | what it has free in a month | `FAC#<facility_id>` | `VAC#<month>` |
//! | its change requests, by time | `FAC#<facility_id>` | `CHG#<milliseconds>#<change_request_id>` |
//! | a change request that was approved, by time | `FAC#<facility_id>` | `HIS#<milliseconds>#<change_request_id>` |
//! | change request | `CHG#<change_request_id>` | `CHG` |
//! | one in its state, as listed | `CHG` | `<status>#<code>#<milliseconds>#<change_request_id>` |
//! | reservation | `RSV#<reservation_number>` | `RSV` |
//! | vendor | `CLI#<client_id>` | `CLI` |
//! | a vendor, as listed | `CLI` | `<kind>#<client_id>` |
//! | its webhook endpoints | `CLI#<client_id>` | `WHE#<id>` |
//! | how many it ever added | `CLI#<client_id>` | `WHE` |
//! | a facility linked to an ICT system | `CLI#<client_id>` | `FAC#<facility_id>` |
//! | municipality's contact | `MUN#<code>` | `SET` |
//! | a facility of one, as listed | `MUN` | `<code>#<facility_id>` |
//! | a digest for it | `MUN#<code>` | `DIG#<date>`; its further parts `DIG#<date>#<part>` |
//! | its facilities without slots | `MUN#<code>` | `PLAN#<month>` |
//! | change requests that it left undecided | `MUN#<code>` | `INFO#<date>`; further parts `INFO#<date>#<part>` |
//! | what its facilities have free in a month | `VAC#<code>` | `<month>#<facility_id>` |
//! | a procedure of a municipality | `PRC` | `<code>#<fiscal year>#<procedure_id>` |
//! | what reports count of a reservation | `FACT#<code>` | `<milliseconds>#<reservation_number>` |
//! | what is due by time | `DUE` | `<milliseconds>#<reservation_number>` |
//! | when a slot leaves its feed | `DUE#slots` | `<milliseconds>#<facility_id>#<slot_id>` |
//! | when a vacancy leaves its feed | `DUE#vacancies` | `<milliseconds>#<facility_id>#<month>` |
//! | when a procedure enters or leaves its feed | `DUE#procedures` | `<milliseconds>#<code>#<fiscal year>#<procedure_id>` |
//! | an entry of a feed | `FEED#<feed>` | `<change number>` |
//! | the last entry of a thing | `FEED#<feed>` | `<id>` |
//! | the feed's numbers so far | `FEED#<feed>` | `COUNT` |
//! | how far all that there is was brought into the feeds | `FEED` | `BUILD` |
//! | the search entry of a facility | `SEARCH#<group>` | `<facility_id>` |
//! | the versions of a group's entries | `SEARCH` | `ENTRIES#<group>` |
//! | that every facility has an entry | `SEARCH` | `ENTRIES` |
//! | search entries of a municipality, as the version before kept them | `SEARCH` | `<code>` |
//! | the versions of a prefecture's | `SEARCH` | `VERSIONS#<prefecture>` |
//! | those of all, as the version before that kept them | `SEARCH` | `VERSIONS` |
//! | an event that a vendor may hear of, for thirty days | `EVT#<client_id>` | `<milliseconds>#<event_id>` |
//! | an event about what anybody may know, for as long | `EVT` | `<milliseconds>#<event_id>` |
//! | an import | `IMP#<import_id>` | `IMP` |
//! | a part of its file; of what was found in it | `IMP#<import_id>#<part>` | `FILE`; `REPORT` |
//! | slots numbered so far | `COUNT` | `SLOT` |
//! | change requests numbered so far | `COUNT` | `CHG` |
//! | a request under an idempotency key | `ONCE#<fingerprint>` | `ONCE` |
//! | what was requested on the portal | `ASKED#<fingerprint>` | `ASKED` |
//! | an address that is written to no longer | `SUP#<fingerprint>` | `SUP` |
//!
//! [`Key`] has a line for each, from which the key is both built and parsed. Members of sets that have a grammar of
//! their own stand in [`member`], the parts of a partition that a query reads in [`span`].

pub(crate) mod member;
mod part;
pub(crate) mod span;

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::{
    ChangeRequestId, ClientId, EventId, FacilityId, ImportId, MunicipalityCode, ProcedureId,
    ReservationNumber, SlotId, Timestamp, WebhookEndpointId,
    applicant::FamilyFingerprint,
    calendar::{self, FiscalYear},
    change_request::ChangeStatus,
    feed::Feed,
    vendor::VendorKind,
};
use jiff::civil::Date;

use self::part::Part;
pub use self::part::{Hour, Month, Prefecture, SearchBucket, SearchGroup};

type Attributes = HashMap<String, AttributeValue>;

/// Writes [`Key`] from one line for each kind of item: its parts, and how they make partition and sort key, in which
/// `#` stands between them.
macro_rules! keys {
    ($($(#[$doc:meta])* $name:ident ($($part:ident: $type:ty),*) = [$($pk:tt)*] [$($sk:tt)*];)*) => {
        /// The key of an item: what it is, and of what.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum Key {
            $($(#[$doc])* $name($($type),*),)*
        }

        impl Key {
            /// Partition and sort key.
            pub fn text(&self) -> (String, String) {
                match self {
                    $(Self::$name($($part),*) => (
                        [$(keys!(@write $pk)),*].join("#"),
                        [$(keys!(@write $sk)),*].join("#"),
                    ),)*
                }
            }

            /// The key of which this is the text; none if no item of this version has such a key.
            pub fn parse(pk: &str, sk: &str) -> Option<Self> {
                $({
                    let read = || {
                        let (mut pk, mut sk) = (pk.split('#'), sk.split('#'));
                        $(keys!(@read $pk, pk);)*
                        $(keys!(@read $sk, sk);)*
                        (pk.next().is_none() && sk.next().is_none()).then(|| Self::$name($($part),*))
                    };
                    // What is read in two ways, such as a number with and without zeros, is written in one.
                    if let Some(key) = read()
                        && key.is_written_so(pk, sk)
                    {
                        return Some(key);
                    }
                })*
                None
            }
        }
    };
    (@write $text:literal) => { $text.to_owned() };
    (@write $part:ident) => { $part.write() };
    (@read $text:literal, $parts:ident) => {
        if $parts.next() != Some($text) {
            return None;
        }
    };
    (@read $part:ident, $parts:ident) => { let $part = Part::read($parts.next()?)?; };
}

keys! {
    /// A facility.
    Facility(id: FacilityId) = ["FAC" id] ["FAC"];
    /// The settings of a facility.
    Settings(id: FacilityId) = ["FAC" id] ["SET"];
    /// A slot.
    Slot(facility: FacilityId, id: SlotId) = ["FAC" facility] ["SLOT" id];
    /// That a reservation is over without a place in its slot. Below the facility, so that a list of its visits
    /// finds it.
    Over(facility: FacilityId, slot: SlotId, number: ReservationNumber) = ["FAC" facility] ["OVER" slot number];
    /// The open requests of a family at a facility.
    Family(facility: FacilityId, family: FamilyFingerprint) = ["FAC" facility] ["FAM" family];
    /// An ICT system's link to a facility.
    Link(facility: FacilityId, client: ClientId) = ["FAC" facility] ["ICT" client];
    /// When the number of a facility's pending requests last changed.
    PendingCount(facility: FacilityId) = ["FAC" facility] ["NEW"];
    /// A reminder of a facility's pending requests in one hour.
    PendingReminder(facility: FacilityId, hour: Hour) = ["FAC" facility] ["ASK" hour];
    /// The reminder to open slots in a month.
    SlotPlanReminder(facility: FacilityId, month: Month) = ["FAC" facility] ["PLAN" month];
    /// The reminder of a facility's information on one day.
    InformationReminder(facility: FacilityId, day: Date) = ["FAC" facility] ["INFO" day];
    /// What a facility has free in a month, once more, so that its latest is found without its municipality.
    FacilityVacancy(facility: FacilityId, month: calendar::Month) = ["FAC" facility] ["VAC" month];
    /// That a facility has a change request, by when it was begun.
    ChangeRequestOfFacility(facility: FacilityId, created_at: Timestamp, id: ChangeRequestId) = ["FAC" facility] ["CHG" created_at id];
    /// That a facility was changed by a change request, by when it was.
    ChangeOfFacility(facility: FacilityId, approved_at: Timestamp, id: ChangeRequestId) = ["FAC" facility] ["HIS" approved_at id];
    /// A change request.
    ChangeRequest(id: ChangeRequestId) = ["CHG" id] ["CHG"];
    /// That a change request is in this state. One partition, so that an operator lists all by one query: nurseries
    /// change their data a few times a year.
    ListedChangeRequest(status: ChangeStatus, code: MunicipalityCode, at: Timestamp, id: ChangeRequestId) = ["CHG"] [status code at id];
    /// A reservation.
    Reservation(number: ReservationNumber) = ["RSV" number] ["RSV"];
    /// A vendor.
    Vendor(id: ClientId) = ["CLI" id] ["CLI"];
    /// A webhook endpoint.
    WebhookEndpoint(client: ClientId, id: WebhookEndpointId) = ["CLI" client] ["WHE" id];
    /// That there is a vendor of this kind. One partition, so that all are listed by one query: there are some dozens.
    ListedVendor(kind: VendorKind, id: ClientId) = ["CLI"] [kind id];
    /// How many webhook endpoints a client ever added.
    EndpointsAdded(client: ClientId) = ["CLI" client] ["WHE"];
    /// A facility's link to an ICT system, as the system's.
    LinkedFacility(client: ClientId, facility: FacilityId) = ["CLI" client] ["FAC" facility];
    /// The contact of a municipality.
    Municipality(code: MunicipalityCode) = ["MUN" code] ["SET"];
    /// That a municipality has a facility. One partition, so that all are listed by one query: it is written when a
    /// facility is new.
    ListedFacility(code: MunicipalityCode, facility: FacilityId) = ["MUN"] [code facility];
    /// A municipality's digest of one day, or its first part.
    Digest(code: MunicipalityCode, day: Date) = ["MUN" code] ["DIG" day];
    /// A further part of it, counted from 2.
    DigestPart(code: MunicipalityCode, day: Date, part: usize) = ["MUN" code] ["DIG" day part];
    /// A municipality's list of facilities without slots in a month.
    PlanDigest(code: MunicipalityCode, month: Month) = ["MUN" code] ["PLAN" month];
    /// The change requests that a municipality left undecided, as it was told on one day, or a first part of them.
    ChangeDigest(code: MunicipalityCode, day: Date) = ["MUN" code] ["INFO" day];
    /// A further part of them, counted from 2.
    ChangeDigestPart(code: MunicipalityCode, day: Date, part: usize) = ["MUN" code] ["INFO" day part];
    /// What a facility of a municipality has free in a month. The month stands first, so a municipality's month is one
    /// query.
    Vacancy(code: MunicipalityCode, month: calendar::Month, facility: FacilityId) = ["VAC" code] [month facility];
    /// A procedure. One partition, so that those of all municipalities are listed by one query: a municipality writes
    /// some a year.
    Procedure(code: MunicipalityCode, year: FiscalYear, id: ProcedureId) = ["PRC"] [code year id];
    /// What reports count of a reservation, by the time of the request.
    Fact(code: MunicipalityCode, requested_at: Timestamp, number: ReservationNumber) = ["FACT" code] [requested_at number];
    /// That something is due about a reservation. One partition is enough: it takes a thousand writes a second, and a
    /// visit makes about six in its life.
    Deadline(at: Timestamp, number: ReservationNumber) = ["DUE"] [at number];
    /// That a slot is to leave its feed.
    SlotLeaves(at: Timestamp, facility: FacilityId, slot: SlotId) = ["DUE" "slots"] [at facility slot];
    /// That a vacancy is to leave its feed.
    VacancyLeaves(at: Timestamp, facility: FacilityId, month: calendar::Month) = ["DUE" "vacancies"] [at facility month];
    /// That time changes what the feed says of a procedure.
    ProcedureTurns(at: Timestamp, code: MunicipalityCode, year: FiscalYear, id: ProcedureId) = ["DUE" "procedures"] [at code year id];
    /// How far all that there is was brought into the feeds.
    FeedBuild() = ["FEED"] ["BUILD"];
    /// How many numbers a feed has given out.
    FeedCount(feed: Feed) = ["FEED" feed] ["COUNT"];
    /// An entry of a feed. Numbers go as far as JSON does without loss.
    FeedEntry(feed: Feed, change_number: u64) = ["FEED" feed] [change_number];
    /// What a feed says of one thing: its last entry once more, under its id.
    FeedPlace(feed: Feed, id: String) = ["FEED" feed] [id];
    /// An import.
    Import(id: ImportId) = ["IMP" id] ["IMP"];
    /// A part of its file, counted from 0. Each has a partition of its own, for one takes a thousand units a second.
    ImportFile(id: ImportId, part: usize) = ["IMP" id part] ["FILE"];
    /// A part of what was found in it.
    ImportReport(id: ImportId, part: usize) = ["IMP" id part] ["REPORT"];
    /// An event that a vendor hears of.
    Event(client: ClientId, occurred_at: Timestamp, id: EventId) = ["EVT" client] [occurred_at id];
    /// An event about what anybody may know. One partition: municipalities and nurseries change their data a few times a
    /// year.
    PublicEvent(occurred_at: Timestamp, id: EventId) = ["EVT"] [occurred_at id];
    /// The search entry of a facility, in one of 32 partitions that are read side by side.
    SearchEntry(group: SearchGroup, facility: FacilityId) = ["SEARCH" group] [facility];
    /// The versions of a group's search entries: a change of one writes an item of less than 1 KB, and all are read by
    /// one query.
    SearchGroupVersions(group: SearchGroup) = ["SEARCH"] ["ENTRIES" group];
    /// That every facility has a search entry of this form.
    SearchComplete() = ["SEARCH"] ["ENTRIES"];
    /// The versions of a prefecture's search entries, as the version before kept them.
    OldSearchVersions(prefecture: Prefecture) = ["SEARCH"] ["VERSIONS" prefecture];
    /// The versions of all search entries, as the version before that kept them.
    OldestSearchVersions() = ["SEARCH"] ["VERSIONS"];
    /// The search entries of a municipality, as the version before kept them.
    OldSearchShard(code: MunicipalityCode) = ["SEARCH"] [code];
    /// How many slots have been numbered.
    SlotCount() = ["COUNT"] ["SLOT"];
    /// How many change requests have been numbered.
    ChangeRequestCount() = ["COUNT"] ["CHG"];
    /// A request that was made under an idempotency key.
    Once(fingerprint: [u8; 16]) = ["ONCE" fingerprint] ["ONCE"];
    /// What was requested on the portal, from one source or for one address.
    Attempts(fingerprint: [u8; 16]) = ["ASKED" fingerprint] ["ASKED"];
    /// An address that is written to no longer.
    Suppression(fingerprint: [u8; 16]) = ["SUP" fingerprint] ["SUP"];
}

impl Key {
    /// A part of a municipality's digest of one day, counted from 1.
    pub fn digest(code: MunicipalityCode, day: Date, part: usize) -> Self {
        if part > 1 { Self::DigestPart(code, day, part) } else { Self::Digest(code, day) }
    }

    /// A part of the change requests that a municipality left undecided, as it was told on one day, counted from 1.
    pub fn change_digest(code: MunicipalityCode, day: Date, part: usize) -> Self {
        if part > 1 {
            Self::ChangeDigestPart(code, day, part)
        } else {
            Self::ChangeDigest(code, day)
        }
    }

    /// The search entry of a facility.
    pub fn search_entry(facility: &FacilityId) -> Self {
        Self::SearchEntry(SearchBucket::of(facility).0, facility.clone())
    }

    fn is_written_so(&self, pk: &str, sk: &str) -> bool {
        let text = self.text();
        (text.0.as_str(), text.1.as_str()) == (pk, sk)
    }

    /// As the attributes of an item.
    pub fn attributes(&self) -> Attributes {
        attributes(self.text())
    }

    /// The key of an item, if this version knows such a key.
    pub fn of(item: &Attributes) -> Option<Self> {
        let text = |name: &str| item.get(name)?.as_s().ok();
        Self::parse(text("pk")?, text("sk")?)
    }
}

fn attributes((pk, sk): (String, String)) -> Attributes {
    HashMap::from([("pk".into(), AttributeValue::S(pk)), ("sk".into(), AttributeValue::S(sk))])
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
    /// Imports.
    Import,
    /// Vacancies, by their municipality.
    Vacancy,
    /// Procedures.
    Procedure,
    /// Addresses that are written to no longer.
    Suppression,
}

/// Where nothing is, in a partition of this kind.
pub(crate) fn nothing(kind: Kind) -> Attributes {
    let pk = match kind {
        Kind::Facility => "FAC#",
        Kind::Reservation => "RSV#",
        Kind::Client => "CLI#",
        Kind::Search => "SEARCH",
        Kind::Feed => "FEED#",
        Kind::Import => "IMP#",
        Kind::Vacancy => "VAC#",
        Kind::Procedure => "PRC",
        Kind::Suppression => "SUP#",
    };
    attributes((pk.into(), "NOTHING".into()))
}

#[cfg(test)]
mod tests;
