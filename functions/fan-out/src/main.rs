//! Runs the function in AWS Lambda.

use fan_out::Relay;
use runtime::Environment;

fn main() -> Result<(), runtime::Error> {
    runtime::run(Environment::default(), async |relay: &Relay, event| {
        Ok::<_, runtime::Error>(relay.handle(event).await)
    })
}
