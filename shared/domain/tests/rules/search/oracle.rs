//! What a search must find, by the words of the contract: over the JSON of a facility, one condition after the other,
//! sorted as a whole. Of the code of the search it knows the filter alone.

use domain::{
    FacilityId, Timestamp,
    facility::{Details, ITEMS},
    search::{FacilitySummary, Filter, Sort},
    text,
};
use jiff::SignedDuration;
use serde_json::{Map, Value, json};

use super::generate::Known;

/// A nursery as the public sees it.
pub struct Seen {
    json: Map<String, Value>,
    vacancy: Option<Value>,
    free: Vec<Timestamp>,
    closes: i64,
    name: String,
    lines: [String; 4],
}

impl Seen {
    pub fn new(known: &Known) -> Self {
        let mut facility = known.facility.clone();
        let withheld = std::mem::take(&mut facility.notes.withheld);
        let mut json = object(json!(FacilitySummary::new(facility.clone())));
        json.extend(object(json!(facility.details)));
        for field in &withheld {
            json[field] = Value::Null;
        }
        let text = |field: &str| json[field].as_str().unwrap_or_default().to_owned();
        let lines = [
            text("facility_name"),
            text("facility_name_kana"),
            text("municipality") + &text("street_address"),
            text("nearest_station"),
        ]
        .map(|line| text::fold(&line));
        let name = if lines[1].is_empty() { lines[0].clone() } else { lines[1].clone() };
        Self {
            vacancy: known.vacancy.as_ref().map(|vacancy| json!(vacancy)),
            free: known.free.clone(),
            closes: facility.booking_closes_hours_before.into(),
            name,
            lines,
            json,
        }
    }

    pub fn id(&self) -> FacilityId {
        self.json["facility_id"].as_str().unwrap().parse().unwrap()
    }

    /// As a list shows it.
    pub fn listed(&self, distance: Option<u64>, now: Timestamp) -> Value {
        let mut json = self.json.clone();
        for item in ITEMS.iter().filter(|item| !item.one_line) {
            json.remove(item.field);
        }
        json.insert("next_slot_at".into(), json!(self.next_slot(now)));
        json.insert("vacancy".into(), json!(self.vacancy));
        if let Some(distance) = distance {
            json.insert("distance_m".into(), json!(distance));
        }
        json.into()
    }

    fn is(&self, field: &str) -> bool {
        self.json[field] == json!(true)
    }

    /// The free slots for which a visit can be asked for: as the nursery wishes, and an hour before at the latest.
    fn askable(&self, now: Timestamp) -> impl Iterator<Item = Timestamp> {
        let closes = now + SignedDuration::from_hours(self.closes);
        let last = now + SignedDuration::from_hours(1);
        let free = self.free.iter().copied().filter(|_| self.is("bookable"));
        free.filter(move |start| *start >= closes && *start > last)
    }

    fn next_slot(&self, now: Timestamp) -> Option<Timestamp> {
        self.askable(now).min()
    }

    fn places_of(&self, class: &str) -> u64 {
        let Some(vacancy) = &self.vacancy else { return 0 };
        let number = vacancy[format!("age_{class}")].as_u64().unwrap_or(0);
        let sign = match vacancy[format!("mark_{class}")].as_str() {
            Some("open") => 2,
            Some("few") => 1,
            _ => 0,
        };
        number.max(sign)
    }

    fn places(&self, age: Option<u8>) -> u64 {
        match age {
            Some(age @ 0..=2) => self.places_of(&age.to_string()) + self.places_of("0_2"),
            Some(age) => self.places_of(&age.to_string()),
            None => ["0", "1", "2", "3", "4", "5", "0_2"].iter().map(|of| self.places_of(of)).sum(),
        }
    }

    /// Metres to the nearest place, by the haversine formula.
    pub fn distance(&self, filter: &Filter) -> Option<f64> {
        let at = self.json["location"].as_object()?;
        let (lat, lon) = (at["lat"].as_f64()?.to_radians(), at["lon"].as_f64()?.to_radians());
        let to = |place: &domain::facility::Location| {
            let (other, east) = (place.lat.to_radians(), place.lon.to_radians());
            let a = ((other - lat) / 2.0).sin().powi(2)
                + lat.cos() * other.cos() * ((east - lon) / 2.0).sin().powi(2);
            2.0 * 6_371_008.8 * a.sqrt().asin()
        };
        filter.near.iter().map(to).min_by(f64::total_cmp)
    }

    fn open_on(&self, days: &[&str], field: &str) -> bool {
        let open = self.json["open_weekdays"].as_array().into_iter().flatten();
        let on_day = open.filter_map(Value::as_str).any(|day| days.contains(&day));
        on_day || !self.json[field].is_null()
    }

    fn saturday(&self) -> bool {
        self.open_on(&["sat"], "saturday_opens_at")
    }

    fn sunday_holiday(&self) -> bool {
        self.open_on(&["sun", "holiday"], "sunday_holiday_opens_at")
    }

