//! Why the rules say no.

use crate::Status;

/// Why the rules refuse something. Each is a problem type of its own in the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Every place of the slot is held.
    #[error("every place of the slot is held")]
    SlotFull,
    /// The nursery closed the slot.
    #[error("the slot is disabled")]
    SlotDisabled,
    /// The slot has begun.
    #[error("the slot has begun")]
    SlotPast,
    /// Past the deadline for asking or for cancelling.
    #[error("the deadline is over")]
    TooLate,
    /// Before the nursery takes requests for that day, or before the visit.
    #[error("it is too early")]
    TooEarly,
    /// The nursery takes bookings elsewhere (RSV-21).
    #[error("the nursery takes no bookings here")]
    BookingClosed,
    /// The family has as many open requests at the nursery as one may have.
    #[error("the family has too many open requests")]
    TooManyRequestsOfFamily,
    /// More places are held than the new capacity has.
    #[error("more places are held than that")]
    CapacityBelowTaken,
    /// The reservation is in a state that does not allow it.
    #[error("the reservation is {}", .current.as_str())]
    StateConflict {
        /// The state that was met.
        current: Status,
    },
}
