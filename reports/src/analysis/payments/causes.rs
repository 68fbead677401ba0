//! From the ledger back to the locks.

use crate::analysis::hash::Map;

/// One server's attempt at a job that entered a payment into the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempt {
    /// The job.
    pub job: u32,
    /// Identity of the attempt.
    pub id: u64,
    /// Position of its payment in the ledger.
    pub position: u64,
    /// Whether the history tells of it; if not, nothing is known of its lock.
    pub known: bool,
    /// When its lock was asked for and granted; `None` when it worked without one.
    pub lock: Option<[u64; 2]>,
    /// Until when its lease lasted, where the lock was prolonged.
    pub prolonged: Option<u64>,
    /// When it asked the database whether the job was open, and had the answer.
    pub looked: [u64; 2],
    /// When the charge was sent, and when its answer came; `None` when none came.
    pub charged: (u64, Option<u64>),
}

/// What counts as a lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PaymentRules {
    /// Lifetime of a lock, ns; `u64::MAX` for one that does not expire.
    pub ttl: u64,
    /// Safety margin, ns.
    pub drift: u64,
}

/// What happened to the lock of the first of two payments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// There was none: at least one of the two worked without a lock.
    NoLock,
    /// The second was granted the lock while the first one's lease certainly ran: the servers forgot it.
    LostLock,
    /// The second was granted the lock after the first one's lease: the work outlived it.
    LeaseEnded,
    /// The first one's charge took effect after its client had stopped waiting for the answer.
    LateCharge,
    /// None of these explains it.
    Unexplained,
}

/// A payment beyond the first of its job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChargedTwice {
    /// The job.
    pub job: u32,
    /// The attempt whose payment came before.
    pub first: Attempt,
    /// The attempt that charged again.
    pub second: Attempt,
    /// What happened to the lock.
    pub cause: Cause,
}

/// Every payment beyond the first of a job, in the order of the ledger.
pub fn charged_twice(attempts: &[Attempt], rules: PaymentRules) -> Vec<ChargedTwice> {
    let mut attempts = attempts.to_vec();
    attempts.sort_by_key(|attempt| attempt.position);
    let mut latest: Map<u32, Attempt> = Map::default();
    let mut found = Vec::new();
    for second in attempts {
        if let Some(first) = latest.insert(second.job, second) {
            found.push(ChargedTwice { job: second.job, first, second, cause: cause(&first, &second, rules) });
        }
    }
    found
}

/// The holder who was granted the lock earlier is the one whose lock failed it, whichever of the two charged first.
fn cause(one: &Attempt, other: &Attempt, rules: PaymentRules) -> Cause {
    if !(one.known && other.known) {
        return Cause::Unexplained;
    }
    let (Some(one_lock), Some(other_lock)) = (one.lock, other.lock) else { return Cause::NoLock };
    let (earlier, earlier_lock, later_lock) =
        if one_lock[1] <= other_lock[1] { (one, one_lock, other_lock) } else { (other, other_lock, one_lock) };
    let lease = earlier.prolonged.unwrap_or(earlier_lock[0].saturating_add(rules.ttl).saturating_sub(rules.drift));
    let ended = earlier.charged.1.unwrap_or(u64::MAX);
    // An attempt whose charge was taken twice was granted its lock once.
    let again = one.id != other.id;
    if again && later_lock[1] < lease && later_lock[1] < ended {
        return Cause::LostLock;
    }
    if again && later_lock[1] >= lease && ended > lease {
        return if earlier.charged.1.is_some() { Cause::LeaseEnded } else { Cause::LateCharge };
    }
    if earlier.charged.1.is_none() { Cause::LateCharge } else { Cause::Unexplained }
}
