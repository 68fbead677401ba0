//! What clients were told of one register, and what follows from it without a search.
//!
//! Every value is written once. So an answer with a value that an acknowledged write had certainly replaced is stale, and of two acknowledged swaps of one
//! value one is lost. Definitions: docs/definitions.md.

use std::collections::HashMap;

use super::search::{Call, Kind};
use crate::analysis::servers::Heir;
use crate::history::{Called, Exchange, Outcome, Value};

/// An answer that told a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// The value; `None` for an empty register.
    pub value: Option<u64>,
    /// Question and answer.
    pub at: [u64; 2],
    /// Who asked; `None` for the final read.
    pub client: Option<u16>,
    /// Who answered.
    pub node: Option<u16>,
}

/// An acknowledged write, or a swap that found what it wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// The value.
    pub value: u64,
    /// Question and answer.
    pub at: [u64; 2],
    /// Who wrote.
    pub client: u16,
    /// Who acknowledged.
    pub node: Option<u16>,
}

/// What follows without a search.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Classes {
    /// Acknowledged writes and swaps.
    pub acknowledged: Vec<Written>,
    /// Answers with a value that had certainly been replaced, each with a write that had replaced it.
    pub stale: Vec<(Seen, Written)>,
    /// Acknowledged writes that the primary of the end never had, each with an answer of that node that is older; without one, what another node
    /// acknowledged while that one was the primary already: nothing comes from another node to a primary.
    pub lost: Vec<(Written, Option<Seen>)>,
    /// Acknowledged swaps of a value that another acknowledged swap had replaced: the earlier and the later answer.
    pub lost_updates: Vec<(Written, Written)>,
    /// Answers with a value that nobody can have written by then.
    pub unexpected: Vec<Seen>,
}

impl Classes {
    /// Whether it is certain that no single register answered like that.
    pub fn broken(&self) -> bool {
        !(self.stale.is_empty() && self.lost_updates.is_empty() && self.unexpected.is_empty())
    }
}

/// Whether a swap replaced what it wanted to: it found that, or, sent again by the library, its own value.
fn swapped(exchange: &Exchange) -> bool {
    exchange.found == exchange.wanted || exchange.found == Some(exchange.id)
}

/// The calls of one register for the search; those that certainly were not executed are no calls.
pub fn calls(exchanges: &[Exchange], last: Option<&Value>) -> Vec<Call> {
    let call = |exchange: &Exchange| {
        let sure = exchange.out == Outcome::Ok;
        let kind = match exchange.call {
            _ if exchange.out == Outcome::Fail => return None,
            Called::Increment => return None,
            Called::Read => Kind::Read(exchange.found),
            Called::Write => Kind::Write(exchange.id),
            Called::Swap if !sure || swapped(exchange) => Kind::Swap(exchange.wanted, exchange.id),
            Called::Swap => Kind::Read(exchange.found),
        };
        Some(Call { invoked: exchange.at[0], completed: sure.then_some(exchange.at[1]), kind })
    };
    let last = last.map(|last| Call { invoked: last.at[0], completed: Some(last.at[1]), kind: Kind::Read(last.value) });
    exchanges.iter().filter_map(call).chain(last).collect()
}

