use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use aws_sdk_dynamodb::types::ConsumedCapacity;

/// Counts the capacity units that calls consume, those of indexes included.
#[derive(Debug, Clone, Default)]
pub struct Meter(Arc<Counters>);

#[derive(Debug, Default)]
struct Counters {
    half_reads: AtomicU64,
    writes: AtomicU64,
}

/// Capacity units.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Consumed {
    /// Read capacity units; half a unit is an eventually consistent read of up to 4 KB.
    pub read: f64,
    /// Write capacity units.
    pub write: f64,
}

impl Meter {
    /// What was consumed since the last call.
    pub fn take(&self) -> Consumed {
        let half_reads = self.0.half_reads.swap(0, Ordering::Relaxed);
        let writes = self.0.writes.swap(0, Ordering::Relaxed);
        Consumed { read: half_reads as f64 / 2.0, write: writes as f64 }
    }

    pub(crate) fn read<'a>(&self, capacities: impl IntoIterator<Item = &'a ConsumedCapacity>) {
        let units: f64 = total(capacities);
        self.0.half_reads.fetch_add((units * 2.0).round() as u64, Ordering::Relaxed);
    }

    pub(crate) fn write<'a>(&self, capacities: impl IntoIterator<Item = &'a ConsumedCapacity>) {
        let units: f64 = total(capacities);
        self.0.writes.fetch_add(units.round() as u64, Ordering::Relaxed);
    }
}

fn total<'a>(capacities: impl IntoIterator<Item = &'a ConsumedCapacity>) -> f64 {
    capacities.into_iter().filter_map(ConsumedCapacity::capacity_units).sum()
}
