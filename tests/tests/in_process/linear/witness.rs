//! An order that explains a history, looked for in a way that is quick where the model is known: what only reads, or
//! is refused, changes nothing, so it is taken as soon as it is right. The general checker branches on it, and with
//! sixteen clients at once that is the difference between a millisecond and a minute.
//!
//! This finds; the checker judges. It gets each history either with the order that was found, as moments within those
//! of the history, or, where none was found, as few operations as show that there is none.

use std::collections::HashSet;

use porcupine_rs::{Model, Operation};

use super::model::{Contract, Slot};

struct Search<'a> {
    ops: &'a [Operation<Contract>],
    seen: HashSet<(Vec<bool>, Slot)>,
    done: Vec<bool>,
    order: Vec<usize>,
}

impl Search<'_> {
    /// Orders what is left, from this state of the slot.
    fn order_the_rest(&mut self, slot: &Slot) -> bool {
        let before = self.order.len();
        // What changes nothing comes first, and need not be tried elsewhere.
        while let Some(op) = self.next().into_iter().find(|op| self.changes_nothing(slot, *op)) {
            self.take(op);
        }
        let found = self.order.len() == self.ops.len()
            || self.seen.insert((self.done.clone(), slot.clone())) && {
                self.next().into_iter().any(|op| {
                    let (right, after) = Contract::step(slot, &self.ops[op].op);
                    right && {
                        self.take(op);
                        self.order_the_rest(&after) || {
                            self.put_back(self.order.len() - 1);
                            false
                        }
                    }
                })
            };
        if !found {
            self.put_back(before);
        }
        found
    }

    /// What may come next: was called before anything else that is left was answered.
    fn next(&self) -> Vec<usize> {
        let left = || (0..self.ops.len()).filter(|op| !self.done[*op]);
        let first = left().map(|op| self.ops[op].return_time).min().unwrap_or_default();
        left().filter(|op| self.ops[*op].call_time < first).collect()
    }

    fn changes_nothing(&self, slot: &Slot, op: usize) -> bool {
        let (right, after) = Contract::step(slot, &self.ops[op].op);
        right && after == *slot && self.ops[op].return_time != i64::MAX
    }

    fn take(&mut self, op: usize) {
        self.done[op] = true;
        self.order.push(op);
    }

    fn put_back(&mut self, from: usize) {
        for op in self.order.drain(from..) {
            self.done[op] = false;
        }
    }
}

/// An order of the operations that explains their answers.
fn order(ops: &[Operation<Contract>]) -> Option<Vec<usize>> {
    let mut search = Search {
        ops,
        seen: HashSet::new(),
        done: vec![false; ops.len()],
        order: Vec::with_capacity(ops.len()),
    };
    search.order_the_rest(&Contract::init()).then_some(search.order)
}

/// The history with each operation at its moment in an order that explains it: each within its own call and answer. Or,
/// where there is no such order, few enough of its operations that the checker sees it in no time.
pub fn for_checker(mut ops: Vec<Operation<Contract>>) -> Vec<Operation<Contract>> {
    ops.sort_by_key(|op| op.call_time);
    match order(&ops) {
        Some(order) => {
            // Between two moments there is room for a whole history.
            for op in &mut ops {
                op.call_time *= 1000;
                op.return_time = op.return_time.saturating_mul(1000);
            }
            let mut moment = 0;
            for op in order {
                let op = &mut ops[op];
                moment = moment.max(op.call_time);
                assert!(moment <= op.return_time, "an order within calls and answers");
                (op.call_time, op.return_time) = (moment, moment);
                moment += 1;
            }
        }
        None => {
            // A history without what only reads is explained if the whole is.
            let mut nth = 0;
            while nth < ops.len() {
                let left_out = ops.remove(nth);
                if !left_out.op.only_reads() || order(&ops).is_some() {
                    ops.insert(nth, left_out);
                    nth += 1;
                }
            }
        }
    }
    ops
}
