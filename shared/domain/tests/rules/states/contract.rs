//! The contract's states once more, in words and minutes: by whom, from which state to which, and when.

use domain::Timestamp;

/// Minutes since the request was made: 1 December 2026, a Tuesday, at 10:00.
pub type Minutes = i64;

const HOUR: Minutes = 60;
const DAY: Minutes = 24 * HOUR;

/// The visit: 10 December at 10:00.
pub const STARTS: Minutes = 9 * DAY;

/// As the domain tells time.
pub fn instant(minutes: Minutes) -> Timestamp {
    let requested: Timestamp = "2026-12-01T10:00:00+09:00".parse().unwrap();
    requested + jiff::SignedDuration::from_mins(minutes)
}

/// What somebody does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Offer,
    Confirm,
    Approve,
    Decline,
    CancelByParent,
    CancelByFacility,
    Expire,
    Complete,
    NoShow,
}

impl Step {
    pub const ALL: [Self; 9] = [
        Self::Offer,
        Self::Confirm,
        Self::Approve,
        Self::Decline,
        Self::CancelByParent,
        Self::CancelByFacility,
        Self::Expire,
        Self::Complete,
        Self::NoShow,
    ];

    fn to(self) -> &'static str {
        match self {
            Self::Offer => "offered",
            Self::Confirm => "pending",
            Self::Approve => "approved",
            Self::Decline => "declined",
            Self::CancelByParent => "cancelled_by_parent",
            Self::CancelByFacility => "cancelled_by_facility",
            Self::Expire => "expired",
            Self::Complete => "completed",
            Self::NoShow => "no_show",
        }
    }
}

/// What happens next.
#[derive(Debug, Clone, Copy)]
pub enum Doing {
    Pass(Minutes),
    LetTimeWork,
    Do(Step),
}

impl Doing {
    /// From a moment to the day before the visit, so that deadlines are met exactly, just before and long after.
    pub const PASSING: [Minutes; 8] = [1, 14, 15, 6 * HOUR, 23 * HOUR, DAY, 3 * DAY, 8 * DAY];
}

/// What is told of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Already,
    Becomes,
    TooLate,
    TooEarly,
    Conflict,
}

/// A mistake in the copy, to see that it would be found in the rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mistake {
    None,
    /// Who waits may not give up.
    TransitionMissing,
    /// What was declined may be approved.
    TransitionTooMany,
    /// An offer stands without end.
    NoDeadline,
    /// What is offered holds no place.
    NoPlace,
    /// A reminder is no change.
    UncountedReminder,
    /// The parent may cancel to the last.
    NeverTooLate,
}

impl Mistake {
    pub const ALL: [Self; 7] = [
        Self::None,
        Self::TransitionMissing,
        Self::TransitionTooMany,
        Self::NoDeadline,
        Self::NoPlace,
        Self::UncountedReminder,
        Self::NeverTooLate,
    ];
}

/// What is to be seen of the reservation.
pub struct Expected {
    pub status: &'static str,
    pub sequence: u32,
    pub expires_at: Option<Minutes>,
    pub approves_at: Option<Minutes>,
    pub holds_place: bool,
}

/// A reservation as the contract has it.
#[derive(Debug, Clone)]
pub struct Contract {
    pub now: Minutes,
    pub begun: &'static str,
    pub would_wait: bool,
    pub pending_holds_place: bool,
    pub at_once: bool,
    pub verdict: Verdict,
    pub updated_at: Minutes,
    /// Sequence number, when, from which state, to which.
    pub changes: Vec<(u32, Minutes, &'static str, &'static str)>,
    status: &'static str,
    sequence: u32,
    /// When it came into its state.
    since: Minutes,
    reminded: bool,
    mistake: Mistake,
}

