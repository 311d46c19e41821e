//! What the index knows of one facility.

use super::{
    document::{Columns, Document},
    free::FreeSlots,
    summary::FacilitySummary,
    vacancy::{Places, VacancySummary},
};
use crate::{Facility, FacilityId, Timestamp, facility::Takes};

/// What the index knows of one facility: the facility, its free slots, its vacancies. Each follows a thing of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    document: Document,
    free: FreeSlots,
    /// As it is stored.
    vacancy: Option<Box<[u8]>>,
}

/// So many bytes come from memory at once.
const LINE: usize = 64;

impl Entry {
    /// An entry for a facility, without free slots and vacancies.
    pub fn new(facility: Facility) -> Self {
        Self { document: Document::new(facility), free: FreeSlots::default(), vacancy: None }
    }

    /// An entry as the version before kept it.
    pub fn of_summary(summary: FacilitySummary, free: FreeSlots) -> Self {
        Self { free, ..Self::new(summary.into()) }
    }

    /// From what is stored; none if another version wrote it in another form.
    pub fn of_stored(facility: Vec<u8>, free: Vec<u8>, vacancy: Option<Vec<u8>>) -> Option<Self> {
        let document = Document::of_bytes(facility)?;
        let vacancy = vacancy.map(Vec::into_boxed_slice);
        Some(Self { document, free: FreeSlots::of_bytes(free), vacancy })
    }

    /// The facility, as it is stored.
    pub fn facility_bytes(&self) -> &[u8] {
        self.document.bytes()
    }

    /// The starts of free slots, as they are stored.
    pub fn free_bytes(&self) -> &[u8] {
        self.free.bytes()
    }

    /// The last published vacancies, as they are stored.
    pub fn vacancy_bytes(&self) -> Option<&[u8]> {
        self.vacancy.as_deref()
    }

    /// The last published vacancies.
    pub fn vacancy(&self) -> Option<VacancySummary> {
        self.vacancy.as_deref().and_then(VacancySummary::of_bytes)
    }

    /// The id of the facility.
    pub fn facility_id(&self) -> Option<FacilityId> {
        self.document.facility_id()
    }

    /// Replaces what is known of the facility; tells whether anything changed.
    pub fn put_facility(&mut self, facility: Facility) -> bool {
        let document = Document::new(facility);
        let changed = document != self.document;
        self.document = document;
        changed
    }

    /// Notes whether a slot has a free place; tells whether anything changed. Starts before `now` are forgotten on the
    /// way.
    pub fn put_slot(&mut self, starts_at: Timestamp, free: bool, now: Timestamp) -> bool {
        self.free.put(starts_at, free, now)
    }

    /// Replaces the starts of free slots; tells whether anything changed.
    pub fn put_free(&mut self, free: FreeSlots) -> bool {
        let changed = free != self.free;
        self.free = free;
        changed
    }

    /// Replaces the last published vacancies, unless they are of a later month; tells whether anything changed.
    pub fn put_vacancy(&mut self, vacancy: VacancySummary) -> bool {
        let known = self.vacancy.as_deref().and_then(VacancySummary::of_bytes);
        if known.is_some_and(|known| known.base_month > vacancy.base_month) {
            return false;
        }
        let vacancy = Some(vacancy.to_bytes().into());
        let changed = vacancy != self.vacancy;
        self.vacancy = vacancy;
        changed
    }

    /// When the next slot starts that has a free place and still takes requests.
    pub fn next_slot_at(&self, now: Timestamp) -> Option<Timestamp> {
        let from = self.document.takes_from(Takes::at(now))?;
        self.free_from(from).and_then(Timestamp::from_epoch_ms)
    }

    /// The first free slot that does not start before this.
    pub(super) fn free_from(&self, from: i64) -> Option<i64> {
        self.free.first_from(from)
    }

    /// Kana order, in which names are; ids make it unique.
    pub(super) fn name_and_id(&self) -> (&[u8], &[u8]) {
        (self.document.name(), self.document.id())
    }

    /// Reads a little of the text and does nothing with it, so that it is near when it is needed.
    pub(super) fn touch_text(&self) {
        touch(self.document.haystack());
    }

    /// The same of all that an index reads when it is made.
    pub(super) fn touch(&self) {
        self.touch_text();
        touch(&self.document.bytes()[..LINE]);
        touch(self.free.bytes());
        touch(self.vacancy.as_deref().unwrap_or_default());
    }

    pub(super) fn haystack(&self) -> &[u8] {
        self.document.haystack()
    }

    pub(super) fn columns(&self, takes: Takes) -> Columns {
        let places = self.vacancy.as_deref().and_then(Places::of_bytes);
        self.document.columns(places.unwrap_or_default(), &self.free, takes)
    }

    /// What a list shows of the facility, as an item of a JSON list. `distance_m` stands there only where it is known.
    pub fn write_json(&self, distance_m: Option<u32>, now: Timestamp, to: &mut String) {
        to.push('{');
        self.document.write_json(to);
        let next = self.next_slot_at(now);
        let next = next.map_or("null".into(), |next| format!("\"{next}\""));
        let vacancy = serde_json::to_string(&self.vacancy()).unwrap_or_else(|_| "null".into());
        to.push_str(&format!(",\"next_slot_at\":{next},\"vacancy\":{vacancy}"));
        if let Some(metres) = distance_m {
            to.push_str(&format!(",\"distance_m\":{metres}"));
        }
        to.push('}');
    }

    /// How many bytes it takes in memory, beside what the allocator adds.
    pub fn weight(&self) -> usize {
        let vacancy = self.vacancy.as_ref().map_or(0, |bytes| bytes.len());
        size_of::<Self>() + self.facility_bytes().len() + self.free_bytes().len() + vacancy
    }
}

/// Reads a byte of each line.
fn touch(bytes: &[u8]) {
    std::hint::black_box(bytes.iter().step_by(LINE).fold(0, |all, one| all ^ one));
}
