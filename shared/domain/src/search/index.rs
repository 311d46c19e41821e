//! All facilities in memory, in kana order, and what a search does with them.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{
    document::Columns,
    entry::Entry,
    facets::{Counts, Facets},
    filter::{Filter, Prepared},
};
use crate::{MunicipalityCode, Timestamp, facility::Takes, item::code_list};

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

#[derive(Debug, Clone)]
struct Row {
    columns: Columns,
    /// Which of the municipalities of the index it is in.
    municipality: u16,
    entry: Arc<Entry>,
}

/// All facilities, in kana order.
#[derive(Debug, Clone)]
pub struct Index {
    rows: Vec<Row>,
    /// Of all facilities, in order.
    municipalities: Vec<MunicipalityCode>,
    made_at: Timestamp,
}

impl Default for Index {
    fn default() -> Self {
        Self::new([], Timestamp::EPOCH)
    }
}

impl Index {
    /// Of all facilities, as they are now.
    pub fn new(entries: impl IntoIterator<Item = Arc<Entry>>, now: Timestamp) -> Self {
        // What is side by side in memory is read side by side, and moved when the order is known.
        let takes = Takes::at(now);
        let entries = entries.into_iter();
        let mut rows = Vec::with_capacity(entries.size_hint().0);
        let mut order = Vec::with_capacity(entries.size_hint().0);
        let mut entries = entries.peekable();
        while entries.peek().is_some() {
            let some: Vec<_> = entries.by_ref().take(SIDE_BY_SIDE).collect();
            some.iter().for_each(|entry| entry.touch());
            for entry in some {
                order.push((first_letters(&entry), rows.len()));
                rows.push(Row::new(entry, takes));
            }
        }
        let municipalities = number_municipalities(&mut rows);
        order.sort_unstable_by(|(first, one), (other, another)| {
            let whole = |place: usize| rows[place].entry.name_and_id();
            first.cmp(other).then_with(|| whole(*one).cmp(&whole(*another)))
        });
        let mut unsorted: Vec<_> = rows.into_iter().map(Some).collect();
        let mut rows = Vec::with_capacity(order.len());
        rows.extend(order.into_iter().filter_map(|(_, place)| unsorted[place].take()));
        Self { rows, municipalities, made_at: now }
    }
}

/// Notes in each row which of all municipalities it is in; returns these.
fn number_municipalities(rows: &mut [Row]) -> Vec<MunicipalityCode> {
    let mut all: Vec<_> = rows.iter().map(|row| row.columns.municipality).collect();
    all.sort_unstable();
    all.dedup();
    for row in rows {
        row.municipality = all.partition_point(|code| *code < row.columns.municipality) as u16;
    }
    all
}

impl Row {
    fn new(entry: Arc<Entry>, takes: Takes) -> Self {
        Self { columns: entry.columns(takes), municipality: 0, entry }
    }
}

/// Which decide most comparisons.
fn first_letters(entry: &Entry) -> u128 {
    let (name, mut letters) = (entry.name_and_id().0, [0; 16]);
    let length = name.len().min(16);
    letters[..length].copy_from_slice(&name[..length]);
    u128::from_be_bytes(letters)
}

/// How many rows are looked at before their entries are: what of them is in far memory comes at once.
const SIDE_BY_SIDE: usize = 64;

impl Index {
    /// How many facilities it has.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// How many bytes it takes in memory, beside what the allocator adds.
    pub fn weight(&self) -> usize {
        // A counter of owners stands before each entry, and another one.
        let each = self.rows.iter().map(|row| row.entry.weight() + 2 * size_of::<usize>());
        self.rows.capacity() * size_of::<Row>() + each.sum::<usize>()
    }

