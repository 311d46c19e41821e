//! Four months as the pilot's were: what families asked for, and what became of it. The counts are the
//! pilot's; which day, nursery and answer a request has is drawn, always the same.

use std::collections::BTreeSet;

use domain::{
    Timestamp,
    time::{after_business_hours, days, is_business_day},
};
use jiff::{
    SignedDuration, ToSpan,
    civil::{Date, date, time},
};
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::SliceRandom};

/// Nurseries that take part.
pub const NURSERIES: usize = 3;
/// The times of a day at which each nursery takes visitors.
pub const HOURS: [i8; 2] = [10, 14];
/// How many families each takes at a time.
pub const CAPACITY: u32 = 10;

/// A part of the pilot's report.
pub struct Period {
    /// The first day.
    pub from: Date,
    /// The last day.
    pub to: Date,
    /// Requests, and what became of them: approved, declined, cancelled; the rest is still open.
    pub requested: usize,
    /// The nursery expected the family.
    pub approved: usize,
    /// It could not take it.
    pub declined: usize,
    /// Either gave the visit up.
    pub cancelled: usize,
}

/// The periods of the pilot's report, where it begins in this year.
pub fn periods(year: i16) -> [Period; 4] {
    let period = |from, to, requested, approved, declined, cancelled| Period {
        from,
        to,
        requested,
        approved,
        declined,
        cancelled,
    };
    [
        period(date(year, 10, 30), date(year, 11, 30), 210, 169, 3, 38),
        period(date(year, 12, 1), date(year, 12, 31), 43, 36, 1, 6),
        period(date(year + 1, 1, 1), date(year + 1, 1, 31), 73, 62, 1, 10),
        period(date(year + 1, 2, 1), date(year + 1, 2, 27), 116, 100, 6, 9),
    ]
}

/// Requests for a visit within a week: 40 % of all.
const WITHIN_A_WEEK: usize = 177;
/// For a visit in 30 days or later: 9.3 %.
const FROM_30_DAYS: usize = 41;
/// Cancelled before the nursery answered.
const CANCELLED_UNANSWERED: usize = 17;
/// Answered within three business hours: 59.9 % of the answers.
pub const WITHIN_3_HOURS: usize = 254;
/// Answered within 24 business hours: 94.6 % of the answers.
pub const WITHIN_24_HOURS: usize = 401;
/// Answers: all requests but those cancelled before and the one that is open.
pub const ANSWERS: usize = 442 - CANCELLED_UNANSWERED - 1;

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// The nursery expects the family.
    Approved,
    /// It cannot take it.
    Declined,
    /// The family gives the visit up before the nursery answers.
    CancelledUnanswered,
    /// The family gives it up after that.
    CancelledByParent,
    /// The nursery does.
    CancelledByFacility,
    /// Nobody answered yet.
    Open,
}

impl Fate {
    /// Whether the nursery answers.
    pub fn is_answered(self) -> bool {
        !matches!(self, Self::CancelledUnanswered | Self::Open)
    }
}

/// A request and its visit.
#[derive(Debug, Clone)]
pub struct Visit {
    /// When it is asked for.
    pub requested_at: Timestamp,
    /// Of which nursery.
    pub nursery: usize,
    /// When the visit starts.
    pub starts_at: Timestamp,
    /// What becomes of it.
    pub fate: Fate,
    /// When the nursery answers.
    pub answered_at: Option<Timestamp>,
    /// When the visit is given up.
    pub cancelled_at: Option<Timestamp>,
}

/// How far ahead a family asks.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ahead {
    Week,
    Weeks,
    Months,
}

/// How long a nursery takes.
#[derive(Clone, Copy)]
enum Takes {
    Hours,
    Days,
    Longer,
}

/// The four months that begin on 30 October of this year, by time of the request.
pub fn pilot(year: i16) -> Vec<Visit> {
    let mut draw = Draw { random: StdRng::seed_from_u64(442), taken: BTreeSet::new() };
    let mut asked: Vec<(Timestamp, Fate)> = Vec::new();
    let fates = draw.fates(&periods(year));
    for (period, fates) in periods(year).iter().zip(fates) {
        let days: Vec<Date> = days(period.from, period.to).collect();
        for (place, fate) in fates.iter().enumerate() {
            asked.push((draw.request_time(days[place * days.len() / fates.len()]), *fate));
        }
    }
    asked.sort_by_key(|(at, fate)| (*fate == Fate::Open, *at));

    let aheads = draw.aheads(asked.len());
    let asked = asked.into_iter().zip(aheads);
    let asked: Vec<_> = asked.map(|((at, fate), ahead)| (at, fate, ahead)).collect();
    // Near visits are answered first.
    let near = asked.iter().filter(|(_, fate, ahead)| fate.is_answered() && *ahead == Ahead::Week);
    let mut takes = draw.takes(near.count()).into_iter();
    let mut visits = Vec::new();
    for (requested_at, fate, ahead) in asked {
        let takes = match (fate.is_answered(), ahead) {
            (false, _) => None,
            (true, Ahead::Week) => Some(Takes::Hours),
            (true, _) => takes.next(),
        };
        visits.push(draw.visit(requested_at, fate, ahead, takes));
    }
    visits
}

