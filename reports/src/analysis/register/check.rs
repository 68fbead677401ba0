//! One register workload of a trial: what its clients were told taken in, judged and told.

use std::collections::BTreeMap;

use super::culprit::culprit;
use super::search::{Verdict, check};
use super::told::{Classes, Seen, Written, calls, classes};
use crate::analysis::check::Checked;
use crate::analysis::found::Found;
use crate::analysis::locks::Names;
use crate::analysis::losses::Losses;
use crate::analysis::packed::{Packed, node_number, node_of};
use crate::analysis::servers::Servers;
use crate::analysis::words::{count, instant};
use crate::history::{Called, Exchange, FOREIGN, Outcome, Value};
use crate::result::{Anomaly, AnomalyKind, RegisterCounts};

/// States the search of one register may look at: many times what a sound one needs, and bounded however long its history is.
pub fn budget(calls: usize) -> u64 {
    (100_000 + 20 * calls as u64).min(2_000_000)
}

/// Takes in the calls of one register workload and the final reads, and says at the end what was wrong.
#[derive(Debug, Default)]
pub struct Registers {
    /// Calls by register: see [`record`].
    exchanges: BTreeMap<u32, Packed<8>>,
    last: BTreeMap<u32, Value>,
}

impl Registers {
    /// Takes in one call.
    pub fn exchange(&mut self, exchange: &Exchange) {
        self.exchanges.entry(exchange.key).or_default().push(record(exchange));
    }

    /// Takes in the final read of one register.
    pub fn value(&mut self, value: &Value) {
        self.last.insert(value.key, *value);
    }

    /// Judges.
    pub(in crate::analysis) fn finish(self, names: &Names<'_>, servers: &Servers, found: &mut Found<'_>) -> Checked {
        let mut counts = RegisterCounts::default();
        let mut losses = Losses::default();
        for (key, exchanges) in &self.exchanges {
            let last = self.last.get(key);
            // One register after the other, in memory for one.
            let exchanges: Vec<Exchange> = exchanges.iter().map(|record| exchange_of(*key, record)).collect();
            let calls = calls(&exchanges, last);
            let told = classes(&exchanges, last, servers.heir(*key));
            let evidence = Evidence { key: *key, names, servers };
            let verdict = check(&calls, budget(calls.len()));
            if verdict == Verdict::Broken || told.broken() {
                counts.violations += 1;
                let at = culprit(&calls, budget(calls.len())).map(|index| calls[index]);
                found.one(evidence.broken(calls.len(), at.and_then(|call| Some([call.invoked, call.completed?])), &exchanges));
            } else if verdict == Verdict::Inconclusive {
                counts.inconclusive += 1;
            }
            counts.registers += 1;
            let answered = |called: Called| exchanges.iter().filter(|one| one.call == called && one.out == Outcome::Ok).count() as u64;
            counts.reads += answered(Called::Read);
            counts.swaps += answered(Called::Swap);
            counts.acknowledged += told.acknowledged.len() as u64;
            counts.never_read += u64::from(last.is_none() && !told.acknowledged.is_empty());
            counts.lost += told.lost.len() as u64;
            counts.lost_updates += told.lost_updates.len() as u64;
            counts.stale_reads += told.stale.len() as u64;
            counts.unexpected += told.unexpected.len() as u64;
            let mut lost = told.lost.iter().map(|(written, _)| written.value).collect::<Vec<_>>();
            lost.sort_unstable();
            for written in &told.acknowledged {
                losses.add(written.node, lost.binary_search(&written.value).is_ok());
            }
            evidence.tell(&told, found);
        }
        counts.by_node = losses.told(names);
        let mut metrics = vec![
            ("acknowledged", counts.acknowledged as f64),
            ("inconclusive", counts.inconclusive as f64),
            ("lost", counts.lost as f64),
            ("lost_updates", counts.lost_updates as f64),
            ("stale_reads", counts.stale_reads as f64),
            ("unexpected", counts.unexpected as f64),
            ("never_read", counts.never_read as f64),
        ];
        if counts.acknowledged > 0 {
            metrics.push(("lost_share", counts.lost as f64 / counts.acknowledged as f64));
        }
        // Registers nobody could judge may be broken as well.
        let violations = ("violations", counts.violations as f64);
        let bounds = if counts.inconclusive > 0 { vec![violations] } else { Vec::new() };
        if counts.inconclusive == 0 {
            metrics.push(violations);
        }
        Checked { metrics, bounds, register: Some(counts), ..Checked::default() }
    }
}

/// A call as numbers, but for its register.
fn record(exchange: &Exchange) -> [u64; 8] {
    let Exchange { w, c, id, at, call, wanted, found, out, node, .. } = *exchange;
    let flags = call as u64 | (out as u64) << 2 | u64::from(wanted.is_some()) << 4 | u64::from(found.is_some()) << 5 | u64::from(w) << 6;
    let (wanted, found) = (wanted.unwrap_or_default(), found.unwrap_or_default());
    [id, c.into(), at[0], at[1].wrapping_sub(at[0]), wanted, found, node_number(node), flags]
}