/// Judges what clients were told of one register, and what it had in the end.
pub fn classes(exchanges: &[Exchange], last: Option<&Value>, heir: Option<Heir>) -> Classes {
    let mut found = Classes { acknowledged: acknowledged(exchanges), ..Classes::default() };
    found.acknowledged.sort_by_key(|written| (written.at, written.value));
    let seen = seen(exchanges, last);
    let writes: HashMap<u64, &Exchange> = exchanges
        .iter()
        .filter(|exchange| matches!(exchange.call, Called::Write | Called::Swap))
        .map(|exchange| (exchange.id, exchange))
        .collect();
    let possible = |seen: &Seen| match seen.value {
        None => true,
        Some(value) => writes.get(&value).is_some_and(|write| write.out != Outcome::Fail && write.at[0] <= seen.at[1]),
    };
    let (seen, unexpected): (Vec<Seen>, Vec<Seen>) = seen.into_iter().partition(possible);
    found.unexpected = unexpected;
    let settled = settled(&found.acknowledged, &seen);
    let since = |value: Option<u64>| settled.get(&value).copied().unwrap_or(Some(u64::MAX));

    // Of the writes from a place on, the one that was acknowledged first.
    let mut first: Vec<Written> = found.acknowledged.clone();
    for index in (0..first.len().saturating_sub(1)).rev() {
        if first[index + 1].at[1] < first[index].at[1] {
            first[index] = first[index + 1];
        }
    }
    for seen in &seen {
        let after = found.acknowledged.partition_point(|written| Some(written.at[0]) <= since(seen.value));
        if let Some(by) = first.get(after).filter(|by| by.at[1] < seen.at[0]) {
            found.stale.push((*seen, *by));
        }
    }

    // What the primary of the end told while it was that, in the order of the questions; from each place on, the answer that was settled earliest.
    let of_heir = |seen: &&Seen| seen.client.is_none() || heir.is_some_and(|heir| seen.node == Some(heir.node) && seen.at[0] >= heir.since);
    let mut told: Vec<Seen> = seen.iter().filter(of_heir).copied().collect();
    told.sort_by_key(|seen| (seen.at, seen.value));
    let mut earliest = told.clone();
    for index in (0..earliest.len().saturating_sub(1)).rev() {
        if since(earliest[index + 1].value) < since(earliest[index].value) {
            earliest[index] = earliest[index + 1];
        }
    }
    for written in &found.acknowledged {
        let after = told.partition_point(|seen| seen.at[0] <= written.at[1]);
        let older = earliest.get(after).filter(|seen| since(seen.value) < Some(written.at[0]));
        let elsewhere = heir.is_some_and(|heir| written.node.is_some_and(|node| node != heir.node) && written.at[0] >= heir.since);
        if older.is_some() || elsewhere {
            found.lost.push((*written, older.copied()));
        }
    }
    found.lost_updates = lost_updates(exchanges);
    found
}

fn written(exchange: &Exchange) -> Option<Written> {
    let acknowledged = match exchange.call {
        Called::Write => exchange.out == Outcome::Ok,
        Called::Swap => exchange.out == Outcome::Ok && swapped(exchange),
        Called::Read | Called::Increment => false,
    };
    acknowledged.then_some(Written { value: exchange.id, at: exchange.at, client: exchange.c, node: exchange.node })
}

fn acknowledged(exchanges: &[Exchange]) -> Vec<Written> {
    exchanges.iter().filter_map(written).collect()
}

/// Every answer that told a value.
fn seen(exchanges: &[Exchange], last: Option<&Value>) -> Vec<Seen> {
    let told = |exchange: &&Exchange| {
        let asked = matches!(exchange.call, Called::Read | Called::Swap) && exchange.out == Outcome::Ok;
        // What a swap finds that was sent twice is its own.
        asked && !(exchange.call == Called::Swap && exchange.found == Some(exchange.id))
    };
    let clients = exchanges.iter().filter(told);
    let clients = clients.map(|exchange| Seen { value: exchange.found, at: exchange.at, client: Some(exchange.c), node: exchange.node });
    clients.chain(last.map(|last| Seen { value: last.value, at: last.at, client: None, node: None })).collect()
}

/// By when each value had certainly been written: acknowledged, or found. A register begins empty, before any time.
fn settled(acknowledged: &[Written], seen: &[Seen]) -> HashMap<Option<u64>, Option<u64>> {
    let mut settled = HashMap::from([(None, None)]);
    let found = seen.iter().map(|seen| (seen.value, seen.at[1]));
    for (value, at) in acknowledged.iter().map(|written| (Some(written.value), written.at[1])).chain(found) {
        let known = settled.entry(value).or_insert(Some(at));
        *known = (*known).min(Some(at));
    }
    settled
}

fn lost_updates(exchanges: &[Exchange]) -> Vec<(Written, Written)> {
    let swaps = exchanges.iter().filter(|exchange| exchange.call == Called::Swap);
    let mut swaps: Vec<(Option<u64>, Written)> = swaps.filter_map(|exchange| Some((exchange.wanted, written(exchange)?))).collect();
    swaps.sort_by_key(|(wanted, written)| (*wanted, written.at[1], written.value));
    swaps.windows(2).filter(|pair| pair[0].0 == pair[1].0).map(|pair| (pair[0].1, pair[1].1)).collect()
}
