//! The whole story, played against a hub of its own with a moving clock: the demonstration for somebody who
//! has never heard of the hub. It fails if any step does.

mod changes;
mod lists;
mod messages;
mod steps;
mod story;

use std::{
    collections::BTreeMap,
    io::{self, Write},
};

use jiff::civil::Date;
use serde_json::Value;

use crate::{
    LocalHub, Options, StartError,
    api::{Api, ApiError},
    receiver::Receiver,
};
use messages::text;

/// Which step went wrong.
#[derive(Debug, thiserror::Error)]
pub enum TourError {
    /// The hub does not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The hub does not answer.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// Nothing can be printed, or no port is free.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A step did not come out as it should.
    #[error("{step}: expected {expected}, got {got}")]
    Step {
        /// The step.
        step: String,
        /// What should have been.
        expected: String,
        /// What was.
        got: String,
    },
}

type TourResult = Result<(), TourError>;

/// Plays the story on a hub in memory.
pub async fn run(out: &mut impl Write) -> TourResult {
    let hub = LocalHub::start(Options::default()).await?;
    run_at(&hub.url(), out).await
}

/// Plays the story on the hub at this address.
pub async fn run_at(url: &str, out: &mut impl Write) -> TourResult {
    Tour::begin(out, url).await?.play(url).await
}

/// Who acts.
#[derive(Debug, Clone, Copy)]
enum Who {
    Anyone,
    Site,
    Ict,
    Nursery,
    City,
}

impl Who {
    fn name(self) -> &'static str {
        match self {
            Self::Anyone => "anyone",
            Self::Site => "search site",
            Self::Ict => "ICT system",
            Self::Nursery => "nursery",
            Self::City => "municipality",
        }
    }
}

/// Who is mailed.
const PARENT: &str = "hanako@example.jp";
const NOBODY: &str = "nobody";
const NURSERY: &str = "fac-";
const MUNICIPALITY: &str = "hoiku-";
const SITE_OWNER: &str = "search-site-1@example.jp";
const COLLEAGUE: &str = "colleague@example.jp";

/// A vendor's receiver, and how much of what it got was told.
struct WebhookSink {
    receiver: Receiver,
    seen: usize,
}

/// Somebody who walks through the story.
struct Tour<'a, W> {
    out: &'a mut W,
    api: Api,
    site: Api,
    ict: Api,
    staff: Api,
    city: Api,
    facility: String,
    site_hears: WebhookSink,
    ict_hears: WebhookSink,
    /// Where the copy of all slots reads on.
    feed: String,
    /// The copy: each slot by its id.
    copy: BTreeMap<String, Value>,
    mails_seen: usize,
    /// Mails that ask for slots: on the 10th of a month, wherever the story then is.
    plan_mails: usize,
    /// Whom mails reminded of the information of nurseries: on Mondays, wherever the story then is.
    reminded: Vec<String>,
    /// The last mail to a parent, or to the colleague of the nursery.
    letter: String,
    /// The clock was moved since they were issued.
    tokens_are_old: bool,
    /// When the story began, by the hub's clock: so that it can be played again on the same hub.
    begun: String,
}

impl<'a, W: Write> Tour<'a, W> {
    async fn begin(out: &'a mut W, url: &str) -> Result<Self, TourError> {
        let api = Api::new(url)?;
        let (staff, facility) = api.as_user("facility", 0).await?;
        Ok(Self {
            out,
            site: api.as_client("search_site", 0).await?,
            ict: api.as_client("ict", 0).await?,
            feed: "/v1/feeds/slots".into(),
            copy: BTreeMap::new(),
            city: api.as_user("municipality", 0).await?.0,
            mails_seen: api.mails().await?.len(),
            tokens_are_old: false,
            begun: text(&api.get("/_local/clock").await?.body["now"]).to_owned(),
            plan_mails: 0,
            reminded: Vec::new(),
            letter: String::new(),
            api,
            staff,
            facility,
            site_hears: WebhookSink { receiver: Receiver::start().await?, seen: 0 },
            ict_hears: WebhookSink { receiver: Receiver::start().await?, seen: 0 },
        })
    }
}

fn at(day: Date, hour: i8) -> domain::Timestamp {
    domain::Timestamp::at(day, jiff::civil::time(hour, 0, 0, 0))
}
