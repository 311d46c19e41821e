//! Facts: what reports count of each reservation.

use store::{Store, StreamChange};

use crate::{RelayError, change::Change};

pub(crate) async fn follow(store: &Store, changes: &[Change]) -> Result<(), RelayError> {
    for change in changes {
        if let StreamChange::Reservation { before, after } = &change.of {
            store.follow_fact(before.as_deref(), after).await?;
        }
    }
    Ok(())
}
