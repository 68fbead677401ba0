//! All questions about one workload's sets, answered in one pass.
//!
//! | class | addition was | final read |
//! |---|---|---|
//! | lost | acknowledged | does not find it |
//! | recovered | of unknown outcome | finds it |
//! | unexpected | certainly not executed, or never made | finds it |
//! | never read | acknowledged | its set was not read |

use std::collections::{BTreeMap, HashSet};

use crate::analysis::found::Found;
use crate::analysis::locks::Names;
use crate::analysis::losses::Losses;
use crate::analysis::packed::{Packed, node_number, node_of};
use crate::analysis::servers::Servers;
use crate::analysis::words::count;
use crate::history::{Members, Op, OpKind, Outcome};
use crate::result::{Anomaly, AnomalyKind, SetCounts};

/// Takes in the attempts of one set workload and the final reads, and says at the end what was lost.
#[derive(Debug, Default)]
pub struct Sets {
    /// Acknowledged elements: see [`Added::record`].
    acknowledged: Packed<5>,
    /// Elements whose addition had an unknown outcome, with their key.
    unknown: HashSet<(u32, u64)>,
    /// Elements found in the end, by key.
    found: BTreeMap<u32, Vec<u64>>,
    foreign: u64,
    /// When the sets were read.
    read_at: u64,
}

#[derive(Debug, Clone, Copy)]
struct Added {
    id: u64,
    key: u32,
    at: [u64; 2],
    node: Option<u16>,
}

impl Added {
    fn record(self) -> [u64; 5] {
        [self.id, self.key.into(), self.at[0], self.at[1].wrapping_sub(self.at[0]), node_number(self.node)]
    }

    fn of([id, key, began, took, node]: [u64; 5]) -> Self {
        Self { id, key: key as u32, at: [began, began.wrapping_add(took)], node: node_of(node) }
    }

    fn order(&self) -> (u64, u64) {
        (self.at[1], self.id)
    }
}

/// What was lost.
#[derive(Debug, Clone, PartialEq)]
pub struct SetFindings {
    /// How often.
    pub counts: SetCounts,
    /// The evidence, earliest first; the counts may be larger.
    pub anomalies: Vec<Anomaly>,
}

impl Sets {
    /// Takes in one attempt.
    pub fn op(&mut self, op: &Op) {
        if op.op != OpKind::Add {
            return;
        }
        match op.out {
            Outcome::Ok => {
                self.acknowledged.push(Added { id: op.id, key: op.key, at: [op.at[1], op.at[2]], node: op.node }.record());
            }
            Outcome::Info => {
                self.unknown.insert((op.key, op.id));
            }
            Outcome::Fail => {}
        }
    }

    /// Takes in the final read of a set, or a part of it.
    pub fn members(&mut self, members: &Members) {
        self.found.entry(members.key).or_default().extend(&members.ids);
        self.foreign += members.foreign;
        self.read_at = self.read_at.max(members.at);
    }

    /// Judges, and keeps all evidence.
    pub fn finish(self, names: &Names<'_>, servers: &Servers) -> SetFindings {
        let mut anomalies: Vec<Anomaly> = Vec::new();
        let mut sink = |anomaly: &Anomaly| anomalies.push(anomaly.clone());
        let counts = self.judge(names, servers, &mut Found::new(&mut sink));
        SetFindings { counts, anomalies }
    }

