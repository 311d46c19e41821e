//! Lists of what facilities have free in a month. A row names its facility by number, or by municipality and name, so what
//! it is about is known only when the facilities of the hub are beside it.

mod read;
mod resolve;
mod row;
#[cfg(test)]
mod tests;

pub use read::read;
pub use resolve::{Facilities, months, plan, resolve};
pub use row::VacancyRow;