/// The call of these numbers.
fn exchange_of(key: u32, [id, c, asked, took, wanted, found, node, flags]: [u64; 8]) -> Exchange {
    Exchange {
        w: (flags >> 6) as u16,
        c: c as u16,
        id,
        key,
        at: [asked, asked.wrapping_add(took)],
        call: [Called::Read, Called::Write, Called::Swap, Called::Increment][(flags & 3) as usize],
        wanted: (flags >> 4 & 1 == 1).then_some(wanted),
        found: (flags >> 5 & 1 == 1).then_some(found),
        out: [Outcome::Ok, Outcome::Fail, Outcome::Info][(flags >> 2 & 3) as usize % 3],
        node: node_of(node),
    }
}

/// Findings of one register in sentences.
struct Evidence<'a> {
    key: u32,
    names: &'a Names<'a>,
    servers: &'a Servers,
}

impl Evidence<'_> {
    fn tell(&self, told: &Classes, found: &mut Found<'_>) {
        let key = self.key;
        told.lost.iter().for_each(|(written, seen)| {
            let older = seen.map(|seen| format!(": {} found {} later, which is older", self.who(&seen), value(seen.value)));
            let text = format!(
                "register {key}: {} was acknowledged by {}, and is not in what went on{}{}",
                value(Some(written.value)),
                self.acknowledged(written),
                older.unwrap_or_default(),
                self.servers.took_over(key, written.node, written.at, self.names),
            );
            found.one(self.anomaly(AnomalyKind::LostWrite, written.at[1], None, text));
        });
        told.lost_updates.iter().for_each(|(first, second)| {
            let text = format!(
                "register {key}: one value was replaced twice, by {} of client {} ({}) and by {} of client {} ({}): one of the two updates does not know of the other",
                value(Some(first.value)),
                first.client,
                self.acknowledged(first),
                value(Some(second.value)),
                second.client,
                self.acknowledged(second),
            );
            found.one(self.anomaly(AnomalyKind::LostUpdate, first.at[1], Some(second.at[1].max(first.at[1])), text));
        });
        told.stale.iter().for_each(|(seen, by)| {
            let text = format!(
                "register {key}: {} found {}, though {} had been acknowledged by {}",
                self.who(seen),
                value(seen.value),
                value(Some(by.value)),
                self.acknowledged(by),
            );
            found.one(self.anomaly(AnomalyKind::StaleRead, seen.at[0], Some(seen.at[1]), text));
        });
        told.unexpected.iter().for_each(|seen| {
            let text = format!("register {key}: {} found {}, which nobody can have written by then", self.who(seen), value(seen.value));
            found.one(self.anomaly(AnomalyKind::UnexpectedWrite, seen.at[1], None, text));
        });
    }

    /// `at` is when the first answer that left no order was asked for and given.
    fn broken(&self, calls: usize, at: Option<[u64; 2]>, exchanges: &[Exchange]) -> Anomaly {
        let key = self.key;
        let told = at.map(|at| {
            let asked = exchanges.iter().find(|exchange| exchange.at == at);
            let seen = asked.map_or(Seen { value: None, at, client: None, node: None }, |exchange| Seen {
                value: exchange.found,
                at,
                client: Some(exchange.c),
                node: exchange.node,
            });
            format!(": the first answer that leaves none is what {} was told", self.who(&seen))
        });
        let text = format!(
            "register {key}: no order of its {} is one that a single register would have answered{}",
            count(calls as u64, "call"),
            told.unwrap_or_default()
        );
        let from = at.map_or(exchanges.first().map_or(0, |exchange| exchange.at[0]), |at| at[1]);
        self.anomaly(AnomalyKind::NotLinearizable, from, None, text)
    }

    fn who(&self, seen: &Seen) -> String {
        let Some(client) = seen.client else { return format!("the final read at {}", instant(seen.at[1], self.names.zero)) };
        let node = seen.node.and_then(|node| self.names.nodes.get(usize::from(node))).map_or("a node", String::as_str);
        format!("client {client} (from {node} at {})", instant(seen.at[1], self.names.zero))
    }

    fn acknowledged(&self, written: &Written) -> String {
        self.servers.acknowledged(written.node, written.at, self.names)
    }

    fn anomaly(&self, kind: AnomalyKind, from: u64, to: Option<u64>, text: String) -> Anomaly {
        Anomaly { kind, workload: self.names.workload.to_owned(), key: self.key, from, to, text }
    }
}

fn value(value: Option<u64>) -> String {
    match value {
        None => "nothing".to_owned(),
        Some(FOREIGN) => "a value of nobody's".to_owned(),
        Some(value) => format!("value {value}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_a_record_and_back() {
        for call in [Called::Read, Called::Write, Called::Swap, Called::Increment] {
            for out in [Outcome::Ok, Outcome::Fail, Outcome::Info] {
                for told in [None, Some(0), Some(FOREIGN)] {
                    let exchange =
                        Exchange { w: 2, c: 5, id: 77, key: 3, at: [10, 30], call, wanted: told, found: told, out, node: Some(0) };
                    assert_eq!(exchange_of(3, record(&exchange)), exchange);
                    let nobody = Exchange { found: None, node: None, ..exchange };
                    assert_eq!(exchange_of(3, record(&nobody)), nobody);
                }
            }
        }
    }
}
