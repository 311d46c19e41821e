//! Many histories: several side by side in one world, each with a slot of its own on a day of its own.

use std::{
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use aws_smithy_runtime_api::client::{
    http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector},
    orchestrator::{HttpRequest, HttpResponse},
};
use aws_smithy_types::body::SdkBody;
use domain::Timestamp;
use futures::{StreamExt, stream};
use jiff::SignedDuration;
use local::{LocalHub, Options};
use serde_json::json;
use tests::{World, wire};

use super::{
    door::{Door, InProcess, OverHttp, feed},
    history::{History, moment},
    verdict::Totals,
};

/// As many days as a nursery takes requests for, less the first two weeks.
pub const IN_A_WORLD: usize = 60;

/// How many histories run side by side.
const SIDE_BY_SIDE: usize = 4;

/// What a world is like.
#[derive(Debug, Clone, Copy, Default)]
pub struct Kind {
    /// Time does its work among the clients: places are offered, and what nobody confirms is given up.
    with_time: bool,
    /// A request that is pending holds no place.
    without_place: bool,
    /// Transactions meet others, and answers are lost after the write.
    rough: bool,
}

impl Kind {
    /// Every combination in turn.
    pub fn of_world(nth: u64) -> Self {
        Self { with_time: nth.is_multiple_of(2), without_place: nth % 3 == 2, rough: nth % 4 == 1 }
    }
}

/// A wire on which calls meet others, and answers are lost, once it is rough.
#[derive(Debug, Clone, Default)]
struct Rough(Arc<AtomicBool>);

impl wire::Wire for Rough {
    fn carry(&self, call: HttpRequest, line: &SharedHttpConnector) -> HttpConnectorFuture {
        if !self.0.load(Ordering::SeqCst) {
            return line.call(call);
        }
        match rand::random_range(0..100) {
            0..5 if wire::operation(&call) == "TransactWriteItems" => {
                let body = json!({
                    "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
                    "CancellationReasons": [{"Code": "None"}, {"Code": "TransactionConflict"}],
                });
                let status = 400.try_into().unwrap();
                let answer = HttpResponse::new(status, SdkBody::from(body.to_string()));
                HttpConnectorFuture::ready(Ok(answer))
            }
            5..10 if wire::writes(&call) => wire::lost(call, line),
            _ => line.call(call),
        }
    }
}

/// Histories in a world of their own.
pub async fn in_process(kind: Kind, seed: u64, histories: usize) -> Totals {
    let rough = Rough::default();
    let world = match kind.rough {
        true => World::through(rough.clone(), wire::retries()).await,
        false => World::new().await,
    };
    let world = Arc::new(world);
    let begun = begin(&world, kind, seed, histories).await;
    rough.0.store(true, Ordering::SeqCst);
    run(&world, kind, &begun).await
}

/// Histories in this world.
pub async fn in_world(world: &Arc<World>, kind: Kind, seed: u64, histories: usize) -> Totals {
    let begun = begin(world, kind, seed, histories).await;
    run(world, kind, &begun).await
}

/// Histories with what is there before the clients come.
async fn begin(world: &Arc<World>, kind: Kind, seed: u64, histories: usize) -> Vec<Arc<History>> {
    if kind.without_place {
        world.save_settings(json!({"pending_holds_place": false})).await;
    }
    let first: Timestamp = "2026-12-15T10:00:00+09:00".parse().unwrap();
    let begin = |nth: usize| {
        let door: Arc<dyn Door> = Arc::new(InProcess(world.clone()));
        let starts_at = first + SignedDuration::from_hours(24 * nth as i64);
        let (name, seed) = (format!("{seed}-{nth}"), seed * 1_000_003 + nth as u64 * 101);
        History::begin(door, (name, seed), starts_at, !kind.without_place, kind.with_time)
    };
    stream::iter(0..histories).map(begin).buffered(SIDE_BY_SIDE).collect().await
}

async fn run(world: &World, kind: Kind, begun: &[Arc<History>]) -> Totals {
    if kind.with_time {
        // Places that came free are offered; a day later nobody has taken the offer, or confirmed.
        world.settle().await;
        world.set("2026-12-02T10:30:00+09:00");
    }
    let began = moment();
    let run = |history: &Arc<History>| {
        let history = history.clone();
        async move { history.run().await }
    };
    stream::iter(begun).map(run).buffer_unordered(SIDE_BY_SIDE).collect::<()>().await;
    if kind.with_time {
        world.settle().await;
    }
    judge(begun, began, !kind.without_place).await
}

async fn judge(begun: &[Arc<History>], began: i64, pending_holds_place: bool) -> Totals {
    let mut totals = Totals::default();
    let Some(first) = begun.first() else { return totals };
    let feed = feed(&*first.door).await;
    for history in begun {
        totals += history.verdict(began, pending_holds_place, &feed).await;
        // One that is wrong is enough.
        if !totals.are_right() {
            break;
        }
    }
    totals
}

/// Histories over HTTP, on the local hub, whose engine works all the time.
pub async fn over_http(seed: u64, histories: usize) -> Totals {
    let rate_limit = NonZeroU32::new(1_000_000).unwrap();
    let hub = LocalHub::start(Options { rate_limit, ..Options::default() }).await.unwrap();
    let door = Arc::new(OverHttp::new(&hub.url()).await);
    let today = door.now().await.date();
    let first =
        Timestamp::at(today, jiff::civil::time(8, 0, 0, 0)) + SignedDuration::from_hours(24 * 40);
    let began = moment();
    let run = |nth: usize| {
        let door = door.clone();
        async move {
            // Four a day, on forty days.
            let hours = nth as i64 / 40 + 24 * (nth as i64 % 40);
            let starts_at = first + SignedDuration::from_hours(hours);
            let (name, seed) = (format!("http-{seed}-{nth}"), seed * 1_000_003 + nth as u64 * 101);
            // A day passes in every tenth of them, for all.
            let history = History::begin(door, (name, seed), starts_at, true, nth % 50 == 7).await;
            history.run().await;
            history
        }
    };
    let begun: Vec<_> =
        stream::iter(0..histories).map(run).buffer_unordered(SIDE_BY_SIDE).collect().await;
    judge(&begun, began, true).await
}
