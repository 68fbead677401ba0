//! Acquires and releases put together into holds, as they come in.

use crate::analysis::found::MOST_TOLD;
use crate::analysis::hash::Map;

use super::LockRules;
use super::hold::{Hold, NO_NODE};
use crate::history::{Op, OpKind, Outcome, Why};

/// Never released.
const NEVER: u64 = u64::MAX;

/// A hold of which something is known and something may still come. Kept by identity until its release was answered.
#[derive(Debug, Clone, Copy)]
struct Open {
    key: u32,
    client: u16,
    node: u16,
    /// Invocation and completion of the acquire, once it was seen.
    acquire: Option<(u64, u64)>,
    /// Whether the acquire was acknowledged; otherwise its reply was lost.
    sure: bool,
    /// Invocation of the first release attempt, whatever became of it: its holder had left by then.
    left: u64,
    /// How the release ended, once it was (perhaps) executed.
    release: Option<Released>,
}

#[derive(Debug, Clone, Copy)]
enum Released {
    /// It deleted the key, or its reply was lost and it may have.
    Done,
    /// It found the key gone; completion, and the node that answered.
    Gone(u64, u16),
}

/// A lock that vanished under its holder: the hold up to the answer, and the node that found it gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lost {
    pub hold: Hold,
    pub found_by: u16,
    /// Whether it was found as the holder wanted to prolong it, rather than to give it back.
    pub renewing: bool,
    /// Until when it should have been there.
    pub lease: u64,
}

/// Holds, as far as they are complete.
#[derive(Debug)]
pub struct Pairing {
    rules: LockRules,
    open: Map<u64, Open>,
    /// Acknowledged renewals by hold: invoked and completed.
    renewals: Map<u64, Vec<[u64; 2]>>,
    /// Holds whose renewal found the key gone: completion, and the node that answered.
    vanished: Map<u64, (u64, u16)>,
    /// Cores of acknowledged holds.
    pub cores: Vec<Hold>,
    /// Acknowledged holds that were given back after their lease: from grant to release.
    pub late: Vec<Hold>,
    /// Cores of holds whose acquire's reply was lost.
    pub possible: Vec<Hold>,
    /// Locks that vanished.
    pub lost: Vec<Lost>,
    /// Locks that vanished beyond the ones listed.
    pub lost_unlisted: u64,
}

/// Lost locks that are told one by one.
const LISTED: usize = MOST_TOLD;

impl Pairing {
    pub fn new(rules: LockRules) -> Self {
        let (open, renewals, vanished) = (Map::default(), Map::default(), Map::default());
        Self { rules, open, renewals, vanished, cores: vec![], late: vec![], possible: vec![], lost: vec![], lost_unlisted: 0 }
    }

    /// Takes in one attempt. Acquires that were certainly not executed leave no hold and are ignored.
    pub fn op(&mut self, op: &Op) {
        match (op.op, op.out) {
            (OpKind::Acquire, Outcome::Fail) => {}
            (OpKind::Acquire, out) => self.acquired(op, out == Outcome::Ok),
            (OpKind::Release, out) => self.released(op, out),
            (OpKind::Renew, Outcome::Ok) => self.prolonged(op),
            _ => {}
        }
    }

    fn prolonged(&mut self, op: &Op) {
        if op.why == Some(Why::Gone) {
            let found = (op.at[2], op.node.unwrap_or(NO_NODE));
            self.vanished.entry(op.id).and_modify(|known| *known = found.min(*known)).or_insert(found);
        } else {
            self.renewals.entry(op.id).or_default().push([op.at[1], op.at[2]]);
        }
    }

    fn acquired(&mut self, op: &Op, sure: bool) {
        let fresh = Open {
            key: op.key,
            client: op.c,
            node: op.node.unwrap_or(NO_NODE),
            acquire: Some((op.at[1], op.at[2])),
            sure,
            left: NEVER,
            release: None,
        };
        match self.open.get(&op.id).copied() {
            None => {
                self.open.insert(op.id, fresh);
            }
            // The release was recorded first.
            Some(known) if known.acquire.is_none() => {
                let open = Open { left: known.left, release: known.release, ..fresh };
                if open.release.is_some() && !self.rules.renewed {
                    self.open.remove(&op.id);
                    self.close(op.id, open);
                } else {
                    self.open.insert(op.id, open);
                }
            }
            // A second attempt with the same token: an acknowledged one tells more than a lost reply.
            Some(known) if sure && !known.sure => {
                self.open.insert(op.id, Open { left: known.left, ..fresh });
            }
            Some(_) => {}
        }
    }

    fn released(&mut self, op: &Op, out: Outcome) {
        let node = op.node.unwrap_or(NO_NODE);
        let release = match (out, op.why) {
            (Outcome::Fail, _) => None,
            (Outcome::Ok, Some(Why::Gone)) => Some(Released::Gone(op.at[2], node)),
            _ => Some(Released::Done),
        };
        let open = self.open.entry(op.id).or_insert(Open {
            key: op.key,
            client: op.c,
            node: NO_NODE,
            acquire: None,
            sure: false,
            left: NEVER,
            release: None,
        });
        open.left = open.left.min(op.at[1]);
        open.release = open.release.or(release);
        // A renewal that was recorded later may still change what is known of a hold.
        if open.acquire.is_some() && open.release.is_some() && !self.rules.renewed {
            let open = *open;
            self.open.remove(&op.id);
            self.close(op.id, open);
        }
    }

    /// Closes what was never released.
    pub fn finish(&mut self) {
        let open = std::mem::take(&mut self.open);
        for (id, open) in open {
            self.close(id, open);
        }
    }

    /// Cuts off what would last beyond that: holds without an end of their own.
    pub fn last_until(&mut self, end: u64) {
        for hold in self.cores.iter_mut().chain(&mut self.possible) {
            hold.end = hold.end.min(end);
        }
    }

    fn close(&mut self, id: u64, open: Open) {
        let Some((invoked, completed)) = open.acquire else { return };
        let renewals = self.renewals.remove(&id).unwrap_or_default();
        let lease = self.rules.prolonged(invoked, &renewals);
        let vanished = self.vanished.remove(&id);
        // Who is told that the lock is gone holds it no longer.
        let left = open.left.min(vanished.map_or(NEVER, |(at, _)| at));
        let hold = |end| Hold { start: completed, end, id, key: open.key, client: open.client, node: open.node };
        let core = hold(left.min(lease));
        // A reply that came after the lease tells its client that it holds nothing.
        let real = core.end >= core.start;
        if !open.sure {
            if real {
                self.possible.push(core);
            }
            return;
        }
        if real {
            self.cores.push(core);
        }
        if left != NEVER && left > lease && left >= completed {
            self.late.push(hold(left));
        }
        let given_back = if let Some(Released::Gone(at, found_by)) = open.release { Some((at, found_by, false)) } else { None };
        let found = vanished.map(|(at, found_by)| (at, found_by, true)).or(given_back);
        if let Some((at, found_by, renewing)) = found.filter(|(at, ..)| *at < lease) {
            if self.lost.len() < LISTED {
                self.lost.push(Lost { hold: hold(at), found_by, renewing, lease });
            } else {
                self.lost_unlisted += 1;
            }
        }
    }
}
