//! What somebody looks for.

use memchr::memmem::Finder;

use super::{
    document::{Columns, EARTH, along_surface, chord, on_sphere},
    entry::Entry,
    flags::{Feature, SATURDAY, SUNDAY_HOLIDAY, Signature, TAKES_REQUESTS},
    free::{Free, Next},
};
use crate::{
    MunicipalityCode, Timestamp,
    facility::{EstablishmentBody, FacilityType, Location, Takes},
    item::LocalTime,
};

/// What somebody looks for; every condition must hold.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Filter {
    /// In one of these municipalities; empty for all.
    pub municipalities: Vec<MunicipalityCode>,
    /// Each term is part of the name, the kana, the place or the station; from [`crate::text::terms`].
    pub terms: Vec<String>,
    /// Of this kind.
    pub facility_type: Option<FacilityType>,
    /// Run by.
    pub establishment_body: Option<EstablishmentBody>,
    /// On weekdays open no later than this.
    pub open_at: Option<LocalTime>,
    /// On weekdays open until this or later.
    pub close_at: Option<LocalTime>,
    /// Open on Saturdays, or not known to be.
    pub saturday: Option<bool>,
    /// Open on Sundays or holidays, or not known to be.
    pub sunday_holiday: Option<bool>,
    /// Takes a child of this age in months.
    pub accepts_age_months: Option<u16>,
    /// Offers all of these.
    pub features: Vec<Feature>,
    /// Has a place for a child of this age class.
    pub vacancy_age: Option<u8>,
    /// Takes visit requests through the hub, or does not.
    pub bookable: Option<bool>,
    /// Has a free slot that starts in this span, the end not in it, and still takes requests.
    pub visit: Option<(Timestamp, Timestamp)>,
    /// The places near to which something is looked for.
    pub near: Vec<Location>,
    /// Within so many metres of one of them.
    pub radius_m: Option<u32>,
}

/// A filter, made ready for thousands of comparisons.
pub(super) struct Prepared<'a> {
    filter: &'a Filter,
    set: u16,
    clear: u16,
    terms: Vec<Finder<'a>>,
    signature: Signature,
    near: Vec<[f64; 3]>,
    takes: Takes,
    /// Whether what stands beside the columns is of this time or before, and not of a later one.
    knows_free: bool,
}

impl<'a> Prepared<'a> {
    pub(super) fn new(filter: &'a Filter, now: Timestamp, knows_free: bool) -> Self {
        let wanted = [
            (SATURDAY, filter.saturday),
            (SUNDAY_HOLIDAY, filter.sunday_holiday),
            (TAKES_REQUESTS, filter.bookable),
        ];
        let bits = |wants: bool| {
            let bits = wanted.iter().filter(move |(_, want)| *want == Some(wants));
            bits.fold(0, |bits, (bit, _)| bits | bit)
        };
        let features = filter.features.iter().fold(0, |bits, feature| bits | feature.bit());
        let signatures = filter.terms.iter().map(|term| Signature::of(term).0);
        let all = |a: [u64; 4], b: [u64; 4]| std::array::from_fn(|n| a[n] | b[n]);
        Self {
            filter,
            set: bits(true) | features,
            clear: bits(false),
            terms: filter.terms.iter().map(|term| Finder::new(term.as_bytes())).collect(),
            signature: Signature(signatures.fold([0; 4], all)),
            near: filter.near.iter().map(|place| on_sphere(*place)).collect(),
            takes: Takes::at(now),
            knows_free,
        }
    }

    /// When the first visit starts that is free and can still be asked for.
    pub(super) fn next_free(&self, columns: &Columns, entry: &Entry) -> Option<i64> {
        let from = columns.takes_from(self.takes)?;
        match columns.free.first_from(from) {
            Next::At(start) if self.knows_free => Some(start),
            Next::None if self.knows_free => None,
            _ => entry.free_from(from),
        }
    }

    /// Whether a visit is free that starts in the span and can still be asked for.
    fn is_free(&self, columns: &Columns, entry: &Entry) -> bool {
        let Some((from, until)) = self.filter.visit else { return true };
        let Some(first) = columns.takes_from(self.takes) else { return false };
        let (from, until) = (first.max(from.epoch_ms()), until.epoch_ms());
        match columns.free.is_free(from, until) {
            Free::Yes if self.knows_free => true,
            Free::No if self.knows_free => false,
            _ => entry.free_from(from).is_some_and(|start| start < until),
        }
    }

    /// How far the nearest place is that was named, in metres.
    pub(super) fn distance(&self, columns: &Columns) -> Option<f64> {
        let chords = self.near.iter().map(|place| chord(*place, columns.place));
        let nearest = chords.filter(|chord| !chord.is_nan()).min_by(f64::total_cmp);
        nearest.map(along_surface)
    }

    /// Whether a facility may fulfil every condition, by what costs least to see.
    pub(super) fn may_match(&self, columns: &Columns) -> bool {
        let Self { filter, set, clear, .. } = self;
        let bits = columns.flags.bits();
        bits & set == *set
            && bits & clear == 0
            && filter.facility_type.is_none_or(|kind| columns.facility_type == Some(kind))
            && filter.establishment_body.is_none_or(|body| columns.establishment_body == Some(body))
            && (filter.municipalities.is_empty()
                || filter.municipalities.contains(&columns.municipality))
            && filter
                .open_at
                .is_none_or(|at| columns.opens.is_some_and(|opens| opens <= at.minutes()))
            && filter
                .close_at
                .is_none_or(|at| columns.closes.is_some_and(|closes| closes >= at.minutes()))
            && filter.accepts_age_months.is_none_or(|age| {
                columns.accepts.is_some_and(|(from, until)| (from..=until).contains(&age))
            })
            && filter.vacancy_age.is_none_or(|age| columns.places.of(age) > 0)
            && columns.signature.has(&self.signature)
            && filter.radius_m.is_none_or(|radius| self.is_within(radius, columns))
    }

    /// Whether it fulfils those that its columns do not decide.
    pub(super) fn matches(&self, columns: &Columns, entry: &Entry) -> bool {
        self.terms.iter().all(|term| term.find(entry.haystack()).is_some())
            && self.is_free(columns, entry)
    }

    /// Whether it looks at texts.
    pub(super) fn has_terms(&self) -> bool {
        !self.terms.is_empty()
    }

    fn is_within(&self, radius: u32, columns: &Columns) -> bool {
        let radius = f64::from(radius);
        // A box around each place leaves out most of the others.
        let side = radius / EARTH;
        self.near.iter().any(|place| {
            let near =
                place.iter().zip(columns.place).all(|(one, other)| (one - other).abs() <= side);
            near && along_surface(chord(*place, columns.place)) <= radius
        })
    }
}
