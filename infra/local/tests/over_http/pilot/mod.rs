//! The pilot's four months, played through the API with a moving clock: the reports must say what its report
//! said (REP-05, REP-08, REP-09).

mod log;

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    path::PathBuf,
};

use self::log::{Fate, Period, Visit};
use domain::{
    Timestamp,
    time::{business_time, is_business_day},
};
use jiff::{
    SignedDuration, ToSpan,
    civil::{Date, date},
};
use local::{
    LocalHub, Options,
    api::{Answer, Api, family, visit_request},
};
use serde_json::{Value, json};

/// Who acts in the replay.
struct Replay {
    api: Api,
    site: Api,
    /// Staff of each nursery, and its id.
    nurseries: Vec<(Api, String)>,
    /// Slots by nursery and start.
    slots: HashMap<(usize, Timestamp), String>,
    /// Of each visit, once it is asked for.
    numbers: HashMap<usize, String>,
}

/// What happens to a visit.
#[derive(Debug, Clone, Copy)]
enum Step {
    Request,
    Answer,
    Cancel,
}

fn done(answer: Answer, what: &str) -> Value {
    assert!(answer.status.is_success(), "{what}: {} {}", answer.status, answer.body);
    answer.body
}

fn instant(value: &Value) -> Timestamp {
    value.as_str().unwrap().parse().unwrap()
}

impl Replay {
    async fn begin(hub: &LocalHub) -> Self {
        let api = Api::new(hub.url()).unwrap();
        let mut nurseries = Vec::new();
        for nth in 0..log::NURSERIES {
            nurseries.push(api.as_user("facility", nth).await.unwrap());
        }
        let site = api.as_client("search_site", 0).await.unwrap();
        Self { site, nurseries, slots: HashMap::new(), numbers: HashMap::new(), api }
    }

    async fn now(&self) -> Timestamp {
        instant(&self.api.get("/_local/clock").await.unwrap().body["now"])
    }

    async fn move_to(&self, at: Timestamp) {
        done(self.api.move_clock(json!({"set": at})).await.unwrap(), "the clock");
    }

    /// Every nursery opens its times from one day to another.
    async fn open_slots(&mut self, from: Date, to: Date) {
        let times: Vec<_> = log::HOURS
            .iter()
            .map(|hour| json!({"starts": format!("{hour}:00"), "ends": format!("{hour}:45")}))
            .collect();
        let pattern = json!({"from": from, "to": to, "times": times, "capacity": log::CAPACITY,
            "weekdays": ["mon", "tue", "wed", "thu", "fri"]});
        for (nth, (staff, facility)) in self.nurseries.iter().enumerate() {
            let path = format!("/v1/staff/facilities/{facility}/slots");
            let opened = staff.create(&format!("{path}/bulk"), "season", pattern.clone()).await;
            done(opened.unwrap(), "slots");
            let mut cursor = String::new();
            loop {
                let page = format!("{path}?from={from}&to={to}&limit=100{cursor}");
                let page = done(staff.get(&page).await.unwrap(), "the list of slots");
                for slot in page["items"].as_array().unwrap() {
                    let id = slot["slot_id"].as_str().unwrap().to_owned();
                    self.slots.insert((nth, instant(&slot["starts_at"])), id);
                }
                let Some(next) = page["next_cursor"].as_str() else { break };
                cursor = format!("&cursor={next}");
            }
        }
    }

