//! The feed of slots. Which slots changed is enough: the feed says what they are when it is written.

use domain::Timestamp;
use store::{Store, StreamChange};

use crate::{RelayError, change::Change};

pub(crate) async fn follow(
    store: &Store,
    changes: &[Change],
    now: Timestamp,
) -> Result<(), RelayError> {
    let slots = changes.iter().filter_map(|change| match &change.of {
        StreamChange::Slot(slot) => Some((slot.facility_id.clone(), slot.slot_id.clone())),
        _ => None,
    });
    store.publish_slots(&slots.collect(), now).await?;
    Ok(())
}
