//! Timers: the entries by time that `keep-deadlines` finds.

use domain::Timestamp;
use store::{Store, StreamChange};

use crate::{RelayError, change::Change};

pub(crate) async fn follow(
    store: &Store,
    changes: &[Change],
    now: Timestamp,
) -> Result<(), RelayError> {
    for change in changes {
        match &change.of {
            StreamChange::Reservation { before, after } => {
                store.follow_deadline(before.as_deref(), after).await?;
            }
            // A place that came free is offered to whoever waits longest.
            StreamChange::Slot(slot) => {
                if let Some(next) = slot.next_waiting(now) {
                    store.add_deadline(now, next).await?;
                }
            }
            // One that is not published yet is in no feed that could say when it will be.
            StreamChange::Procedure(procedure) => store.follow_procedure(procedure, now).await?,
            _ => {}
        }
    }
    Ok(())
}
