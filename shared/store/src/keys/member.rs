//! The members of sets that say more than one thing.

use domain::{ReservationNumber, Timestamp, family::OpenRequest};

use super::part::Part;

/// An open request, in the set of its family.
pub(crate) fn open_request(request: &OpenRequest) -> String {
    let site = request.site.as_ref().map(Part::write).unwrap_or_default();
    [request.slot_id.write(), request.reservation_number.write(), site].join("#")
}

/// The open request of which this is the member.
pub(crate) fn parse_open_request(member: &str) -> Option<OpenRequest> {
    let mut parts = member.splitn(3, '#');
    Some(OpenRequest {
        slot_id: Part::read(parts.next()?)?,
        reservation_number: Part::read(parts.next()?)?,
        site: parts.next().and_then(Part::read),
    })
}

/// Who waits for a place of a slot, in the order in which they asked.
pub(crate) fn waiting(since: Timestamp, number: &ReservationNumber) -> String {
    [since.write(), number.write()].join("#")
}

/// Who waits by this member, and since when.
pub(crate) fn parse_waiting(member: &str) -> Option<(Timestamp, ReservationNumber)> {
    let (since, number) = member.split_once('#')?;
    Some((Part::read(since)?, Part::read(number)?))
}