struct Draw {
    random: StdRng,
    /// Nothing happens at the same time.
    taken: BTreeSet<Timestamp>,
}

impl Draw {
    fn shuffled<T>(&mut self, mut items: Vec<T>) -> Vec<T> {
        items.shuffle(&mut self.random);
        items
    }

    fn fates(&mut self, periods: &[Period]) -> Vec<Vec<Fate>> {
        let mut unanswered = CANCELLED_UNANSWERED;
        let mut all = Vec::new();
        for period in periods {
            let before = unanswered.min(period.cancelled / 3);
            unanswered -= before;
            let by_facility = period.cancelled / 6;
            let by_parent = period.cancelled - before - by_facility;
            let mut fates = self.shuffled(
                [
                    vec![Fate::Approved; period.approved],
                    vec![Fate::Declined; period.declined],
                    vec![Fate::CancelledUnanswered; before],
                    vec![Fate::CancelledByParent; by_parent],
                    vec![Fate::CancelledByFacility; by_facility],
                ]
                .concat(),
            );
            // What is still open came last.
            fates.resize(period.requested, Fate::Open);
            all.push(fates);
        }
        assert_eq!(unanswered, 0);
        all
    }

    fn aheads(&mut self, requests: usize) -> Vec<Ahead> {
        let mut aheads = vec![Ahead::Week; WITHIN_A_WEEK];
        aheads.resize(WITHIN_A_WEEK + FROM_30_DAYS, Ahead::Months);
        aheads.resize(requests - 1, Ahead::Weeks);
        let mut aheads = self.shuffled(aheads);
        // What is still open in the end must not be given up before.
        aheads.push(Ahead::Weeks);
        aheads
    }

    fn takes(&mut self, near: usize) -> Vec<Takes> {
        self.shuffled(
            [
                vec![Takes::Hours; WITHIN_3_HOURS - near],
                vec![Takes::Days; WITHIN_24_HOURS - WITHIN_3_HOURS],
                vec![Takes::Longer; ANSWERS - WITHIN_24_HOURS],
            ]
            .concat(),
        )
    }

    /// Most families ask in the middle of the day, and some at night.
    fn request_time(&mut self, day: Date) -> Timestamp {
        const HOURS: [i8; 16] = [0, 7, 8, 9, 10, 10, 11, 11, 12, 12, 13, 14, 16, 18, 21, 22];
        let hour = HOURS[self.random.random_range(0..HOURS.len())];
        let minute = 5 * self.random.random_range(0..6);
        self.free(Timestamp::at(day, time(hour, minute, 0, 0)))
    }

    /// The first time from this on at which nothing else happens.
    fn free(&mut self, mut at: Timestamp) -> Timestamp {
        while !self.taken.insert(at) {
            at = at + SignedDuration::from_mins(5);
        }
        at
    }

    fn visit(
        &mut self,
        requested_at: Timestamp,
        fate: Fate,
        ahead: Ahead,
        takes: Option<Takes>,
    ) -> Visit {
        let five_minutes = takes.map(|takes| match takes {
            Takes::Hours => self.random.random_range(1..=30),
            Takes::Days => self.random.random_range(42..=270),
            Takes::Longer => self.random.random_range(300..=450),
        });
        let answered_at = five_minutes.map(|many| {
            self.free(after_business_hours(requested_at, SignedDuration::from_mins(5 * many)))
        });
        let cancelled_at = match fate {
            Fate::CancelledUnanswered => Some(SignedDuration::from_mins(30)),
            Fate::CancelledByParent | Fate::CancelledByFacility => {
                Some(SignedDuration::from_hours(5))
            }
            Fate::Approved | Fate::Declined | Fate::Open => None,
        };
        let last = answered_at.unwrap_or(requested_at);
        let cancelled_at = cancelled_at.map(|later| self.free(last + later));

        let days = match ahead {
            Ahead::Week => 2..=7,
            Ahead::Weeks => 8..=29,
            Ahead::Months => 30..=62,
        };
        // On a business day after all that happens before the visit.
        let last = cancelled_at.unwrap_or(last).date();
        let days = days.map(|days: i64| requested_at.date().saturating_add(days.days()));
        let days: Vec<Date> = days.filter(|day| is_business_day(*day) && *day > last).collect();
        let day = days[self.random.random_range(0..days.len())];
        let hour = HOURS[self.random.random_range(0..HOURS.len())];
        Visit {
            requested_at,
            nursery: self.random.random_range(0..NURSERIES),
            starts_at: Timestamp::at(day, time(hour, 0, 0, 0)),
            fate,
            answered_at,
            cancelled_at,
        }
    }
}