    /// A page of what matches.
    pub fn search(&self, request: &Request<'_>, now: Timestamp) -> Found {
        let at = request.after.as_ref().map_or(now, |after| after.at);
        let wanted = Prepared::new(request.filter, at, at >= self.made_at);
        let mut facets = request.facets.then(|| Counts::new(self.municipalities.len()));
        let start = request.after.as_ref().map(|after| {
            let place = (after.name.as_slice(), after.id.as_slice());
            (after.rank, self.rows.partition_point(|row| row.entry.name_and_id() <= place))
        });
        let in_order = request.sort == Sort::Name && facets.is_none();
        let first = if in_order { start.map_or(0, |(_, place)| place) } else { 0 };
        // One more than a page shows that there is another page.
        let mut found = First::new(request.limit + 1);
        let mut may = Vec::with_capacity(SIDE_BY_SIDE);
        'all: for (chunk, rows) in self.rows[first..].chunks(SIDE_BY_SIDE).enumerate() {
            let places = (first + chunk * SIDE_BY_SIDE..).zip(rows);
            may.clear();
            may.extend(places.filter(|(_, row)| wanted.may_match(&row.columns)));
            if wanted.has_terms() {
                may.iter().for_each(|(_, row)| row.entry.touch_text());
            }
            for &(place, row) in
                may.iter().filter(|(_, row)| wanted.matches(&row.columns, &row.entry))
            {
                if let Some(facets) = &mut facets {
                    facets.count(&row.columns, row.municipality);
                }
                let rank = rank(request, &wanted, row);
                let after = |(last, next)| rank > last || (rank == last && place >= next);
                if start.is_none_or(after) {
                    found.push((rank, place));
                }
                if in_order && found.len() > request.limit {
                    break 'all;
                }
            }
        }
        let mut found = found.in_order();
        let more = found.len() > request.limit;
        found.truncate(request.limit);
        let next = found.last().filter(|_| more).map(|(rank, place)| {
            let (name, id) = self.rows[*place].entry.name_and_id();
            Position { rank: *rank, name: name.to_vec(), id: id.to_vec(), at }
        });
        let hit = |(_, place): (u64, usize)| {
            let row = &self.rows[place];
            (row.entry.clone(), wanted.distance(&row.columns).map(metres))
        };
        let page = found.into_iter().map(hit).collect();
        Found { page, next, facets: facets.map(|counts| counts.facets(&self.municipalities)) }
    }
}

fn metres(distance: f64) -> u32 {
    distance.round() as u32
}

/// By which facilities are sorted before their names: the least first.
fn rank(request: &Request<'_>, wanted: &Prepared<'_>, row: &Row) -> u64 {
    match request.sort {
        Sort::Name => 0,
        Sort::Distance => wanted.distance(&row.columns).map_or(u64::MAX, |at| metres(at).into()),
        Sort::Vacancy => {
            let places = row.columns.places;
            let places = request.filter.vacancy_age.map_or(places.all(), |age| places.of(age));
            u64::from(u32::MAX - places)
        }
        Sort::NextSlot => {
            let next = wanted.next_free(&row.columns, &row.entry);
            next.map_or(u64::MAX, i64::unsigned_abs)
        }
    }
}

/// The first of many, by rank and place.
struct First {
    count: usize,
    /// Twice as many at most: they are sorted out together.
    found: Vec<(u64, usize)>,
    /// What is after this one is not among them.
    last: (u64, usize),
}

impl First {
    fn new(count: usize) -> Self {
        Self { count, found: Vec::new(), last: (u64::MAX, usize::MAX) }
    }

    fn len(&self) -> usize {
        self.found.len()
    }

    fn push(&mut self, one: (u64, usize)) {
        if one > self.last {
            return;
        }
        self.found.push(one);
        if self.found.len() >= 2 * self.count {
            let (_, last, _) = self.found.select_nth_unstable(self.count - 1);
            self.last = *last;
            self.found.truncate(self.count);
        }
    }

    fn in_order(mut self) -> Vec<(u64, usize)> {
        self.found.sort_unstable();
        self.found.truncate(self.count);
        self.found
    }
}
