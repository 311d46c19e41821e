//! One slot and its reservations as the contract has them, one operation after the other. Written from the
//! contract, and from none of the code that it is held against.

use domain::{
    Status::{
        self, Approved, CancelledByFacility, CancelledByParent, Completed, Declined, Expired,
        NoShow, Offered, Pending, Unconfirmed, Waiting,
    },
    slot::SlotStatus,
};
use porcupine_rs::Model;

/// A reservation of the slot.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Booked {
    first: Status,
    /// Asked on the portal for a full slot: once it is confirmed, it waits.
    would_wait: bool,
    confirmed: bool,
    status: Status,
    sequence: u32,
}

/// The slot.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Slot {
    capacity: usize,
    disabled: bool,
    note: Option<String>,
    pending_holds_place: bool,
    reservations: Vec<Option<Booked>>,
}

/// The slot as staff see it: what an ETag stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    pub capacity: usize,
    pub remaining: usize,
    pub waiting: usize,
    pub status: SlotStatus,
    pub note: Option<String>,
}

/// What came of a request for a visit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reserved {
    New(Status),
    Replayed(Status),
    Full,
    Disabled,
}

/// What came of an answer, a cancellation, a confirmation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acted {
    /// It is so; a parent is told no sequence number.
    Is {
        sequence: Option<u32>,
    },
    /// It is confirmed, and waits for a place.
    Waits,
    /// To a nursery there is nothing that nobody confirmed.
    NotFound,
    Conflict(Status),
    Full,
    Disabled,
}

/// What came of a change of the slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlotAnswer {
    Done,
    BelowTaken,
    Stale,
}

/// What was done, and what was answered: nothing, where the answer was that the hub is not available or
/// was lost. Then it may have happened or not.
#[derive(Debug, Clone)]
pub enum Op {
    Open {
        capacity: usize,
        pending_holds_place: bool,
    },
    Reserve {
        id: usize,
        portal: bool,
        would_wait: bool,
        answer: Option<Reserved>,
    },
    Act {
        id: usize,
        to: Status,
        answer: Option<Acted>,
    },
    Change {
        seen: View,
        to: Wanted,
        answer: Option<SlotAnswer>,
    },
    Disable {
        answer: Option<()>,
    },
    Look(View),
    LookAsAnybody {
        capacity: usize,
        remaining: usize,
        status: SlotStatus,
    },
    Read {
        id: usize,
        status: Status,
        sequence: u32,
    },
    /// What the record says that the hub did by itself: it offers, and gives up.
    ByTime {
        id: usize,
        to: Status,
    },
    /// What the record says that the hub asked the nursery about it.
    Reminders {
        id: usize,
    },
}

impl Op {
    /// Whether it only tells: what is, or why not.
    pub fn only_reads(&self) -> bool {
        self.is_refused()
            || matches!(self, Self::Look(_) | Self::LookAsAnybody { .. } | Self::Read { .. })
    }

    /// Whether somebody else had been faster, or a rule said no.
    pub fn is_refused(&self) -> bool {
        matches!(
            self,
            Self::Reserve { answer: Some(Reserved::Full | Reserved::Disabled), .. }
                | Self::Act {
                    answer: Some(
                        Acted::Conflict(_) | Acted::Full | Acted::Disabled | Acted::NotFound
                    ),
                    ..
                }
                | Self::Change { answer: Some(SlotAnswer::BelowTaken | SlotAnswer::Stale), .. }
        )
    }
}

/// What staff would make of the slot.
#[derive(Debug, Clone)]
pub struct Wanted {
    pub capacity: usize,
    pub disabled: Option<bool>,
    pub note: String,
}

/// What the checker runs operations through.
#[derive(Debug, Clone)]
pub struct Contract;

impl Model for Contract {
    type State = Slot;
    type Op = Op;
    type Metadata = ();

