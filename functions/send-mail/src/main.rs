//! Runs the function in AWS Lambda.

use runtime::Environment;
use send_mail::SendMail;

fn main() -> Result<(), runtime::Error> {
    runtime::run(Environment::default(), SendMail::handle)
}
