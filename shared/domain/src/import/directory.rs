//! Which facility a row means.

use std::collections::HashMap;

use crate::{Facility, Invalid, text};

/// Facilities of a municipality, by what a list calls them.
#[derive(Debug)]
pub struct Directory<'a> {
    by_number: HashMap<&'a str, &'a Facility>,
    by_name: HashMap<String, Vec<&'a Facility>>,
}

impl<'a> Directory<'a> {
    /// Of these facilities.
    pub fn of(facilities: &'a [Facility]) -> Self {
        let by_number =
            facilities.iter().filter_map(|f| Some((f.office_number.as_deref()?, f))).collect();
        let mut by_name = HashMap::<String, Vec<&Facility>>::new();
        for facility in facilities {
            by_name.entry(text::identity(&facility.facility_name)).or_default().push(facility);
        }
        Self { by_number, by_name }
    }

    /// Whether one of them has this number.
    pub fn has_number(&self, number: Option<&str>) -> bool {
        number.is_some_and(|number| self.by_number.contains_key(number))
    }

    /// The facility with this number, or the only one with this name that can have it: two numbers are two facilities.
    pub fn find(&self, number: Option<&str>, name: &str) -> Result<Option<&'a Facility>, Invalid> {
        if let Some(numbered) = number.and_then(|number| self.by_number.get(number)) {
            return Ok(Some(numbered));
        }
        let same_name = self.by_name.get(&text::identity(name)).into_iter().flatten().copied();
        let fits = |f: &&Facility| number.is_none() || f.office_number.is_none();
        let fitting: Vec<_> = same_name.filter(fits).collect();
        match fitting[..] {
            [] => Ok(None),
            [only] => Ok(Some(only)),
            _ => Err(Invalid::Ambiguous(fitting.len())),
        }
    }
}
