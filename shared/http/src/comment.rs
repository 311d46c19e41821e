//! The nursery's word to the parent (RSV-03): sealed like all free text, and opened for those who may read it.

use domain::{Reservation, ReservationNumber, Sealed, reservation::Comment};
use runtime::{Purpose, Seal};

use crate::Problem;

/// Seals what goes with an answer, if anything does.
pub async fn seal_comment(
    seal: &dyn Seal,
    number: &ReservationNumber,
    comment: Option<&Comment>,
) -> Result<Option<Sealed>, Problem> {
    let Some(comment) = comment else { return Ok(None) };
    Ok(Some(seal.seal(Purpose::Comment(number), comment.as_str().as_bytes()).await?))
}

/// Opens the last word of the nursery, if there is one.
pub async fn open_comment(
    seal: &dyn Seal,
    reservation: &Reservation,
) -> Result<Option<String>, Problem> {
    let Some(sealed) = reservation.comment() else { return Ok(None) };
    let purpose = Purpose::Comment(&reservation.reservation_number);
    Ok(Some(seal.open_text(purpose, sealed).await?))
}
