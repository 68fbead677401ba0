//! One counter workload of a trial: its increments taken in, judged and told.

use std::collections::{BTreeMap, HashMap};

use super::ledger::kept;
use crate::analysis::check::Checked;
use crate::analysis::found::Found;
use crate::analysis::locks::Names;
use crate::analysis::losses::Losses;
use crate::analysis::packed::{Packed, node_number, node_of};
use crate::analysis::rollback::{Answer, rolled_back};
use crate::analysis::servers::Servers;
use crate::analysis::words::number_text;
use crate::history::{Called, Exchange, Outcome, Value};
use crate::result::{Anomaly, AnomalyKind, CounterCounts};

/// Takes in the increments of one counter workload and the final reads, and says at the end what was lost.
#[derive(Debug, Default)]
pub struct Counters {
    counters: BTreeMap<u32, Counter>,
}

#[derive(Debug, Default)]
struct Counter {
    /// Acknowledged increments: see [`Increment::record`].
    acknowledged: Packed<5>,
    /// Increments of unknown outcome.
    unknown: u64,
    last: Option<Value>,
}

/// An acknowledged increment.
#[derive(Debug, Clone, Copy)]
struct Increment {
    id: u64,
    at: [u64; 2],
    /// What the counter was moved to.
    value: u64,
    node: Option<u16>,
}

impl Increment {
    fn record(self) -> [u64; 5] {
        [self.id, self.at[0], self.at[1].wrapping_sub(self.at[0]), self.value, node_number(self.node)]
    }

    fn of([id, began, took, value, node]: [u64; 5]) -> Self {
        Self { id, at: [began, began.wrapping_add(took)], value, node: node_of(node) }
    }
}

impl Counters {
    /// Takes in one increment.
    pub fn exchange(&mut self, exchange: &Exchange) {
        if exchange.call != Called::Increment {
            return;
        }
        let counter = self.counters.entry(exchange.key).or_default();
        match (exchange.out, exchange.found) {
            (Outcome::Ok, Some(value)) => {
                counter.acknowledged.push(Increment { id: exchange.id, at: exchange.at, value, node: exchange.node }.record());
            }
            (Outcome::Fail, _) => {}
            _ => counter.unknown += 1,
        }
    }

    /// Takes in the final read of one counter.
    pub fn value(&mut self, value: &Value) {
        self.counters.entry(value.key).or_default().last = Some(*value);
    }

    /// Judges.
    pub(in crate::analysis) fn finish(self, names: &Names<'_>, servers: &Servers, evidence: &mut Found<'_>) -> Checked {
        let mut counts = CounterCounts::default();
        let mut losses = Losses::default();
        for (key, counter) in &self.counters {
            let acknowledged = counter.acknowledged.len() as u64;
            counts.acknowledged += acknowledged;
            // One counter after the other, in memory for one.
            let increments: Vec<Increment> = counter.acknowledged.iter().map(Increment::of).collect();
            let answers = increments.iter().map(|one| Answer { completed: one.at[1], invoked: one.at[0], value: one.value });
            counts.rolled_back += rolled_back(&answers.collect::<Vec<_>>());
            let Some(last) = counter.last else {
                counts.never_read += acknowledged;
                increments.iter().for_each(|one| losses.add(one.node, false));
                continue;
            };
            let last = last.value.unwrap_or_default();
            let values: Vec<u64> = increments.iter().map(|one| one.value).collect();
            let found = kept(&values, counter.unknown, last);
            counts.lost += found.lost;
            counts.lost_at_most += found.lost_at_most;
            counts.ghosts += found.ghosts;
            counts.unexpected += found.unexpected;
            let survivors = survivors(&increments, last, *key, servers);
            for one in &increments {
                let kept = survivors.get(&one.value).is_some_and(|kept| kept.id == one.id);
                losses.add(one.node, !kept);
                if !kept {
                    evidence.one(lost(*key, one, survivors.get(&one.value).copied(), last, names, servers));
                }
            }
            if found.unexpected > 0 {
                let text = format!(
                    "counter {key} is {} in the end, {} more than all increments that can have been executed: {} acknowledged, {} of unknown outcome",
                    number_text(last),
                    number_text(found.unexpected),
                    number_text(acknowledged),
                    number_text(counter.unknown),
                );
                let (workload, from) = (names.workload.to_owned(), counter.last.map_or(0, |last| last.at[1]));
                evidence.ranked(
                    Anomaly { kind: AnomalyKind::UnexpectedWrite, workload, key: *key, from, to: None, text },
                    found.unexpected,
                    found.unexpected,
                );
            }
        }
        counts.by_node = losses.told(names);
        let mut metrics = vec![
            ("acknowledged", counts.acknowledged as f64),
            ("lost", counts.lost as f64),
            ("lost_at_most", counts.lost_at_most as f64),
            ("ghosts", counts.ghosts as f64),
            ("unexpected", counts.unexpected as f64),
            ("rolled_back", counts.rolled_back as f64),
            ("never_read", counts.never_read as f64),
        ];
        if counts.acknowledged > 0 {
            metrics.push(("lost_share", counts.lost as f64 / counts.acknowledged as f64));
        }
        Checked { metrics, counter: Some(counts), ..Checked::default() }
    }
}

/// Of the increments that were answered the same, the one that was kept: acknowledged by the primary of the end while it was that, else the latest.
fn survivors(increments: &[Increment], last: u64, key: u32, servers: &Servers) -> HashMap<u64, Increment> {
    let heir = servers.heir(key);
    let by_heir = |one: &Increment| heir.is_some_and(|heir| one.node == Some(heir.node) && one.at[0] >= heir.since);
    let mut kept: HashMap<u64, Increment> = HashMap::new();
    for one in increments.iter().filter(|one| (1..=last).contains(&one.value)) {
        let other = kept.entry(one.value).or_insert(*one);
        if (by_heir(one), one.at, one.id) > (by_heir(other), other.at, other.id) {
            *other = *one;
        }
    }
    kept
}

fn lost(key: u32, one: &Increment, other: Option<Increment>, last: u64, names: &Names<'_>, servers: &Servers) -> Anomaly {
    let why = match other {
        Some(other) => format!(
            "it was moved there again by increment {}, acknowledged by {}",
            other.id,
            servers.acknowledged(other.node, other.at, names)
        ),
        None => format!("its final value is {}", number_text(last)),
    };
    let text = format!(
        "counter {key}: increment {} moved it to {}, acknowledged by {}, and was lost: {why}{}",
        one.id,
        number_text(one.value),
        servers.acknowledged(one.node, one.at, names),
        servers.took_over(key, one.node, one.at, names),
    );
    Anomaly { kind: AnomalyKind::LostWrite, workload: names.workload.to_owned(), key, from: one.at[1], to: None, text }
}
