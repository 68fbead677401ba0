//! What three Sentinels publish while a primary is replaced; `sentinel-1` leads.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::FailoverParams;
use super::failover::{ADDRESSES, Course};
use crate::history::{Event, SentinelEvent};

const MS: u64 = 1_000_000;
const LEADER: u16 = 3;

pub fn publish(params: &FailoverParams, course: &Course, rng: &mut ChaCha8Rng, events: &mut Vec<(u64, Event)>) {
    let mut say = |at: u64, node: u16, event: &str, payload: String| {
        // What would come after the end is not seen.
        if at <= course.end {
            events.push((at, Event::Sentinel(SentinelEvent { at, node, event: event.to_owned(), payload })));
        }
    };
    let old = "master m 10.77.0.11 6379".to_owned();
    let new = "slave 10.77.0.12:6379 10.77.0.12 6379 @ m 10.77.0.11 6379".to_owned();
    let switch = "m 10.77.0.11 6379 10.77.0.12 6379".to_owned();
    debug_assert_eq!(ADDRESSES[0], "10.77.0.11:6379");

    say(course.odown - 60 * MS, LEADER, "+sdown", old.clone());
    say(course.odown - 2 * MS, LEADER + 1, "+sdown", old.clone());
    say(course.odown + 30 * MS, LEADER + 2, "+sdown", old.clone());
    say(course.odown, LEADER, "+odown", format!("{old} #quorum 2/2"));
    for attempt in 0..=params.failed_attempts {
        let at = course.odown + u64::from(attempt) * 2 * params.failover_timeout;
        say(at, LEADER, "+new-epoch", (attempt + 1).to_string());
        say(at, LEADER, "+try-failover", old.clone());
        say(at, LEADER, "+vote-for-leader", format!("{:040x} {}", 4, attempt + 1));
        if attempt < params.failed_attempts {
            say(at + params.failover_timeout.min(10_000 * MS), LEADER, "-failover-abort-not-elected", old.clone());
        }
    }
    if !params.recovers {
        return;
    }
    for node in [LEADER + 1, LEADER + 2] {
        say(course.elected - 20 * MS, node, "+vote-for-leader", format!("{:040x} {}", 4, params.failed_attempts + 1));
    }
    say(course.elected, LEADER, "+elected-leader", old.clone());
    say(course.elected, LEADER, "+failover-state-select-slave", old.clone());
    let selected = course.elected + (course.writable - course.elected) / 2;
    say(selected, LEADER, "+selected-slave", new.clone());
    say(selected, LEADER, "+failover-state-send-slaveof-noone", new.clone());
    say(course.writable, LEADER, "+failover-state-wait-promotion", new.clone());
    let promoted = course.announced - 106 * MS;
    say(promoted, LEADER, "+promoted-slave", new);
    say(promoted, LEADER, "+failover-state-reconf-slaves", old.clone());
    for node in [LEADER + 1, LEADER + 2] {
        let at = course.announced + rng.random_range(0..4 * MS);
        say(at, node, "+config-update-from", "sentinel 10.77.0.21:26379 10.77.0.21 26379 @ m 10.77.0.11 6379".to_owned());
        say(at, node, "+switch-master", switch.clone());
    }
    let over = course.announced + 1_025 * MS;
    say(over, LEADER, "-odown", old.clone());
    say(over, LEADER, "+failover-end", old);
    say(over, LEADER, "+switch-master", switch);
    for node in LEADER..LEADER + 3 {
        let at = over + params.down_after + u64::from(node) * MS;
        say(at, node, "+sdown", "slave 10.77.0.11:6379 10.77.0.11 6379 @ m 10.77.0.12 6379".to_owned());
    }
}
