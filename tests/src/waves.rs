//! Sequential round trips: the calls to the table and to the seal are answered in waves, each only when nothing can go on
//! without an answer. How many waves there are is how often a caller waits for the way there and back.

use std::{
    future::poll_fn,
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
    task::Poll,
};

use async_trait::async_trait;
use aws_smithy_runtime_api::client::{
    http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector},
    orchestrator::HttpRequest,
};
use domain::Sealed;
use runtime::{Purpose, Seal, SealError};
use tokio::{sync::oneshot, task::yield_now};

use crate::wire::Wire;

/// How often the task lets others run before nothing more is expected of them: answers within this process take
/// fewer turns by far, and waiting longer than necessary changes no count.
const TURNS: usize = 200;

/// Where calls wait for their wave.
#[derive(Debug, Clone, Default)]
pub struct Waves(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// Whether calls wait; before, they pass.
    closed: bool,
    waiting: Vec<oneshot::Sender<()>>,
    /// Calls that were let go and are not answered yet.
    under_way: usize,
}

impl Waves {
    fn state<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Does a call with the next wave.
    async fn with_the_next<F: Future>(&self, call: F) -> F::Output {
        let turn = self.state(|state| {
            state.closed.then(|| {
                let (go, turn) = oneshot::channel();
                state.waiting.push(go);
                turn
            })
        });
        let Some(turn) = turn else { return call.await };
        turn.await.expect("every wave comes");
        let answer = call.await;
        self.state(|state| state.under_way -= 1);
        answer
    }

    /// Does some work, and counts the waves that it took.
    pub async fn count<F: Future>(&self, work: F) -> (F::Output, usize) {
        self.state(|state| state.closed = true);
        let (mut work, mut waves, mut idle) = (pin!(work), 0, 0);
        let output = loop {
            let ready = poll_fn(|context| {
                Poll::Ready(match work.as_mut().poll(context) {
                    Poll::Ready(output) => Some(output),
                    Poll::Pending => None,
                })
            });
            if let Some(output) = ready.await {
                break output;
            }
            yield_now().await;
            let (under_way, waiting) = self.state(|state| (state.under_way, state.waiting.len()));
            idle = if under_way == 0 { idle + 1 } else { 0 };
            if idle > TURNS && waiting > 0 {
                (waves, idle) = (waves + 1, 0);
                self.state(|state| {
                    let wave = std::mem::take(&mut state.waiting);
                    state.under_way = wave.len();
                    for call in wave {
                        call.send(()).expect("who called waits");
                    }
                });
            }
        };
        self.state(|state| state.closed = false);
        (output, waves)
    }
}

impl Wire for Waves {
    fn carry(&self, call: HttpRequest, line: &SharedHttpConnector) -> HttpConnectorFuture {
        let (waves, line) = (self.clone(), line.clone());
        HttpConnectorFuture::new(async move { waves.with_the_next(line.call(call)).await })
    }
}

/// A seal that is as far away as the table.
#[derive(Debug)]
pub struct DistantSeal {
    /// What seals.
    pub seal: Arc<dyn Seal>,
    /// With which its calls are answered.
    pub waves: Waves,
}

#[async_trait]
impl Seal for DistantSeal {
    async fn seal(&self, purpose: Purpose<'_>, plain: &[u8]) -> Result<Sealed, SealError> {
        self.waves.with_the_next(self.seal.seal(purpose, plain)).await
    }

    async fn open(&self, purpose: Purpose<'_>, sealed: &Sealed) -> Result<Vec<u8>, SealError> {
        self.waves.with_the_next(self.seal.open(purpose, sealed)).await
    }
}