impl Contract {
    pub fn new(
        (begun, would_wait): (&'static str, bool),
        pending_holds_place: bool,
        at_once: bool,
        mistake: Mistake,
    ) -> Self {
        Self {
            now: 0,
            begun,
            would_wait,
            pending_holds_place,
            at_once,
            verdict: Verdict::Already,
            updated_at: 0,
            changes: Vec::new(),
            status: begun,
            sequence: 1,
            since: 0,
            reminded: false,
            mistake,
        }
    }

    /// `(unconfirmed →) (waiting → offered →) pending → …`; `approved → …`. Nobody cancels what nobody confirmed.
    fn may_become(&self, to: &str) -> bool {
        let next: &[&str] = match self.status {
            "unconfirmed" if self.would_wait => &["waiting", "expired"],
            "unconfirmed" => &["pending", "expired"],
            "waiting" if self.mistake == Mistake::TransitionMissing => &["offered", "expired"],
            "waiting" => &["offered", "cancelled_by_parent", "expired"],
            "offered" => &["pending", "cancelled_by_parent", "expired"],
            "pending" => {
                &["approved", "declined", "cancelled_by_parent", "cancelled_by_facility", "expired"]
            }
            "approved" => &["cancelled_by_parent", "cancelled_by_facility", "completed", "no_show"],
            "declined" if self.mistake == Mistake::TransitionTooMany => &["approved"],
            _ => &[],
        };
        next.contains(&to)
    }

    /// Somebody has to act until then: to confirm within 15 minutes, to take an offer within a day, to
    /// answer until an hour before the visit. Booking closes a day before it.
    fn expires_at(&self) -> Option<Minutes> {
        let closes = STARTS - DAY;
        match self.status {
            "unconfirmed" => Some(self.since + 15),
            "waiting" => Some(closes),
            "offered" if self.mistake == Mistake::NoDeadline => None,
            "offered" => Some(closes.min(self.since + DAY)),
            "pending" => Some(STARTS - HOUR),
            _ => None,
        }
    }

    /// At once, where the nursery wishes it, but never a visit within a day.
    fn approves_at(&self) -> Option<Minutes> {
        let wished = self.status == "pending" && self.at_once && self.since + DAY <= STARTS;
        wished.then_some(self.since)
    }

    /// From `pending` on, unless the nursery says otherwise; `unconfirmed` and `offered` too, but not who would
    /// wait. Who came, or did not come, had it.
    fn holds_place(&self) -> bool {
        match self.status {
            "offered" => self.mistake != Mistake::NoPlace,
            "pending" => self.pending_holds_place,
            "unconfirmed" => !self.would_wait,
            status => ["approved", "completed", "no_show"].contains(&status),
        }
    }

    pub fn expects(&self) -> Expected {
        Expected {
            status: self.status,
            sequence: self.sequence,
            expires_at: self.expires_at(),
            approves_at: self.approves_at(),
            holds_place: self.holds_place(),
        }
    }

    /// After something happened.
    pub fn after(mut self, doing: Doing) -> Self {
        self.verdict = match doing {
            Doing::Pass(minutes) => {
                self.now += minutes;
                Verdict::Already
            }
            Doing::Do(step) => self.does(step),
            Doing::LetTimeWork => self.time_works(),
        };
        self
    }

    /// Who asked on the portal to wait for a place of a full slot waits once the link is followed.
    fn leads_to(&self, step: Step) -> &'static str {
        let waits = self.would_wait && ["unconfirmed", "waiting"].contains(&self.status);
        if step == Step::Confirm && waits { "waiting" } else { step.to() }
    }

    fn does(&mut self, step: Step) -> Verdict {
        let to = self.leads_to(step);
        if self.status == to {
            return Verdict::Already;
        }
        if !self.may_become(to) {
            return Verdict::Conflict;
        }
        let late = self.now > STARTS - HOUR && self.mistake != Mistake::NeverTooLate;
        match step {
            Step::CancelByParent if late => Verdict::TooLate,
            // What would be given up in the same moment is not begun.
            Step::Confirm if to == "pending" && self.now >= STARTS - HOUR => Verdict::TooLate,
            Step::Confirm | Step::Offer if to != "pending" && self.now >= STARTS - DAY => {
                Verdict::TooLate
            }
            Step::Complete | Step::NoShow if self.now < STARTS => Verdict::TooEarly,
            _ => self.becomes(to),
        }
    }

    fn becomes(&mut self, to: &'static str) -> Verdict {
        self.sequence += 1;
        self.changes.push((self.sequence, self.now, self.status, to));
        (self.status, self.since, self.updated_at) = (to, self.now, self.now);
        Verdict::Becomes
    }

    fn time_works(&mut self) -> Verdict {
        if self.status == "approved" {
            // At 7:00 on the day after the family has come; at 10:00 on the day before the parent is reminded,
            // unless it was approved after that.
            let (day_after, day_before) = (STARTS + 21 * HOUR, STARTS - DAY);
            return if self.now >= day_after {
                self.becomes("completed")
            } else if (day_before..STARTS).contains(&self.now)
                && self.since < day_before
                && !self.reminded
            {
                (self.reminded, self.updated_at) = (true, self.now);
                self.sequence += u32::from(self.mistake != Mistake::UncountedReminder);
                Verdict::Becomes
            } else {
                Verdict::Already
            };
        }
        let over = |at: Option<Minutes>| at.is_some_and(|at| at <= self.now);
        if over(self.expires_at()) {
            self.becomes("expired")
        } else if over(self.approves_at()) && self.now + DAY <= STARTS {
            self.becomes("approved")
        } else {
            Verdict::Already
        }
    }
}
