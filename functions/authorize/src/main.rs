//! Runs the function in AWS Lambda.

use authorize::Authorizer;
use runtime::Environment;
use store::keys::Kind;

fn main() -> Result<(), runtime::Error> {
    runtime::run(Environment { first_read: Kind::Client }, Authorizer::handle)
}
