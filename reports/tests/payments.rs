//! Which lock event made a payment happen twice.

use std::collections::BTreeMap;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use redquake_reports::analysis::payments::{Attempt, Cause, PaymentRules, charged_twice};
use redquake_reports::history::{Event, Op, OpKind, Outcome, Paid, Paying, Payment, Why};
use redquake_reports::testing::{Story, header};

const RULES: PaymentRules = PaymentRules { ttl: 100, drift: 0 };

fn attempt(id: u64, position: u64, lock: Option<[u64; 2]>, charged: (u64, Option<u64>)) -> Attempt {
    let looked = lock.map_or([0, 1], |lock| [lock[1], lock[1] + 1]);
    Attempt { job: 1, id, position, known: true, lock, prolonged: None, looked, charged }
}

fn causes(attempts: &[Attempt]) -> Vec<Cause> {
    charged_twice(attempts, RULES).iter().map(|found| found.cause).collect()
}

#[test]
fn one_payment_a_job_is_what_should_be() {
    let mut other = attempt(2, 2, Some([300, 301]), (310, Some(311)));
    other.job = 2;
    assert_eq!(causes(&[attempt(1, 1, Some([0, 1]), (10, Some(11))), other]), []);
}

#[test]
fn each_second_payment_is_told_with_what_happened_to_the_first_ones_lock() {
    let lost = [attempt(1, 1, Some([0, 1]), (60, Some(61))), attempt(2, 2, Some([50, 51]), (70, Some(71)))];
    assert_eq!(causes(&lost), [Cause::LostLock], "granted again while the lease ran");
    // The one who took the lock later may well have charged first.
    let overtaken = [attempt(1, 2, Some([0, 1]), (80, Some(81))), attempt(2, 1, Some([50, 51]), (60, Some(61)))];
    assert_eq!(causes(&overtaken), [Cause::LostLock]);
    let outlived = [attempt(1, 2, Some([0, 1]), (180, Some(181))), attempt(2, 1, Some([120, 121]), (130, Some(131)))];
    assert_eq!(causes(&outlived), [Cause::LeaseEnded]);
    let late = [attempt(1, 1, Some([0, 1]), (90, None)), attempt(2, 2, Some([150, 151]), (160, Some(161)))];
    assert_eq!(causes(&late), [Cause::LateCharge]);
    let lockless = [attempt(1, 1, None, (10, Some(11))), attempt(2, 2, None, (12, Some(13)))];
    assert_eq!(causes(&lockless), [Cause::NoLock]);
    let odd = [attempt(1, 1, Some([0, 1]), (10, Some(11))), attempt(2, 2, Some([20, 21]), (30, Some(31)))];
    assert_eq!(causes(&odd), [Cause::Unexplained], "the first had charged before the second could look");
}

#[test]
fn three_payments_are_two_too_many() {
    let three = [1, 2, 3].map(|id| attempt(id, id, None, (id * 10, Some(id * 10 + 1))));
    assert_eq!(causes(&three).len(), 2);
}

#[test]
fn a_lease_that_was_prolonged_had_not_ended() {
    let second = attempt(2, 1, Some([120, 121]), (130, Some(131)));
    let first = attempt(1, 2, Some([0, 1]), (180, Some(181)));
    assert_eq!(causes(&[first, second]), [Cause::LeaseEnded]);
    assert_eq!(causes(&[Attempt { prolonged: Some(200), ..first }, second]), [Cause::LostLock], "it was prolonged until 200");
}

/// Lifetime and margin of the locks, as the experiment has them.
const TTL: u64 = 5_000 * MS;
const DRIFT: u64 = 52 * MS;
const MS: u64 = 1_000_000;

/// What one server did: its attempt, and when its lock was prolonged.
#[derive(Debug, Clone)]
struct Tried {
    payment: Payment,
    renewals: Vec<[u64; 2]>,
}

fn tried(id: u64, rng: &mut ChaCha8Rng) -> Tried {
    let mut later = |from: u64, most: u64| from + rng.random_range(0..most) * 10 * MS;
    let asked = later(0, 900);
    let granted = later(asked, 5);
    let looked = [granted, granted + MS];
    let sent = later(granted + MS, 1_200);
    let charged = [sent, later(sent, 30)];
    let renewals = (0..later(0, 3) / (10 * MS)).map(|turn| later(granted + turn * 1_000 * MS, 300)).map(|at| [at, at + 40 * MS]).collect();
    let out = [Paying::Charged, Paying::Charged, Paying::Charged, Paying::Unknown, Paying::Fenced, Paying::Refused][rng.random_range(0..6)];
    let lock = rng.random_bool(0.9).then_some([asked, granted]);
    let charged = matches!(out, Paying::Charged | Paying::Unknown).then_some(charged);
    let payment = Payment { w: 0, c: 0, id, key: rng.random_range(0..3), lock, fence: None, looked, charged, out };
    Tried { payment, renewals: if lock.is_some() { renewals } else { Vec::new() } }
}

/// Until when a lease lasted: it is moved on by every answer that came while it ran.
fn lease_ends(tried: &Tried, [asked, _]: [u64; 2]) -> u64 {
    let mut ends = asked + TTL - DRIFT;
    let mut renewals = tried.renewals.clone();
    renewals.sort_by_key(|renewal| renewal[1]);
    for [asked, answered] in renewals {
        if answered <= ends {
            ends = ends.max(asked + TTL - DRIFT);
        }
    }
    ends
}