    fn offers(&self, feature: &str) -> bool {
        match feature {
            "playground" | "car_parking" | "bicycle_parking" => self.is(&format!("has_{feature}")),
            "accepts_disabled_children" => {
                [json!("yes"), json!("consult")].contains(&self.json[feature])
            }
            other => self.is(other),
        }
    }

    fn takes(&self, months: u64) -> bool {
        let until = match self.json["accepts_to"].as_str() {
            Some("school") | None => 83,
            Some(class) => class.trim_start_matches("age_").parse::<u64>().unwrap() * 12 + 23,
        };
        self.json["accepts_from_age_months"].as_u64().is_some_and(|from| from <= months)
            && months <= until
    }

    fn matches(&self, filter: &Filter, now: Timestamp) -> bool {
        let json = &self.json;
        // Times of the day, and codes, compare as text does.
        let time = |field: &str| json[field].as_str().map(ToOwned::to_owned);
        let wanted_features = filter.features.iter().map(|feature| json!(feature));
        (filter.municipalities.is_empty()
            || filter.municipalities.iter().any(|code| json["municipality_code"] == json!(code)))
            && filter.terms.iter().all(|term| self.lines.iter().any(|line| line.contains(term)))
            && filter.facility_type.is_none_or(|kind| json["facility_type"] == json!(kind))
            && filter
                .establishment_body
                .is_none_or(|body| json["establishment_body"] == json!(body))
            && filter.open_at.is_none_or(|at| {
                time("weekday_opens_at").is_some_and(|opens| opens <= at.to_string())
            })
            && filter
                .close_at
                .is_none_or(|at| time("weekday_closes_at").is_some_and(|to| to >= at.to_string()))
            && filter.saturday.is_none_or(|wanted| self.saturday() == wanted)
            && filter.sunday_holiday.is_none_or(|wanted| self.sunday_holiday() == wanted)
            && filter.accepts_age_months.is_none_or(|months| self.takes(months.into()))
            && { wanted_features }.all(|feature| self.offers(feature.as_str().unwrap()))
            && filter.vacancy_age.is_none_or(|age| self.places(Some(age)) > 0)
            && filter.bookable.is_none_or(|wanted| self.is("bookable") == wanted)
            && filter.visit.is_none_or(|(from, until)| {
                self.askable(now).any(|start| from <= start && start < until)
            })
            && filter
                .radius_m
                .is_none_or(|radius| self.distance(filter).is_some_and(|at| at <= radius.into()))
    }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        other => panic!("{other}"),
    }
}

/// All that is found, in order: each with its distance.
pub fn search<'a>(
    seen: &'a [Seen],
    filter: &Filter,
    sort: Sort,
    now: Timestamp,
) -> Vec<(&'a Seen, Option<u64>)> {
    let mut found: Vec<&Seen> = seen.iter().filter(|one| one.matches(filter, now)).collect();
    let metres = |one: &Seen| one.distance(filter).map(|metres| metres.round() as u64);
    found.sort_by_cached_key(|one| {
        // What is not known comes last.
        let rank = match sort {
            Sort::Name => Some(0),
            Sort::Distance => metres(one).map(|metres| metres as i64),
            Sort::Vacancy => Some(-(one.places(filter.vacancy_age) as i64)),
            Sort::NextSlot => one.next_slot(now).map(Timestamp::epoch_ms),
        };
        (rank.is_none(), rank, &one.name, one.id())
    });
    found.into_iter().map(|one| (one, metres(one))).collect()
}

/// How many of those that were found there are of each kind.
pub fn facets(found: &[(&Seen, Option<u64>)]) -> Value {
    let count = |has: &dyn Fn(&Seen) -> bool| found.iter().filter(|(one, _)| has(one)).count();
    let by = |field: &str| {
        let mut counts = Map::new();
        for (one, _) in found {
            if let Some(code) = one.json[field].as_str() {
                let count = counts.get(code).and_then(Value::as_u64).unwrap_or(0);
                counts.insert(code.into(), json!(count + 1));
            }
        }
        counts
    };
    let features = domain::search::Feature::ALL.iter().map(|feature| {
        let name = json!(feature).as_str().unwrap().to_owned();
        let count = count(&|one| one.offers(&name));
        (name, json!(count))
    });
    let features: Map<_, _> = features.filter(|(_, count)| *count != json!(0)).collect();
    json!({
        "total": found.len(),
        "facility_type": by("facility_type"),
        "establishment_body": by("establishment_body"),
        "municipality": by("municipality_code"),
        "feature": features,
        "saturday": count(&Seen::saturday),
        "sunday_holiday": count(&Seen::sunday_holiday),
        "bookable": count(&|one| one.is("bookable")),
    })
}

/// Every item that a list shows.
pub fn details() -> usize {
    let of_details = object(json!(Details::default()));
    ITEMS.iter().filter(|item| item.one_line && of_details.contains_key(item.field)).count()
}