    async fn step(&mut self, nth: usize, visit: &Visit, step: Step) {
        let (staff, facility) = &self.nurseries[visit.nursery];
        if let Step::Request = step {
            let slot = &self.slots[&(visit.nursery, visit.starts_at)];
            let mut body = visit_request(facility, slot);
            body["applicant"] = family(&nth.to_string());
            let asked = self.site.create("/v1/reservations", &format!("visit-{nth}"), body).await;
            let asked = done(asked.unwrap(), "a request");
            let number = asked["reservation_number"].as_str().unwrap().to_owned();
            self.numbers.insert(nth, number);
            return;
        }
        let number = &self.numbers[&nth];
        let at_nursery = |what: &str| format!("/v1/staff/reservations/{number}/{what}");
        let answer = match (step, visit.fate) {
            (Step::Answer, Fate::Declined) => staff.post(&at_nursery("decline"), json!({})).await,
            (Step::Answer, _) => staff.post(&at_nursery("approve"), json!({})).await,
            (_, Fate::CancelledByFacility) => staff.post(&at_nursery("cancel"), json!({})).await,
            (_, _) => self.site.post(&format!("/v1/reservations/{number}/cancel"), json!({})).await,
        };
        done(answer.unwrap(), "an answer");
    }

    /// Plays all that happens, each at its time.
    async fn play(&mut self, visits: &[Visit]) {
        let mut steps = BTreeMap::new();
        for (nth, visit) in visits.iter().enumerate() {
            let times = [
                (Step::Request, Some(visit.requested_at)),
                (Step::Answer, visit.answered_at),
                (Step::Cancel, visit.cancelled_at),
            ];
            for (step, at) in times {
                let Some(at) = at else { continue };
                assert!(steps.insert(at, (nth, step)).is_none(), "two things at once: {at}");
            }
        }
        for (at, (nth, step)) in steps {
            self.move_to(at).await;
            self.step(nth, &visits[nth], step).await;
        }
    }
}

/// Those who read reports.
struct Reader {
    api: Api,
    from: Date,
    to: Date,
}

impl Reader {
    async fn read(&self, report: &str) -> Value {
        let path = format!("/v1/staff/reports/{report}?from={}&to={}", self.from, self.to);
        done(self.api.get(&path).await.unwrap(), report)
    }

    async fn file(&self, report: &str) -> String {
        let days = format!("from={}&to={}", self.from, self.to);
        self.api.file(&format!("/v1/staff/reports/{report}?{days}&format=csv")).await.unwrap()
    }
}

fn count<'a>(visits: &'a [Visit], wanted: impl Fn(&'a Visit) -> bool) -> usize {
    visits.iter().filter(|visit| wanted(visit)).count()
}

/// The nurseries of the pilot that have staff in the demonstration. All 126 would be asked for slots each month.
fn nurseries() -> PathBuf {
    let pilot = include_str!("../../../data/pilot.csv").lines().enumerate();
    let staffed = |name: &str| ["かないくぼ保育園", "伊興保育園", "富士見保育園"].contains(&name);
    let wanted = pilot.filter(|(nth, line)| *nth == 0 || line.split(',').any(staffed));
    let list: Vec<&str> = wanted.map(|(_, line)| line).collect();
    assert_eq!(list.len(), 1 + log::NURSERIES);
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("nurseries.csv");
    fs::write(&path, list.join("\n")).unwrap();
    path
}

/// The first 30 October that the demonstration's own slots do not reach.
fn first_year(now: Timestamp) -> i16 {
    let today = now.date().saturating_add(60.days());
    let this_year = date(today.year(), 10, 30);
    if today <= this_year { today.year() } else { today.year() + 1 }
}

