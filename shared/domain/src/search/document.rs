//! What the index holds of one facility: some hundred bytes that are the same in the table and in memory.
//!
//! First what filters compare, in fixed places; then the text in which terms are looked for; then, packed, what a list
//! shows. A search that starts takes the bytes as they are and parses no JSON.

use memchr::memchr;

use super::{
    flags::{Flags, Signature},
    free::{FreeSlots, FreeSoon},
    shown,
    summary::FacilitySummary,
    vacancy::Places,
};
use crate::{
    Facility, FacilityId, MunicipalityCode,
    facility::{EstablishmentBody, FacilityType, Location, Takes},
    item::{LocalTime, Visibility},
    text,
};

/// Counts the layouts of the bytes, and the ways of folding text: what is folded otherwise would not be found.
const FORM: u8 = 1;

/// How long the part is that has fixed places.
const HEAD: usize = 93;

/// What filters compare, side by side in memory.
#[derive(Debug, Clone, Copy)]
pub(super) struct Columns {
    pub(super) flags: Flags,
    pub(super) facility_type: Option<FacilityType>,
    pub(super) establishment_body: Option<EstablishmentBody>,
    pub(super) municipality: MunicipalityCode,
    /// In minutes since midnight, where it is stated.
    pub(super) opens: Option<u16>,
    pub(super) closes: Option<u16>,
    /// The ages in months from which and until which children are taken.
    pub(super) accepts: Option<(u16, u16)>,
    /// As a point on a sphere of the radius 1; not a number where it is not stated.
    pub(super) place: [f64; 3],
    pub(super) signature: Signature,
    pub(super) places: Places,
    pub(super) booking_closes: u16,
    pub(super) free: FreeSoon,
}

/// The point of a place on a sphere of the radius 1.
pub(super) fn on_sphere(location: Location) -> [f64; 3] {
    let (lat, lon) = (location.lat.to_radians(), location.lon.to_radians());
    [lat.cos() * lon.cos(), lat.cos() * lon.sin(), lat.sin()]
}

/// The bytes of one facility.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Document(Box<[u8]>);

const NOT_STATED: u16 = u16::MAX;

impl Columns {
    /// The start of the first visit that can still be asked for, if any can, in milliseconds since 1970.
    pub(super) fn takes_from(&self, takes: Takes) -> Option<i64> {
        self.flags.takes_requests().then(|| takes.from(self.booking_closes))
    }
}

impl Document {
    /// Of a facility, as the public sees it.
    pub(super) fn new(facility: Facility) -> Self {
        let facility = facility.visible_to(Visibility::Public);
        let summary = FacilitySummary::new(facility.clone());
        let (details, haystack) = (&facility.details, haystack(&facility));
        let time = |of: Option<LocalTime>| of.map_or(NOT_STATED, LocalTime::minutes).to_le_bytes();
        let mut bytes = Vec::with_capacity(1024);
        bytes.push(FORM);
        bytes.push(place_in(FacilityType::ALL, facility.facility_type));
        bytes.push(place_in(EstablishmentBody::ALL, facility.establishment_body));
        bytes.extend(Flags::of(&facility).bits().to_le_bytes());
        bytes.extend(time(details.weekday_opens_at));
        bytes.extend(time(details.weekday_closes_at));
        let (from, until) = accepts(&facility).unwrap_or((NOT_STATED, NOT_STATED));
        bytes.extend(from.to_le_bytes());
        bytes.extend(until.to_le_bytes());
        bytes.extend(facility.booking_closes_hours_before.to_le_bytes());
        bytes.extend(facility.municipality_code.number().to_le_bytes());
        for word in Signature::of(&haystack).0 {
            bytes.extend(word.to_le_bytes());
        }
        let place = facility.location.map_or([f64::NAN; 3], on_sphere);
        place.iter().for_each(|axis| bytes.extend(axis.to_le_bytes()));
        bytes.extend(facility.facility_id.as_str().bytes());
        bytes.extend((haystack.len().min(usize::from(u16::MAX)) as u16).to_le_bytes());
        debug_assert_eq!(bytes.len(), HEAD);
        bytes.extend(haystack.bytes().take(usize::from(u16::MAX)));
        bytes.extend(shown::pack(&summary, &facility));
        Self(bytes.into())
    }

