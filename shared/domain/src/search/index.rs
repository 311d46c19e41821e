//! All facilities in memory, in kana order, and what a search does with them.

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    document::Columns,
    entry::Entry,
    filter::{Filter, Prepared},
    flags::{Feature, SATURDAY, SUNDAY_HOLIDAY, TAKES_REQUESTS},
};
use crate::{
    MunicipalityCode, Timestamp,
    facility::{EstablishmentBody, FacilityType},
    item::code_list,
};

code_list!(
    /// In which order facilities are listed; those of one rank in kana order, then by id.
    Sort {
        Name = "name", "五十音順";
        Distance = "distance", "近い順";
        Vacancy = "vacancy", "空きの多い順";
        NextSlot = "next_slot", "見学できる日が早い順";
    }
);

/// After which facility a list goes on: what it is sorted by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    rank: u64,
    name: Vec<u8>,
    id: Vec<u8>,
    /// When the first page was made: all pages are ranked and filtered as of then.
    at: Timestamp,
}

/// What was asked for.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// Which facilities.
    pub filter: &'a Filter,
    /// In which order.
    pub sort: Sort,
    /// After the last one of the page before.
    pub after: Option<Position>,
    /// How many.
    pub limit: usize,
    /// Whether to count all.
    pub facets: bool,
}

/// A page of what was found.
#[derive(Debug)]
pub struct Found {
    /// Each with its distance in metres from the nearest place that was named.
    pub page: Vec<(Arc<Entry>, Option<u32>)>,
    /// Where the next page begins.
    pub next: Option<Position>,
    /// How many there are of each kind, if that was asked for.
    pub facets: Option<Facets>,
}

/// How many of all that match there are of each kind. A kind of which there is none is left out; so is what is not stated.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Facets {
    /// All that match.
    pub total: usize,
    /// By 施設類型.
    pub facility_type: BTreeMap<String, usize>,
    /// By 施設の設置主体.
    pub establishment_body: BTreeMap<String, usize>,
    /// By the national code of the municipality.
    pub municipality: BTreeMap<String, usize>,
    /// By what is offered.
    pub feature: BTreeMap<String, usize>,
    /// Open on Saturdays.
    pub saturday: usize,
    /// Open on Sundays or holidays.
    pub sunday_holiday: usize,
    /// Take visit requests through the hub.
    pub bookable: usize,
}

#[derive(Debug, Clone)]
struct Row {
    columns: Columns,
    entry: Arc<Entry>,
}

/// All facilities, in kana order.
#[derive(Debug, Clone, Default)]
pub struct Index(Vec<Row>);

impl FromIterator<Arc<Entry>> for Index {
    fn from_iter<I: IntoIterator<Item = Arc<Entry>>>(entries: I) -> Self {
        // What is side by side in memory is read side by side, and moved when the order is known.
        let rows: Vec<Row> = entries.into_iter().map(Row::new).collect();
        let mut order: Vec<(u128, usize)> =
            rows.iter().enumerate().map(|(place, row)| (row.first_letters(), place)).collect();
        order.sort_unstable_by(|(first, one), (other, another)| {
            let whole = |place: usize| rows[place].entry.name_and_id();
            first.cmp(other).then_with(|| whole(*one).cmp(&whole(*another)))
        });
        let mut rows: Vec<_> = rows.into_iter().map(Some).collect();
        Self(order.into_iter().filter_map(|(_, place)| rows[place].take()).collect())
    }
}

impl Row {
    fn new(entry: Arc<Entry>) -> Self {
        Self { columns: entry.columns(), entry }
    }

    /// Which decide most comparisons.
    fn first_letters(&self) -> u128 {
        let (name, mut letters) = (self.entry.name_and_id().0, [0; 16]);
        let length = name.len().min(16);
        letters[..length].copy_from_slice(&name[..length]);
        u128::from_be_bytes(letters)
    }
}

/// How many rows are looked at before their entries are: what of them is in far memory comes at once.
const SIDE_BY_SIDE: usize = 64;

impl Index {
    /// How many facilities it has.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many bytes it takes in memory, beside what the allocator adds.
    pub fn weight(&self) -> usize {
        // A counter of owners stands before each entry, and another one.
        let each = self.0.iter().map(|row| row.entry.weight() + 2 * size_of::<usize>());
        self.0.capacity() * size_of::<Row>() + each.sum::<usize>()
    }