/// The replay falls into whichever year comes next.
#[test]
fn the_log_is_the_pilots_in_each_year() {
    for year in 2024..2034 {
        let visits = log::pilot(year);
        for period in log::periods(year) {
            let asked =
                |visit: &Visit| (period.from..=period.to).contains(&visit.requested_at.date());
            assert_eq!(count(&visits, asked), period.requested, "{year}");
        }
        let took =
            |visit: &Visit| visit.answered_at.map(|at| business_time(visit.requested_at, at));
        let within = |hours| {
            let most = SignedDuration::from_hours(hours);
            count(&visits, |visit| took(visit).is_some_and(|took| took <= most))
        };
        let answers = (within(3), within(24), count(&visits, |visit| took(visit).is_some()));
        let expected = (log::WITHIN_3_HOURS, log::WITHIN_24_HOURS, log::ANSWERS);
        assert_eq!(answers, expected, "{year}");
        let orderly = |visit: &Visit| {
            let times = [Some(visit.requested_at), visit.answered_at, visit.cancelled_at];
            times.into_iter().flatten().is_sorted() && visit.cancelled_at < Some(visit.starts_at)
        };
        assert!(visits.iter().all(orderly), "{year}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rep_05_the_pilots_four_months_come_out_as_the_pilot_reported_them() {
    let started = std::time::Instant::now();
    let hub = LocalHub::start(Options { facilities: vec![nurseries()], ..Options::default() })
        .await
        .unwrap();
    let mut replay = Replay::begin(&hub).await;
    let year = first_year(replay.now().await);
    let visits = log::pilot(year);
    let periods = log::periods(year);
    let (from, to) = (periods[0].from, periods[3].to);

    replay.move_to(Timestamp::midnight(from)).await;
    let begun = started.elapsed();
    replay.open_slots(from, to.saturating_add(70.days())).await;
    replay.play(&visits).await;
    println!("started and moved in {begun:.1?}, played in {:.1?}", started.elapsed() - begun);
    done(replay.api.post("/_local/drain", json!({})).await.unwrap(), "drain");

    let (operator, _) = replay.api.as_user("operator", 0).await.unwrap();
    let all = Reader { api: operator.clone(), from, to };
    states(&operator, &periods, &all).await;
    times(&visits, &all).await;
    places(&visits, &all).await;
    now(&replay, &visits, &operator).await;
    municipalities(&replay, &all).await;
}

/// REP-05, for each period of the pilot's report and for all of it.
async fn states(operator: &Api, periods: &[Period], all: &Reader) {
    let counts = |total: &Value| {
        ["requested", "approved", "declined", "cancelled", "expired", "open"]
            .map(|name| total[name].as_u64().unwrap() as usize)
    };
    for (nth, period) in periods.iter().enumerate() {
        let reader = Reader { api: operator.clone(), from: period.from, to: period.to };
        let total = reader.read("REP-05").await["total"].clone();
        println!("{} to {}: {total}", period.from, period.to);
        let open = usize::from(nth == 3);
        let Period { requested, approved, declined, cancelled, .. } = *period;
        assert_eq!(counts(&total), [requested, approved, declined, cancelled, 0, open]);
    }
    let report = all.read("REP-05").await;
    assert_eq!(counts(&report["total"]), [442, 367, 11, 63, 0, 1]);
    assert_eq!(
        report["months"].as_array().unwrap().len(),
        5,
        "October, with two days, to February"
    );

    let file = all.file("REP-05").await;
    println!("{file}");
    let (byte_order, table) = file.split_at('\u{feff}'.len_utf8());
    assert_eq!(byte_order, "\u{feff}");
    let lines: Vec<Vec<&str>> = table.lines().map(|line| line.split(',').collect()).collect();
    let headings = ["申請月", "見学予約総数", "予約承認数", "予約見送り数", "予約キャンセル数"];
    assert_eq!(lines[0][..5], headings);
    assert_eq!(lines[6][..5], ["計", "442", "367", "11", "63"]);
    let column = |rows: std::ops::RangeInclusive<usize>, column: usize| -> usize {
        lines[rows].iter().map(|row| row[column].parse::<usize>().unwrap()).sum()
    };
    let of_november = [1, 2, 3, 4].map(|nth| column(1..=2, nth));
    assert_eq!(of_november, [210, 169, 3, 38], "30 and 31 October count with November");
    for (row, expected) in [(3, [43, 36, 1, 6]), (4, [73, 62, 1, 10]), (5, [116, 100, 6, 9])] {
        assert_eq!([1, 2, 3, 4].map(|nth| column(row..=row, nth)), expected);
    }
}

/// REP-07, REP-08, REP-09: when families ask, how long nurseries take, how far ahead it is.
async fn times(visits: &[Visit], all: &Reader) {
    let review = all.read("REP-08").await;
    println!("review: {review}");
    assert_eq!(review["answered"], log::ANSWERS);
    assert_eq!(review["answered_by_hub"], 0);
    let share = |count: usize, of: usize, percent: f64| json!({"count": count, "of": of, "percent": percent});
    assert_eq!(review["within_3_hours"], share(log::WITHIN_3_HOURS, log::ANSWERS, 59.9));
    assert_eq!(review["within_24_hours"], share(log::WITHIN_24_HOURS, log::ANSWERS, 94.6));

    let lead = all.read("REP-09").await;
    println!("lead: {lead}");
    assert_eq!(lead["within_a_week"], share(177, 442, 40.0));
    assert_eq!(lead["from_30_days"], share(41, 442, 9.3));
    let days = |visit: &Visit| (visit.starts_at.date() - visit.requested_at.date()).get_days();
    assert_eq!(lead["longest_days"], visits.iter().map(days).max().unwrap());

    let asked = all.read("REP-07").await;
    println!("asked: {asked}");
    for hour in 0..24 {
        let expected = count(visits, |visit| visit.requested_at.local().hour() == hour);
        assert_eq!(asked["hours"][hour as usize]["requests"], expected, "at {hour}");
    }
    for (weekday, counted) in asked["weekdays"].as_array().unwrap().iter().enumerate() {
        let on = |visit: &Visit| {
            let day = visit.requested_at.local().weekday().to_monday_zero_offset();
            usize::from(day.unsigned_abs()) == weekday
        };
        assert_eq!(counted["requests"], count(visits, on));
    }
    let on_holiday = |visit: &Visit| !is_business_day(visit.requested_at.date());
    assert_eq!(asked["on_holidays"]["count"], count(visits, on_holiday));
}

/// REP-06, REP-16: the places that were used, and where the bookings came from.
async fn places(visits: &[Visit], all: &Reader) {
    let slots = all.read("REP-06").await;
    println!("slots: {}", slots["total"]);
    let business_days =
        domain::time::days(all.from, all.to).filter(|day| is_business_day(*day)).count();
    let opened = business_days * log::HOURS.len() * log::NURSERIES;
    assert_eq!(slots["total"]["slots"], opened);
    assert_eq!(slots["total"]["places"], opened * log::CAPACITY as usize);
    let visited = |visit: &Visit| {
        visit.fate == Fate::Approved && (all.from..=all.to).contains(&visit.starts_at.date())
    };
    assert_eq!(slots["total"]["approved"], count(visits, visited));
    let online = all.read("REP-16").await["total"]["online"].clone();
    assert_eq!(online, json!({"count": 442, "of": 442, "percent": 100.0}));
}

/// REP-01, REP-02: what an operator sees first.
async fn now(replay: &Replay, visits: &[Visit], operator: &Api) {
    let seen = done(operator.get("/v1/staff/dashboard").await.unwrap(), "the dashboard");
    println!("dashboard: {seen}");
    let open = visits.iter().position(|visit| visit.fate == Fate::Open).unwrap();
    assert_eq!(seen["pending"]["total"], 1);
    let waits = &seen["pending"]["requests"][0];
    assert_eq!(waits["reservation_number"], replay.numbers[&open]);
    assert_eq!(waits["facility_id"], replay.nurseries[visits[open].nursery].1);
    let since = replay.now().await.date().saturating_sub(6.days());
    let lately = count(visits, |visit| visit.requested_at.date() >= since);
    assert_eq!((&seen["new"]["total"], &seen["new"]["last_7_days"]), (&442.into(), &lately.into()));
}

/// Each municipality sees its own, which add up to all.
async fn municipalities(replay: &Replay, all: &Reader) {
    let mut requested = 0;
    for nth in 0..log::NURSERIES {
        let (api, _) = replay.api.as_user("municipality", nth).await.unwrap();
        let report = Reader { api, ..*all }.read("REP-05").await;
        let counted = report["total"]["requested"].as_u64().unwrap();
        assert!(counted > 0 && counted < 442);
        requested += counted;
    }
    assert_eq!(requested, 442);
}