    fn init() -> Slot {
        Slot {
            capacity: 0,
            disabled: false,
            note: None,
            pending_holds_place: true,
            reservations: Vec::new(),
        }
    }

    fn step(slot: &Slot, op: &Op) -> (bool, Slot) {
        let mut next = slot.clone();
        let as_answered = next.apply(op);
        (as_answered, next)
    }
}

/// Whether it holds a place, whatever the nursery wishes of those that are pending.
pub fn holds_place(status: Status, pending_holds_place: bool) -> bool {
    match status {
        // Who would wait holds none; that is told apart where it matters.
        Unconfirmed | Offered | Approved | Completed | NoShow => true,
        Pending => pending_holds_place,
        Waiting | Declined | CancelledByParent | CancelledByFacility | Expired => false,
    }
}

/// From which states people bring about this one.
fn leads_to(to: Status) -> &'static [Status] {
    match to {
        Pending => &[Unconfirmed, Offered],
        Approved | Declined => &[Pending],
        CancelledByParent => &[Waiting, Offered, Pending, Approved],
        CancelledByFacility => &[Pending, Approved],
        _ => &[],
    }
}

impl Slot {
    /// Does it, and tells whether the answer is right.
    fn apply(&mut self, op: &Op) -> bool {
        match op {
            Op::Open { capacity, pending_holds_place } => {
                self.capacity = *capacity;
                self.pending_holds_place = *pending_holds_place;
                true
            }
            Op::Reserve { id, portal, would_wait, answer } => {
                let reserved = self.reserve(*id, *portal, *would_wait);
                answer.is_none_or(|answer| answer == reserved)
            }
            Op::Act { id, to, answer } => {
                let acted = self.act(*id, *to);
                match (acted, answer) {
                    // What may not have happened may come after everything.
                    (_, None) => true,
                    (Some(Acted::Is { .. }), Some(Acted::Is { sequence: None })) => true,
                    (acted, Some(_)) => acted == *answer,
                }
            }
            Op::Change { seen, to, answer } => self.change(seen, to, *answer),
            Op::Disable { answer: Some(()) | None } => {
                self.disabled = true;
                true
            }
            Op::Look(view) => *view == self.view(),
            Op::LookAsAnybody { capacity, remaining, status } => {
                (*capacity, *remaining, *status)
                    == (self.capacity, self.capacity.saturating_sub(self.held()), self.status())
            }
            Op::Read { id, status, sequence } => {
                self.booked(*id).is_some_and(|it| (it.status, it.sequence) == (*status, *sequence))
            }
            Op::ByTime { id, to } => self.by_time(*id, *to),
            Op::Reminders { id } => {
                let pending = self.booked(*id).is_some_and(|it| it.status == Pending);
                if pending {
                    self.become_(*id, Pending);
                }
                pending
            }
        }
    }

    fn booked(&self, id: usize) -> Option<&Booked> {
        self.reservations.get(id)?.as_ref()
    }

    fn become_(&mut self, id: usize, to: Status) {
        if let Some(Some(booked)) = self.reservations.get_mut(id) {
            booked.status = to;
            booked.confirmed |= to != Expired;
            booked.sequence += 1;
        }
    }

    fn holds(&self, status: Status) -> bool {
        holds_place(status, self.pending_holds_place)
    }

    fn held(&self) -> usize {
        let counts = |it: &&Booked| !(it.would_wait && it.status == Unconfirmed);
        let booked = self.reservations.iter().flatten().filter(counts);
        booked.filter(|it| self.holds(it.status)).count()
    }

    fn waiting(&self) -> usize {
        self.reservations.iter().flatten().filter(|it| it.status == Waiting).count()
    }

    fn is_free(&self) -> bool {
        self.held() < self.capacity
    }

    fn status(&self) -> SlotStatus {
        if self.disabled {
            SlotStatus::Disabled
        } else if self.is_free() && self.waiting() == 0 {
            SlotStatus::Open
        } else {
            SlotStatus::Full
        }
    }

