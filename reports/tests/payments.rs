//! Which lock event made a payment happen twice.

use redquake_reports::analysis::payments::{Attempt, Cause, PaymentRules, charged_twice};

const RULES: PaymentRules = PaymentRules { ttl: 100, drift: 0 };

fn attempt(id: u64, position: u64, lock: Option<[u64; 2]>, charged: (u64, Option<u64>)) -> Attempt {
    let looked = lock.map_or([0, 1], |lock| [lock[1], lock[1] + 1]);
    Attempt { job: 1, id, position, lock, prolonged: None, looked, charged }
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
