//! What a request may say, and the filter that it means.

use deserr::Deserr;
use domain::{
    Invalid, MunicipalityCode, Timestamp,
    facility::{EstablishmentBody, FacilityType, Location},
    invalid::{InputErrors, within},
    item::LocalTime,
    search::{Feature, Filter, Sort},
    text,
};
use hub_http::{Limit, QueryParams, some_date};
use jiff::civil::Date;
use utoipa::IntoParams;

/// What to look for; every condition must hold. What a nursery does not state fulfils none.
#[derive(Debug, Deserr, IntoParams)]
#[deserr(error = InputErrors, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct SearchQuery {
    /// In one of these municipalities; may be repeated.
    #[deserr(default)]
    #[param(explode = true, required = false)]
    municipality: Vec<MunicipalityCode>,
    /// Terms separated by spaces, each part of the name, the kana, municipality and address, or the station. Width, kana,
    /// spacing, ヶ/ケ and old forms of kanji do not matter.
    #[deserr(default)]
    #[param(example = "かないくぼ")]
    q: Option<String>,
    /// Of this kind.
    #[deserr(rename = "type", default, try_from(Option<String>) = parse_if_given::<FacilityType> -> Invalid)]
    #[param(rename = "type")]
    facility_type: Option<FacilityType>,
    /// Run by.
    #[deserr(default, try_from(Option<String>) = parse_if_given::<EstablishmentBody> -> Invalid)]
    establishment_body: Option<EstablishmentBody>,
    /// Open no later than this on weekdays, extended care left out.
    #[deserr(default)]
    #[param(inline, example = "07:30")]
    open_at: Option<LocalTime>,
    /// Open until this or later on weekdays, extended care left out: `feature=extended_care` asks for that.
    #[deserr(default)]
    #[param(inline, example = "18:30")]
    close_at: Option<LocalTime>,
    /// Open on Saturdays; with `false`, not stated to be.
    #[deserr(default, try_from(Option<String>) = bool_if_given -> Invalid)]
    saturday: Option<bool>,
    /// Open on Sundays or holidays; with `false`, not stated to be.
    #[deserr(default, try_from(Option<String>) = bool_if_given -> Invalid)]
    sunday_holiday: Option<bool>,
    /// Takes a child of this age in months. Where a nursery takes children up to a class, the class is for the children who
    /// have its age on 1 April, so up to 23 months more.
    #[deserr(default, try_from(Option<String>) = months_if_given -> Invalid)]
    #[param(value_type = Option<u16>, minimum = 0, maximum = 119)]
    accepts_age_months: Option<u16>,
    /// Offers this; may be repeated, then all of them. `accepts_disabled_children` includes those that want to be consulted.
    #[deserr(default)]
    #[param(inline, explode = true, required = false)]
    feature: Vec<Feature>,
    /// Has a place in this age class, by what the municipality last published: a number, or a mark for some or few. Up to 2
    /// also a place in a class for the ages 0 to 2.
    #[deserr(default, try_from(Option<String>) = age_if_given -> Invalid)]
    #[param(value_type = Option<u8>, minimum = 0, maximum = 5)]
    vacancy_age: Option<u8>,
    /// Takes visit requests through this hub.
    #[deserr(default, try_from(Option<String>) = bool_if_given -> Invalid)]
    bookable: Option<bool>,
    /// Has a slot with a free place, for which a visit can still be asked, on this day or later.
    #[deserr(default, try_from(String) = some_date -> Invalid)]
    #[param(value_type = Option<String>, format = Date)]
    visit_from: Option<Date>,
    /// The same, on this day or before.
    #[deserr(default, try_from(String) = some_date -> Invalid)]
    #[param(value_type = Option<String>, format = Date)]
    visit_to: Option<Date>,
    /// Latitude and longitude of a place, such as home or work; may be repeated, up to ten. Of each nursery the distance
    /// to the nearest of them counts, along the surface of a sphere with the mean radius of the earth.
    #[deserr(default)]
    #[param(explode = true, required = false, value_type = Vec<String>, example = json!(["35.7512,139.7093"]))]
    near: Vec<Location>,
    /// Within so many metres of one of the places of `near`.
    #[deserr(default, try_from(Option<String>) = radius_if_given -> Invalid)]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1_000_000)]
    radius_m: Option<u32>,
    /// `name`: in kana order. `distance`: the nearest first, then those without a location; needs `near`. `vacancy`: the
    /// most places first, of the asked age class or of all, where a mark ○ counts as two and △ as one. `next_slot`: who can
    /// be visited first. Those of one rank are in kana order.
    #[deserr(default, try_from(Option<String>) = parse_if_given::<Sort> -> Invalid)]
    #[param(inline)]
    sort: Option<Sort>,
    /// Also count all that match, by kind.
    #[deserr(default, try_from(Option<String>) = bool_if_given -> Invalid)]
    facets: Option<bool>,
    /// 1 to 100.
    #[deserr(default, try_from(String) = Limit::try_from -> Invalid)]
    #[param(value_type = Option<u8>, minimum = 1, maximum = 100)]
    limit: Limit,
    /// `next_cursor` of the page before. Pages go on as of the time of the first one. In kana order no nursery comes twice
    /// and none is left out while data change; in another order, that holds of those whose rank stays the same.
    #[deserr(default)]
    cursor: Option<String>,
}

