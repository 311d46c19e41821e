//! What the hub says: to people by mail ([`letter`]), to systems by signed webhooks ([`webhook`]).
//!
//! [`order`] tells who must know of a change. An order names what to say and holds no personal
//! data; the letter is written where the applicant may be opened, when it is sent.

mod egress;
pub mod information;
pub mod letter;
pub mod order;
pub mod webhook;

pub use self::egress::EgressPolicy;
