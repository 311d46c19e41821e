//! Runs the function in AWS Lambda.

use ping_pending::Scheduled;
use runtime::{Environment, Hub};

fn main() -> Result<(), runtime::Error> {
    runtime::run(Environment::default(), async |hub: &Hub, event: Scheduled| {
        ping_pending::run(&hub.store, event.scheduled_at).await
    })
}