impl QueryParams for SearchQuery {
    const LISTS: &'static [&'static str] = &["municipality", "feature", "near"];
}

/// What a request means.
pub(crate) struct Wanted {
    pub(crate) filter: Filter,
    pub(crate) sort: Sort,
    pub(crate) facets: bool,
    pub(crate) limit: usize,
    pub(crate) cursor: Option<String>,
}

/// More places than anybody goes to every day.
const PLACES: usize = 10;

impl SearchQuery {
    pub(crate) fn wanted(self) -> Result<Wanted, InputErrors> {
        let mut errors = InputErrors::default();
        let mut wrong = |pointer: &str, invalid| {
            errors.0.extend(InputErrors::one(pointer, invalid).0);
        };
        let sort = self.sort.unwrap_or(Sort::Name);
        if self.near.len() > PLACES {
            wrong("/near", Invalid::OutOfRange(1, PLACES as i64));
        }
        if self.near.is_empty() && sort == Sort::Distance {
            wrong("/sort", Invalid::Needs("near"));
        }
        if self.near.is_empty() && self.radius_m.is_some() {
            wrong("/radius_m", Invalid::Needs("near"));
        }
        if let (Some(from), Some(to)) = (self.visit_from, self.visit_to)
            && to < from
        {
            wrong("/visit_to", Invalid::EndsBeforeStart);
        }
        if !errors.0.is_empty() {
            return Err(errors);
        }
        let filter = Filter {
            municipalities: self.municipality,
            terms: text::terms(self.q.as_deref().unwrap_or_default()),
            facility_type: self.facility_type,
            establishment_body: self.establishment_body,
            open_at: self.open_at,
            close_at: self.close_at,
            saturday: self.saturday,
            sunday_holiday: self.sunday_holiday,
            accepts_age_months: self.accepts_age_months,
            features: self.feature,
            vacancy_age: self.vacancy_age,
            bookable: self.bookable,
            visit: visit(self.visit_from, self.visit_to),
            near: self.near,
            radius_m: self.radius_m,
        };
        let (facets, limit) = (self.facets == Some(true), self.limit.get());
        Ok(Wanted { filter, sort, facets, limit, cursor: self.cursor })
    }
}

/// From the beginning of the first day to the end of the last.
fn visit(from: Option<Date>, to: Option<Date>) -> Option<(Timestamp, Timestamp)> {
    if from.is_none() && to.is_none() {
        return None;
    }
    let from = from.unwrap_or(Date::constant(2020, 1, 1));
    let after = to.and_then(|to| to.tomorrow().ok()).unwrap_or(Date::constant(2101, 1, 1));
    Some((Timestamp::midnight(from), Timestamp::midnight(after)))
}

fn parse_if_given<T: std::str::FromStr<Err = Invalid>>(
    text: Option<String>,
) -> Result<Option<T>, Invalid> {
    text.map(|text| text.parse()).transpose()
}

fn bool_if_given(text: Option<String>) -> Result<Option<bool>, Invalid> {
    text.map(|text| text.parse().map_err(|_| Invalid::Format("true、false"))).transpose()
}

fn number_if_given<const MIN: i64, const MAX: i64, N: TryFrom<i64>>(
    text: Option<String>,
) -> Result<Option<N>, Invalid> {
    let number = |text: String| {
        let digits = text.bytes().all(|b| b.is_ascii_digit());
        let number = text.parse().ok().filter(|_| digits);
        within::<MIN, MAX, N>(number.ok_or(Invalid::OutOfRange(MIN, MAX))?)
    };
    text.map(number).transpose()
}

fn months_if_given(text: Option<String>) -> Result<Option<u16>, Invalid> {
    number_if_given::<0, 119, u16>(text)
}

fn age_if_given(text: Option<String>) -> Result<Option<u8>, Invalid> {
    number_if_given::<0, 5, u8>(text)
}

fn radius_if_given(text: Option<String>) -> Result<Option<u32>, Invalid> {
    number_if_given::<1, 1_000_000, u32>(text)
}
