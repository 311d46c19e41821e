//! One history: a slot, what was there before, sixteen clients at once, and what is there afterwards.

use std::{
    future::Future,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, AtomicUsize, Ordering},
    },
};

use domain::{ReservationNumber, SlotId, Status, Timestamp};
use porcupine_rs::Operation;
use rand::{RngExt, SeedableRng, rngs::StdRng};

use super::{
    door::Door,
    model::{Contract, Op},
};

/// Clients of a history, all at once.
pub const CLIENTS: usize = 16;

/// What calls and answers are ordered by: each is later than all before it.
static MOMENTS: AtomicI64 = AtomicI64::new(0);

/// A moment of its own.
pub fn moment() -> i64 {
    MOMENTS.fetch_add(1, Ordering::SeqCst)
}

/// What is not answered may happen at any time.
const NEVER: i64 = i64::MAX;

/// A reservation that somebody may do something to.
#[derive(Debug, Clone)]
pub struct Known {
    pub id: usize,
    pub number: ReservationNumber,
    pub portal: bool,
    pub would_wait: bool,
}

/// A slot of its own, and what was done to it.
pub struct History {
    pub door: Arc<dyn Door>,
    pub name: String,
    pub slot_id: SlotId,
    pub starts_at: Timestamp,
    /// Whether time does its work while the clients are at it.
    pub with_time: bool,
    pub known: Mutex<Vec<Known>>,
    seed: u64,
    ids: AtomicUsize,
    notes: AtomicUsize,
    ops: Mutex<Vec<Operation<Contract>>>,
}

impl History {
    /// Opens its slot and does what was there before: what `seed` and `name` say, one after the other.
    pub async fn begin(
        door: Arc<dyn Door>,
        (name, seed): (String, u64),
        starts_at: Timestamp,
        pending_holds_place: bool,
        with_time: bool,
    ) -> Arc<Self> {
        let mut random = StdRng::seed_from_u64(seed);
        let capacity = random.random_range(1..=3);
        let slot_id = door.open(starts_at, capacity).await;
        let history = Self {
            door,
            name,
            slot_id,
            starts_at,
            with_time,
            known: Mutex::default(),
            seed,
            ids: AtomicUsize::default(),
            notes: AtomicUsize::default(),
            ops: Mutex::default(),
        };
        history.note(0, (moment(), moment()), Op::Open { capacity, pending_holds_place });
        let portal = history.door.has_parents() && random.random_bool(0.3);
        if portal {
            history.reserve(0, true, false).await;
        }
        for _ in 0..random.random_range(0..=capacity) {
            history.reserve(0, false, true).await;
        }
        if with_time {
            // Somebody who waits is offered the place of somebody who is declined.
            history.reserve(0, false, true).await;
            history.reserve(0, false, true).await;
            history.act_on_any(0, &mut random, Status::Declined).await;
        }
        Arc::new(history)
    }

    /// Sixteen clients, each with one or two operations.
    pub async fn run(self: &Arc<Self>) {
        let clients = (1..=CLIENTS).map(|client| {
            let history = self.clone();
            tokio::spawn(async move {
                let mut random = StdRng::seed_from_u64(history.seed + client as u64);
                for _ in 0..[1, 1, 1, 1, 1, 2][random.random_range(0..6)] {
                    history.do_anything(client, &mut random).await;
                }
            })
        });
        for client in futures::future::join_all(clients).await {
            client.unwrap();
        }
    }

    async fn do_anything(&self, client: usize, random: &mut StdRng) {
        use Status::{Approved, CancelledByFacility, CancelledByParent, Declined, Pending};
        let action = match random.random_range(0..100) {
            0..20 => return self.reserve(client, false, false).await,
            20..36 => return self.reserve(client, false, true).await,
            36..38 if self.door.has_parents() => {
                return self.reserve(client, true, random.random()).await;
            }
            36..40 => return self.twice_at_once(client).await,
            40..43 => return self.repeat(client, random).await,
            43..51 => return self.change_slot(client, random).await,
            51..56 => return self.disable(client).await,
            56..60 => {
                self.look(client).await;
                return;
            }
            60..64 => {
                self.look_as_anybody(client).await;
                return;
            }
            64..67 => return self.read_any(client, random).await,
            67..70 if self.with_time => return self.door.keep_deadlines().await,
            67..76 => Approved,
            76..82 => Declined,
            82..89 => CancelledByParent,
            89..95 => CancelledByFacility,
            _ => Pending,
        };
        self.act_on_any(client, random, action).await;
    }

    /// Does something, and notes what came of it together with when it was asked for and answered.
    pub async fn timed<T>(
        &self,
        client: usize,
        work: impl Future<Output = T>,
        told: impl FnOnce(&T) -> Vec<Op>,
    ) -> T {
        let call = moment();
        let done = work.await;
        let answered = moment();
        for op in told(&done) {
            self.note(client, (call, answered), op);
        }
        done
    }

    /// Notes an operation.
    pub fn note(&self, client: usize, (call_time, answered): (i64, i64), op: Op) {
        let unknown = matches!(
            op,
            Op::Reserve { answer: None, .. }
                | Op::Act { answer: None, .. }
                | Op::Change { answer: None, .. }
                | Op::Disable { answer: None }
        );
        let return_time = if unknown { NEVER } else { answered };
        self.ops.lock().unwrap().push(Operation {
            client_id: u32::try_from(client).ok(),
            call_time,
            return_time,
            op,
            metadata: None,
        });
    }

    /// An id for a new reservation.
    pub fn next_id(&self) -> usize {
        self.ids.fetch_add(1, Ordering::SeqCst)
    }

    /// A word that no other change of the slot has: so no two views are the same by chance.
    pub fn next_note(&self) -> String {
        format!("変更{}", self.notes.fetch_add(1, Ordering::SeqCst))
    }

    /// Any reservation that somebody knows of.
    pub fn any(&self, random: &mut StdRng) -> Option<Known> {
        let known = self.known.lock().unwrap();
        (!known.is_empty()).then(|| known[random.random_range(0..known.len())].clone())
    }

    /// What was done, in no order.
    pub fn operations(&self) -> Vec<Operation<Contract>> {
        self.ops.lock().unwrap().clone()
    }
}