/// What happened to the lock of two payments: the rows of the definitions' table, from the first to the last. `None` is an attempt nobody knows.
fn cause(one: Option<&Tried>, other: Option<&Tried>) -> &'static str {
    let (Some(one), Some(other)) = (one, other) else { return "unexplained" };
    let (Some(ours), Some(theirs)) = (one.payment.lock, other.payment.lock) else { return "no_lock" };
    let (earlier, lock, granted_again) = if ours[1] <= theirs[1] { (one, ours, theirs[1]) } else { (other, theirs, ours[1]) };
    let ends = lease_ends(earlier, lock);
    let answered = earlier.payment.charged.filter(|_| earlier.payment.out == Paying::Charged).map(|charged| charged[1]);
    // A lock is granted to an attempt once, however often it charges.
    let again = one.payment.id != other.payment.id;
    if again && granted_again < ends && answered.is_none_or(|answered| granted_again < answered) {
        "lost_lock"
    } else if again && granted_again >= ends && answered.is_some_and(|answered| answered > ends) {
        "lease_ended"
    } else if answered.is_none() {
        "late"
    } else {
        "unexplained"
    }
}

#[test]
fn every_payment_too_many_is_found_with_its_cause_in_random_ledgers() {
    let mut rng = ChaCha8Rng::seed_from_u64(41);
    let workload = "topology: { kind: sentinel }\nduration: 10s\nworkloads:\n  - { name: w, kind: payment-job, clients: 2, rate: 100/s, work: 10ms, ttl: 5s }\n";
    let empty = Story::new(header(workload), [0, 20_000 * MS]);
    let mut seen: BTreeMap<&str, u64> = BTreeMap::new();
    for number in 0..4_000 {
        let mut story = empty.clone();
        let all: Vec<Tried> = (0..rng.random_range(0..6)).map(|id| tried(id, &mut rng)).collect();
        for one in &all {
            story.tell(one.payment.looked[1], Event::Payment(one.payment));
            for at in &one.renewals {
                let op = |at: [u64; 2], out, why| {
                    Event::Op(Op {
                        w: 0,
                        c: 0,
                        op: OpKind::Renew,
                        id: one.payment.id,
                        key: one.payment.key,
                        at: [at[0], at[0], at[1]],
                        out,
                        why,
                        node: Some(0),
                    })
                };
                story.tell(at[1], op(*at, Outcome::Ok, None));
                // These prolonged nothing.
                for (later, out, why) in [(20 * MS, Outcome::Info, Why::Timeout), (30 * MS, Outcome::Ok, Why::Gone)] {
                    story.tell(at[1] + later, op(at.map(|at| at + later), out, Some(why)));
                }
            }
        }
        let mut ledger: Vec<(u32, u64)> =
            all.iter().filter(|one| one.payment.charged.is_some()).map(|one| (one.payment.key, one.payment.id)).collect();
        // The database took one charge twice, and one of a server nobody knows.
        if let Some(again) = ledger.first().copied().filter(|_| rng.random_bool(0.1)) {
            ledger.push(again);
        }
        if rng.random_bool(0.1) {
            ledger.push((0, 99));
        }
        let from = rng.random_range(0..=ledger.len());
        for (from, entries) in [(0, &ledger[..from]), (from, &ledger[from..]), (0, &ledger[..from])] {
            // Told in parts, and one of them again.
            story.tell(20_000 * MS, Event::Paid(Paid { at: 20_000 * MS, w: 0, from: from as u64, entries: entries.to_vec() }));
        }
        let mut wanted: BTreeMap<&str, u64> = BTreeMap::new();
        let known = |id: u64| all.iter().find(|one| one.payment.id == id);
        for (place, (job, second)) in ledger.iter().enumerate() {
            let Some((_, first)) = ledger[..place].iter().rev().find(|before| before.0 == *job) else { continue };
            *wanted.entry("charged_twice").or_default() += 1;
            *wanted.entry(cause(known(*first), known(*second))).or_default() += 1;
        }
        let paid = |job: u32| ledger.iter().any(|entry| entry.0 == job);
        let taken = |job: u32| all.iter().any(|one| one.payment.key == job);
        wanted.insert("paid", (0..3).filter(|job| paid(*job)).count() as u64);
        wanted.insert("unpaid", (0..3).filter(|job| taken(*job) && !paid(*job)).count() as u64);
        wanted.insert("fenced_out", all.iter().filter(|one| one.payment.out == Paying::Fenced).count() as u64);
        let trial = story.analysed();
        let metric = |name: &str| trial.metrics[&format!("w.{name}")].value() as u64;
        for name in ["charged_twice", "paid", "unpaid", "fenced_out", "no_lock", "lost_lock", "lease_ended", "late", "unexplained"] {
            let full = if trial.metrics.contains_key(&format!("w.{name}")) { name.to_owned() } else { format!("twice_{name}") };
            assert_eq!(metric(&full), wanted.get(name).copied().unwrap_or_default(), "{number}: {name}: {all:?} {ledger:?}");
        }
        wanted.into_iter().for_each(|(name, often)| *seen.entry(name).or_default() += often);
    }
    assert!(seen.len() == 9 && seen.values().all(|often| *often > 40), "{seen:?}");
}
