//! Runs the function in AWS Lambda.

use runtime::Environment;

fn main() -> Result<(), runtime::Error> {
    runtime::run(Environment::default(), async |(): &(), event| {
        Ok::<_, runtime::Error>(staff_claims::handle(event))
    })
}
