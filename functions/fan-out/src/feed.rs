//! The feeds. Which things changed is enough: a feed says what they are when it is written.

use domain::Timestamp;
use store::Store;

use crate::{RelayError, change::Change};

pub(crate) async fn follow(
    store: &Store,
    changes: &[Change],
    now: Timestamp,
) -> Result<(), RelayError> {
    let things = changes.iter().filter_map(|change| change.of.in_feed());
    store.publish(&things.collect(), now).await?;
    Ok(())
}
