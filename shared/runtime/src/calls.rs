//! How long calls to AWS take. The line of the work that made them tells it, in the field `calls`; a call that is slow
//! is told at once, for then the function may end before its line.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    time::{Duration, Instant},
};

use aws_smithy_runtime_api::client::{
    http::{
        HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
        SharedHttpConnector,
    },
    orchestrator::HttpRequest,
    runtime_components::RuntimeComponents,
};
use serde_json::{Value, json};
use tracing::Event;

const SLOW: Duration = Duration::from_secs(1);

tokio::task_local! {
    static CALLS: RefCell<BTreeMap<String, Taken>>;
}

/// What the calls of one operation took, each attempt by itself.
#[derive(Debug, Default)]
struct Taken {
    times: u64,
    ms: u64,
    longest_ms: u64,
}

/// Whole milliseconds, as lines and metrics tell durations.
pub fn ms(duration: Duration) -> u64 {
    duration.as_millis() as u64
}

/// Does some work and remembers the calls that it makes.
pub(crate) async fn counted<F: Future>(work: F) -> F::Output {
    CALLS.scope(RefCell::default(), work).await
}

/// The calls of the work that this line ends, which it does by telling how long it took.
pub(crate) fn of(event: &Event<'_>) -> Option<Value> {
    event.metadata().fields().field("duration_ms")?;
    let timed = CALLS.try_with(|calls| {
        let calls = calls.borrow();
        let timed = calls.iter().map(|(operation, taken)| {
            let Taken { times, ms, longest_ms } = taken;
            (operation.clone(), json!({"times": times, "ms": ms, "longest_ms": longest_ms}))
        });
        (!calls.is_empty()).then(|| timed.collect())
    });
    timed.ok().flatten()
}

/// The same client, whose calls are timed.
pub(crate) fn timed(client: SharedHttpClient) -> SharedHttpClient {
    SharedHttpClient::new(Timed(client))
}

#[derive(Debug)]
struct Timed<T>(T);

impl HttpClient for Timed<SharedHttpClient> {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(Timed(self.0.http_connector(settings, components)))
    }
}

impl HttpConnector for Timed<SharedHttpConnector> {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let call = Call { operation: operation(&request), begun: Instant::now() };
        let answer = self.0.call(request);
        HttpConnectorFuture::new(async move {
            let _call = call;
            answer.await
        })
    }
}

/// `GetItem`, `Encrypt`, …: services name it in a header, but for Amazon SES, of which the hub makes one call.
fn operation(request: &HttpRequest) -> String {
    let target = request.headers().get("x-amz-target").unwrap_or("SendEmail");
    target.rsplit('.').next().unwrap_or(target).to_owned()
}

/// A call that is made. It ends when it is answered, fails, or is given up.
struct Call {
    operation: String,
    begun: Instant,
}

impl Drop for Call {
    fn drop(&mut self) {
        let taken = self.begun.elapsed();
        // Work that nobody counts, such as the first call of a start, is only told if it is slow.
        let counted = CALLS.try_with(|calls| {
            let mut calls = calls.borrow_mut();
            let of_operation = calls.entry(self.operation.clone()).or_default();
            of_operation.times += 1;
            of_operation.ms += ms(taken);
            of_operation.longest_ms = of_operation.longest_ms.max(ms(taken));
        });
        counted.ok();
        if taken >= SLOW {
            tracing::warn!(operation = self.operation, took_ms = ms(taken), "slow call");
        }
    }
}