    /// From what [`Self::bytes`] gave; none if another version has another form.
    pub(super) fn of_bytes(bytes: Vec<u8>) -> Option<Self> {
        let document = Self(bytes.into());
        let known = document.0.first() == Some(&FORM) && document.0.len() >= HEAD;
        (known && document.0.len() >= HEAD + document.haystack_length()).then_some(document)
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    fn fixed<const N: usize>(&self, from: usize) -> [u8; N] {
        let bytes = self.0.get(from..from + N).and_then(|bytes| bytes.try_into().ok());
        bytes.unwrap_or([0; N])
    }

    fn short(&self, from: usize) -> u16 {
        u16::from_le_bytes(self.fixed(from))
    }

    /// What filters compare.
    pub(super) fn columns(&self, places: Places, free: &FreeSlots, takes: Takes) -> Columns {
        let booking_closes = self.short(13);
        let stated = |number: u16| (number != NOT_STATED).then_some(number);
        let nth = |place: u8| usize::from(place).wrapping_sub(1);
        Columns {
            facility_type: FacilityType::ALL.get(nth(self.0[1])).copied(),
            establishment_body: EstablishmentBody::ALL.get(nth(self.0[2])).copied(),
            flags: Flags::of_bits(self.short(3)),
            opens: stated(self.short(5)),
            closes: stated(self.short(7)),
            accepts: stated(self.short(9)).map(|from| (from, self.short(11))),
            municipality: MunicipalityCode::of_number(u32::from_le_bytes(self.fixed(15))),
            signature: Signature(std::array::from_fn(|n| {
                u64::from_le_bytes(self.fixed(19 + 8 * n))
            })),
            place: std::array::from_fn(|n| f64::from_le_bytes(self.fixed(51 + 8 * n))),
            places,
            booking_closes,
            free: FreeSoon::new(free, takes.from(booking_closes)),
        }
    }

    /// The start of the first visit that can still be asked for, if any can, in milliseconds since 1970.
    pub(super) fn takes_from(&self, takes: Takes) -> Option<i64> {
        let flags = Flags::of_bits(self.short(3));
        flags.takes_requests().then(|| takes.from(self.short(13)))
    }

    pub(super) fn id(&self) -> &[u8] {
        &self.0[75..91]
    }

    fn haystack_length(&self) -> usize {
        usize::from(self.short(91))
    }

    /// Name, kana, place and station, each on a line of its own so that no term spans two of them.
    pub(super) fn haystack(&self) -> &[u8] {
        &self.0[HEAD..HEAD + self.haystack_length()]
    }

    /// By which a list is in kana order: the kana where it is known, else the name.
    pub(super) fn name(&self) -> &[u8] {
        let haystack = self.haystack();
        let line = |from: usize| {
            let rest = haystack.get(from..).unwrap_or_default();
            &rest[..memchr(b'\n', rest).unwrap_or(rest.len())]
        };
        let name = line(0);
        let kana = line(name.len() + 1);
        if kana.is_empty() { name } else { kana }
    }

    /// Writes what a list shows, as fields of a JSON object.
    pub(super) fn write_json(&self, to: &mut String) {
        shown::write_json(&self.0[HEAD + self.haystack_length()..], to);
    }

    /// The facility's id.
    pub(super) fn facility_id(&self) -> Option<FacilityId> {
        std::str::from_utf8(self.id()).ok()?.parse().ok()
    }
}

/// The place of a value in the list of all, from 1; 0 where it is not stated. The lists only grow at their ends.
fn place_in<T: PartialEq>(all: &[T], value: Option<T>) -> u8 {
    let place = value.and_then(|value| all.iter().position(|of| *of == value));
    place.map_or(0, |place| place as u8 + 1)
}

/// The ages in months of the children who are taken. A class is for the children who have its age on 1 April: those of
/// the last one are almost two years older at the end of the year.
fn accepts(facility: &Facility) -> Option<(u16, u16)> {
    use crate::facility::AcceptsUntil::{Age0, Age1, Age2, Age3, Age4, Age5, School};
    let from = facility.details.accepts_from_age_months?.min(u32::from(NOT_STATED - 1)) as u16;
    let class = match facility.details.accepts_to {
        Some(Age0) => 0,
        Some(Age1) => 1,
        Some(Age2) => 2,
        Some(Age3) => 3,
        Some(Age4) => 4,
        Some(Age5 | School) | None => 5,
    };
    Some((from, class * 12 + 23))
}

fn haystack(facility: &Facility) -> String {
    let place = format!(
        "{}{}",
        facility.municipality,
        facility.street_address.as_deref().unwrap_or_default()
    );
    let kana = facility.facility_name_kana.as_deref().unwrap_or_default();
    let station = facility.details.nearest_station.as_deref().unwrap_or_default();
    [&facility.facility_name, kana, &place, station].map(text::fold).join("\n")
}

/// The mean radius of the earth in metres.
pub(super) const EARTH: f64 = 6_371_008.8;

/// The square of the chord of two points; not a number where one of them is not known.
pub(super) fn chord(one: [f64; 3], other: [f64; 3]) -> f64 {
    (0..3).map(|axis| (one[axis] - other[axis]).powi(2)).sum()
}

/// The distance in metres along the surface of two points whose chord has this square.
pub(super) fn along_surface(chord: f64) -> f64 {
    2.0 * EARTH * (chord.sqrt() / 2.0).clamp(0.0, 1.0).asin()
}
