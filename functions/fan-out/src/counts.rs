//! Counts: when the number of a nursery's requests that wait for an answer last changed, for `new-count`.

use store::{Store, StreamChange};

use crate::{RelayError, change::Change};

pub(crate) async fn follow(store: &Store, changes: &[Change]) -> Result<(), RelayError> {
    for change in changes {
        if let StreamChange::Reservation { before, after } = &change.of {
            store.follow_pending_count(before.as_deref(), after).await?;
        }
    }
    Ok(())
}
