use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use domain::Timestamp;
use runtime::{Clock, machine_time};

/// The hub's time: the machine's, moved forward.
#[derive(Debug, Clone, Default)]
pub struct LocalClock {
    ahead_ms: Arc<AtomicI64>,
}

impl LocalClock {
    /// Ahead of the machine by this many milliseconds.
    pub fn ahead_by(ms: i64) -> Self {
        Self { ahead_ms: Arc::new(AtomicI64::new(ms)) }
    }

    /// How far it is ahead of the machine, in milliseconds.
    pub fn ahead_ms(&self) -> i64 {
        self.ahead_ms.load(Ordering::SeqCst)
    }

    /// What time it is.
    pub fn now(&self) -> Timestamp {
        let machine = machine_time();
        Timestamp::from_epoch_ms(machine.epoch_ms() + self.ahead_ms()).unwrap_or(machine)
    }

    /// Moves to a time; never back.
    pub fn move_to(&self, to: Timestamp) {
        let ahead = to.epoch_ms() - machine_time().epoch_ms();
        self.ahead_ms.fetch_max(ahead, Ordering::SeqCst);
    }

    /// As the functions read it.
    pub fn reader(&self) -> Clock {
        let clock = self.clone();
        Clock::new(move || clock.now())
    }
}