    /// Judges, and tells the evidence one by one.
    pub(in crate::analysis) fn judge(self, names: &Names<'_>, servers: &Servers, evidence: &mut Found<'_>) -> SetCounts {
        let mut counts = SetCounts { acknowledged: self.acknowledged.len() as u64, ..SetCounts::default() };
        // What was found, and whether its addition was acknowledged.
        let mut found: BTreeMap<u32, (Vec<u64>, Vec<bool>)> = BTreeMap::new();
        for (key, mut ids) in self.found {
            ids.sort_unstable();
            ids.dedup();
            let sure = vec![false; ids.len()];
            found.insert(key, (ids, sure));
        }
        let (mut lost, mut losses) = (Vec::new(), Losses::default());
        for added in self.acknowledged.iter().map(Added::of) {
            let gone = match found.get_mut(&added.key) {
                None => {
                    counts.never_read += 1;
                    false
                }
                Some((ids, sure)) => ids.binary_search(&added.id).map(|place| sure[place] = true).is_err(),
            };
            losses.add(added.node, gone);
            if gone {
                counts.lost += 1;
                lost.push(added);
            }
        }
        lost.sort_unstable_by_key(Added::order);
        lost.iter().for_each(|added| evidence.one(lost_element(added, names, servers)));
        drop(lost);
        let mut odd: Vec<(u32, u64)> = Vec::new();
        let unsure =
            found.iter().flat_map(|(key, (ids, sure))| ids.iter().zip(sure).filter(|(_, sure)| !**sure).map(|(id, _)| (*key, *id)));
        for (key, id) in unsure {
            match self.unknown.contains(&(key, id)) {
                true => counts.recovered += 1,
                false => odd.push((key, id)),
            }
        }
        odd.sort_unstable();
        counts.unexpected = odd.len() as u64 + self.foreign;
        for (key, id) in &odd {
            let text = format!("element {id} is in the set in the end, though its addition was certainly not executed, or never tried");
            let (kind, workload) = (AnomalyKind::UnexpectedWrite, names.workload.to_owned());
            evidence.one(Anomaly { kind, workload, key: *key, from: self.read_at, to: None, text });
        }
        if self.foreign > 0 {
            let text = format!("{} are in the sets in the end that no client can have added", count(self.foreign, "element"));
            let (kind, workload) = (AnomalyKind::UnexpectedWrite, names.workload.to_owned());
            evidence.ranked(Anomaly { kind, workload, key: 0, from: self.read_at, to: None, text }, self.foreign, 0);
        }
        counts.by_node = losses.told(names);
        counts
    }
}

fn lost_element(added: &Added, names: &Names<'_>, servers: &Servers) -> Anomaly {
    let text = format!(
        "element {} was acknowledged by {}, and is not in the set in the end{}",
        added.id,
        servers.acknowledged(added.node, added.at, names),
        servers.took_over(added.key, added.node, added.at, names),
    );
    Anomaly { kind: AnomalyKind::LostWrite, workload: names.workload.to_owned(), key: added.key, from: added.at[1], to: None, text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::NodeWrites;

    fn add(id: u64, out: Outcome) -> Op {
        Op { w: 0, c: 0, op: OpKind::Add, id, key: 0, at: [id, id, id + 1], out, why: None, node: Some(0) }
    }

    fn judged(ops: &[Op], found: Option<&[u64]>) -> SetFindings {
        let mut sets = Sets::default();
        ops.iter().for_each(|op| sets.op(op));
        if let Some(ids) = found {
            sets.members(&Members { at: 99, w: 0, key: 0, ids: ids.to_vec(), foreign: 0 });
        }
        sets.finish(&Names { workload: "writes", nodes: &["redis-1".to_owned()], zero: 0 }, &Servers::default())
    }

    #[test]
    fn an_acknowledged_element_that_is_gone_is_lost_and_told_with_the_node_that_acknowledged_it() {
        let found = judged(&[add(1, Outcome::Ok), add(2, Outcome::Ok)], Some(&[2]));
        let by_node = vec![NodeWrites { node: "redis-1".to_owned(), acknowledged: 2, lost: 1 }];
        assert_eq!(found.counts, SetCounts { acknowledged: 2, lost: 1, by_node, ..SetCounts::default() });
        assert!(found.anomalies[0].text.contains("element 1 was acknowledged by redis-1"), "{}", found.anomalies[0].text);
    }

    #[test]
    fn what_had_an_unknown_outcome_and_is_there_was_recovered_and_is_no_loss_where_it_is_not() {
        let found = judged(&[add(1, Outcome::Info), add(2, Outcome::Info)], Some(&[2]));
        assert_eq!(found.counts, SetCounts { recovered: 1, ..SetCounts::default() });
    }

    #[test]
    fn what_certainly_failed_and_is_there_is_unexpected() {
        let found = judged(&[add(1, Outcome::Fail)], Some(&[1, 7]));
        assert_eq!(found.counts, SetCounts { unexpected: 2, ..SetCounts::default() });
    }

    #[test]
    fn a_set_that_could_not_be_read_loses_nothing_and_saves_nothing() {
        let found = judged(&[add(1, Outcome::Ok)], None);
        let by_node = vec![NodeWrites { node: "redis-1".to_owned(), acknowledged: 1, lost: 0 }];
        assert_eq!(found.counts, SetCounts { acknowledged: 1, never_read: 1, by_node, ..SetCounts::default() });
    }
}