    /// A page of what matches.
    pub fn search(&self, request: &Request<'_>, now: Timestamp) -> Found {
        let at = request.after.as_ref().map_or(now, |after| after.at);
        let wanted = Prepared::new(request.filter, at);
        let mut facets = request.facets.then(Counts::default);
        let start = request.after.as_ref().map(|after| {
            let place = (after.name.as_slice(), after.id.as_slice());
            (after.rank, self.0.partition_point(|row| row.entry.name_and_id() <= place))
        });
        let in_order = request.sort == Sort::Name && facets.is_none();
        let first = if in_order { start.map_or(0, |(_, place)| place) } else { 0 };
        // One more than a page shows that there is another page.
        let mut found: Vec<(u64, usize)> = Vec::new();
        'all: for (chunk, rows) in self.0[first..].chunks(SIDE_BY_SIDE).enumerate() {
            let places = (first + chunk * SIDE_BY_SIDE..).zip(rows);
            let mut may: Vec<_> =
                places.filter(|(_, row)| wanted.may_match(&row.columns)).collect();
            if !wanted.is_decided() {
                if wanted.has_terms() {
                    may.iter().for_each(|(_, row)| row.entry.touch());
                }
                may.retain(|(_, row)| wanted.matches(&row.columns, &row.entry));
            }
            for (place, row) in may {
                if let Some(facets) = &mut facets {
                    facets.count(&row.columns);
                }
                let rank = rank(request, &wanted, row, at);
                let after = |(last, next)| rank > last || (rank == last && place >= next);
                if start.is_none_or(after) {
                    found.push((rank, place));
                }
                if in_order && found.len() > request.limit {
                    break 'all;
                }
            }
        }
        let more = found.len() > request.limit;
        if more {
            found.select_nth_unstable(request.limit);
            found.truncate(request.limit);
        }
        found.sort_unstable();
        let next = found.last().filter(|_| more).map(|(rank, place)| {
            let (name, id) = self.0[*place].entry.name_and_id();
            Position { rank: *rank, name: name.to_vec(), id: id.to_vec(), at }
        });
        let hit = |(_, place): (u64, usize)| {
            let row = &self.0[place];
            (row.entry.clone(), wanted.distance(&row.columns).map(metres))
        };
        let page = found.into_iter().map(hit).collect();
        Found { page, next, facets: facets.map(Facets::from) }
    }
}

fn metres(distance: f64) -> u32 {
    distance.round() as u32
}

/// By which facilities are sorted before their names: the least first.
fn rank(request: &Request<'_>, wanted: &Prepared<'_>, row: &Row, at: Timestamp) -> u64 {
    match request.sort {
        Sort::Name => 0,
        Sort::Distance => wanted.distance(&row.columns).map_or(u64::MAX, |at| metres(at).into()),
        Sort::Vacancy => {
            let places = row.columns.places;
            let places = request.filter.vacancy_age.map_or(places.all(), |age| places.of(age));
            u64::from(u32::MAX - places)
        }
        Sort::NextSlot => {
            let from = row.columns.takes_from(at);
            let next = from.and_then(|from| row.entry.free_from(&row.columns, from));
            next.map_or(u64::MAX, i64::unsigned_abs)
        }
    }
}

/// What facets count, by the numbers that the columns have.
#[derive(Default)]
struct Counts {
    total: usize,
    kinds: [usize; FacilityType::ALL.len()],
    bodies: [usize; EstablishmentBody::ALL.len()],
    /// Of each that was found.
    municipalities: Vec<u32>,
    flags: [usize; u16::BITS as usize],
}

impl Counts {
    fn count(&mut self, columns: &Columns) {
        self.total += 1;
        if let Some(kind) = columns.facility_type {
            self.kinds[kind as usize] += 1;
        }
        if let Some(body) = columns.establishment_body {
            self.bodies[body as usize] += 1;
        }
        self.municipalities.push(columns.municipality.number());
        for (bit, count) in self.flags.iter_mut().enumerate() {
            *count += usize::from(columns.flags.bits() >> bit & 1);
        }
    }
}

impl From<Counts> for Facets {
    fn from(mut counts: Counts) -> Self {
        let flagged = |flag: u16| counts.flags[flag.trailing_zeros() as usize];
        let features = Feature::ALL.iter().map(|feature| (*feature, flagged(feature.bit())));
        counts.municipalities.sort_unstable();
        let municipalities = counts.municipalities.chunk_by(u32::eq).map(|all| {
            let code = MunicipalityCode::of_number(all.first().copied().unwrap_or_default());
            (code, all.len())
        });
        Self {
            total: counts.total,
            feature: by_code(features),
            saturday: flagged(SATURDAY),
            sunday_holiday: flagged(SUNDAY_HOLIDAY),
            bookable: flagged(TAKES_REQUESTS),
            facility_type: by_code(FacilityType::ALL.iter().copied().zip(counts.kinds)),
            establishment_body: by_code(EstablishmentBody::ALL.iter().copied().zip(counts.bodies)),
            municipality: by_code(municipalities),
        }
    }
}

/// What there is of each, by its code.
fn by_code<T: Serialize>(counts: impl Iterator<Item = (T, usize)>) -> BTreeMap<String, usize> {
    counts.filter(|(_, count)| *count > 0).map(|(value, count)| (code(value), count)).collect()
}

/// The code of a value of a list.
fn code(value: impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(code)) => code,
        _ => String::new(),
    }
}
