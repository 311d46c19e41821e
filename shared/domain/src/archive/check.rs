//! Reading an archive: all of it is right, or all that is wrong is told.

use std::collections::{HashMap, HashSet};

use serde::Deserialize;
use serde_json::Value;

use super::{Archive, ArchivedChangeRequest, ArchivedProcedure, ArchivedVacancy, VERSION};
use crate::{
    FacilityId, Invalid, MunicipalityCode, facility, invalid::push_token, item::Item, municipality,
    procedure, sheet::RowError, vacancy,
};

/// Which form a document has, whatever else is in it.
#[derive(Deserialize)]
struct Form {
    version: u32,
}

/// What is wrong, by JSON pointers.
struct Wrong {
    /// The municipality that the caller works for alone.
    only: Option<MunicipalityCode>,
    told: Vec<RowError>,
}

impl Wrong {
    fn push(&mut self, pointer: &str, invalid: &Invalid) {
        self.told.push(RowError::new(1, pointer, "", invalid));
    }

    /// The municipality of a thing is the caller's, and has these names of prefecture and municipality.
    fn check_municipality(&mut self, code: MunicipalityCode, names: Option<[&str; 2]>, at: &str) {
        let known = municipality::by_code(code).map(|known| known.municipality);
        let right = known
            .is_some_and(|known| names.is_none_or(|names| names == [known.prefecture, known.name]));
        let pointer = format!("{at}/municipality_code");
        if self.only.is_some_and(|only| only != code) {
            self.push(&pointer, &Invalid::OfAnotherMunicipality);
        } else if !right {
            self.push(&pointer, &Invalid::NotListed);
        }
    }

    /// Every item keeps the limits that it has in lists and change requests.
    fn check_items<T: Clone>(&mut self, items: &[Item<T>], of: &T, at: &str) {
        for item in items.iter().filter(|item| item.is_stated(of)) {
            match item.set(&mut of.clone(), item.json(of)) {
                Ok(()) | Err(Invalid::Unchangeable) => {}
                Err(invalid) => self.push(&format!("{at}/{}", item.field), &invalid),
            }
        }
    }
}

impl Archive {
    /// Reads an archive. A caller who works for one municipality brings nothing of another.
    pub fn read(json: &[u8], only: Option<MunicipalityCode>) -> Result<Self, Vec<RowError>> {
        let mut wrong = Wrong { only, told: Vec::new() };
        let malformed = |error: serde_json::Error| {
            let (line, cause) = (error.line() as u64, error.to_string());
            vec![RowError::new(line, "", &cause, &Invalid::Malformed)]
        };
        let Form { version } = serde_json::from_slice(json).map_err(malformed)?;
        if version != VERSION {
            wrong.push("/version", &Invalid::Format("1"));
            return Err(wrong.told);
        }
        let archive: Self = serde_json::from_slice(json).map_err(malformed)?;
        // What would be written otherwise than it was read would be lost.
        let kept = serde_json::to_vec(&archive).map_err(malformed)?;
        if kept != json {
            let [sent, kept] = [json, &kept].map(serde_json::from_slice::<Value>);
            differences(&sent.map_err(malformed)?, &kept.map_err(malformed)?, "", &mut wrong);
        }
        archive.check(&mut wrong);
        if wrong.told.is_empty() { Ok(archive) } else { Err(wrong.told) }
    }

    fn check(&self, wrong: &mut Wrong) {
        let mut facilities = HashMap::<&FacilityId, MunicipalityCode>::new();
        for (nth, archived) in self.facilities.iter().enumerate() {
            let (of, at) = (&archived.facility, format!("/facilities/{nth}/facility"));
            let names = [of.prefecture.as_str(), &of.municipality];
            wrong.check_municipality(of.municipality_code, Some(names), &at);
            wrong.check_items(facility::ITEMS, of, &at);
            if facilities.insert(&of.facility_id, of.municipality_code).is_some() {
                wrong.push(&format!("{at}/facility_id"), &Invalid::Repeated);
            }
        }
        let is_here = |id: &FacilityId, code| facilities.get(id) == Some(&code);
        let mut seen = HashSet::new();
        for (nth, ArchivedProcedure(of)) in self.procedures.iter().enumerate() {
            let at = format!("/procedures/{nth}");
            let names = [of.prefecture.as_str(), &of.municipality];
            wrong.check_municipality(of.municipality_code, Some(names), &at);
            wrong.check_items(procedure::ITEMS, of, &at);
            if !seen.insert((of.municipality_code, of.fiscal_year, &of.procedure_id)) {
                wrong.push(&format!("{at}/procedure_id"), &Invalid::Repeated);
            }
        }
        let mut seen = HashSet::new();
        for (nth, ArchivedVacancy(of)) in self.vacancies.iter().enumerate() {
            let at = format!("/vacancies/{nth}");
            let names = [of.prefecture.as_str(), &of.municipality];
            wrong.check_municipality(of.municipality_code, Some(names), &at);
            wrong.check_items(vacancy::ITEMS, of, &at);
            if !is_here(&of.facility_id, of.municipality_code) {
                wrong.push(&format!("{at}/facility_id"), &Invalid::NoSuch("facility"));
            }
            if !seen.insert((&of.facility_id, of.base_month)) {
                wrong.push(&format!("{at}/base_month"), &Invalid::Repeated);
            }
        }
        let (mut ids, mut numbers) = (HashSet::new(), HashSet::new());
        for (nth, ArchivedChangeRequest(of)) in self.change_requests.iter().enumerate() {
            let at = format!("/change_requests/{nth}");
            wrong.check_municipality(of.municipality_code, None, &at);
            if !is_here(&of.facility_id, of.municipality_code) {
                wrong.push(&format!("{at}/facility_id"), &Invalid::NoSuch("facility"));
            }
            if !ids.insert(&of.change_request_id) {
                wrong.push(&format!("{at}/change_request_id"), &Invalid::Repeated);
            }
            if !numbers.insert(&of.change_request_number) {
                wrong.push(&format!("{at}/change_request_number"), &Invalid::Repeated);
            }
            if of.history.is_empty() {
                wrong.push(&format!("{at}/history"), &Invalid::Missing);
            }
        }
    }
}

/// Tells where the document says what is not kept, or not in this form.
fn differences(sent: &Value, kept: &Value, at: &str, wrong: &mut Wrong) {
    let below = |name: &str| {
        let mut pointer = at.to_owned();
        push_token(&mut pointer, name);
        pointer
    };
    match (sent, kept) {
        (Value::Object(sent), Value::Object(kept)) => {
            for (name, sent) in sent {
                match kept.get(name) {
                    Some(kept) => differences(sent, kept, &below(name), wrong),
                    None => wrong.push(&below(name), &Invalid::UnknownField),
                }
            }
            for name in kept.keys().filter(|name| !sent.contains_key(*name)) {
                wrong.push(&below(name), &Invalid::Missing);
            }
        }
        (Value::Array(sent), Value::Array(kept)) if sent.len() == kept.len() => {
            for (nth, (sent, kept)) in sent.iter().zip(kept).enumerate() {
                differences(sent, kept, &below(&nth.to_string()), wrong);
            }
        }
        (sent, kept) if sent == kept => {}
        _ => wrong.push(at, &Invalid::Unchangeable),
    }
}