    fn view(&self) -> View {
        View {
            capacity: self.capacity,
            remaining: self.capacity.saturating_sub(self.held()),
            waiting: self.waiting(),
            status: self.status(),
            note: self.note.clone(),
        }
    }

    fn reserve(&mut self, id: usize, portal: bool, would_wait: bool) -> Reserved {
        if let Some(booked) = self.booked(id) {
            return Reserved::Replayed(booked.first);
        }
        let full = self.status() == SlotStatus::Full;
        let status = match self.status() {
            SlotStatus::Disabled => return Reserved::Disabled,
            SlotStatus::Full if would_wait && self.waiting() < 20 && portal => Unconfirmed,
            SlotStatus::Full if would_wait && self.waiting() < 20 => Waiting,
            SlotStatus::Full | SlotStatus::Past => return Reserved::Full,
            SlotStatus::Open if portal => Unconfirmed,
            SlotStatus::Open => Pending,
        };
        if self.reservations.len() <= id {
            self.reservations.resize(id + 1, None);
        }
        self.reservations[id] = Some(Booked {
            first: status,
            would_wait: portal && full,
            confirmed: !portal,
            status,
            sequence: 1,
        });
        Reserved::New(status)
    }

    fn act(&mut self, id: usize, to: Status) -> Option<Acted> {
        let Booked { status, sequence, would_wait, confirmed, .. } = *self.booked(id)?;
        if !confirmed && matches!(to, Approved | Declined | CancelledByFacility) {
            return Some(Acted::NotFound);
        }
        if to == Pending && would_wait && matches!(status, Unconfirmed | Waiting) {
            return Some(self.begin_to_wait(id, status));
        }
        if status == to {
            return Some(Acted::Is { sequence: Some(sequence) });
        }
        if !leads_to(to).contains(&status) {
            return Some(Acted::Conflict(status));
        }
        if self.holds(to) && !self.holds(status) && !self.is_free() {
            return Some(if self.disabled { Acted::Disabled } else { Acted::Full });
        }
        self.become_(id, to);
        Some(Acted::Is { sequence: Some(sequence + 1) })
    }

    /// Who follows the link of a request for a full slot.
    fn begin_to_wait(&mut self, id: usize, status: Status) -> Acted {
        if status == Unconfirmed && self.disabled {
            return Acted::Disabled;
        }
        if status == Unconfirmed && self.waiting() >= 20 {
            return Acted::Full;
        }
        if status == Unconfirmed {
            self.become_(id, Waiting);
        }
        Acted::Waits
    }

    /// Staff compare-and-set on what they change themselves; a slot that is busy can be changed all the same.
    /// So a change that is refused as stale may have met any other view than the one that was seen.
    fn change(&mut self, seen: &View, to: &Wanted, answer: Option<SlotAnswer>) -> bool {
        let theirs =
            |view: &View| (view.capacity, view.note.clone(), view.status == SlotStatus::Disabled);
        let fits = self.held() <= to.capacity;
        let done = fits && theirs(seen) == theirs(&self.view());
        match answer {
            Some(SlotAnswer::Done) if !done => return false,
            Some(SlotAnswer::BelowTaken) => return !fits,
            Some(SlotAnswer::Stale) => return *seen != self.view(),
            Some(SlotAnswer::Done) | None => {}
        }
        if done {
            self.capacity = to.capacity;
            self.note = Some(to.note.clone());
            self.disabled = to.disabled.unwrap_or(self.disabled);
        }
        true
    }

    fn by_time(&mut self, id: usize, to: Status) -> bool {
        let Some(Booked { status, .. }) = self.booked(id) else { return false };
        let may = match to {
            Offered => *status == Waiting && self.is_free() && !self.disabled,
            Expired => matches!(status, Unconfirmed | Waiting | Offered | Pending),
            _ => false,
        };
        if may {
            self.become_(id, to);
        }
        may
    }
}
