//! Fixed windows: one counter a subject and window.

use redquake_experiments::spec::FixedWindowWorkload;
use redquake_reports::history::{OpKind, Outcome};

use super::super::behaviour::{Asked, Request, WorkloadClient};
use super::decide::{Answer, Fallback, prefix};

/// Counts and gives a new counter its lifetime, in one step.
const ATOMIC: &str =
    "local count = redis.call('incr', KEYS[1]) if count == 1 then redis.call('pexpire', KEYS[1], ARGV[1]) end return count";

/// What the clients of a fixed-window limiter do.
pub struct FixedWindow {
    spec: FixedWindowWorkload,
    fallback: Fallback,
}

impl FixedWindow {
    pub fn new(spec: FixedWindowWorkload) -> Self {
        let fallback = Fallback::new(spec.on_error, spec.limit, spec.window.as_nanos());
        Self { spec, fallback }
    }
}

impl WorkloadClient for FixedWindow {
    fn first(&self) -> OpKind {
        OpKind::Count
    }

    fn keys(&self) -> u32 {
        self.spec.subjects
    }

    async fn run(&self, turn: &Request) {
        if self.spec.burst.is_some_and(|burst| !burst.covers(turn.intended)) {
            return;
        }
        let began = turn.common.clock.now();
        let window = began / self.spec.window.as_nanos().max(1);
        let key = turn.common.keys.name(format!("{}{}:{window}", prefix(turn.common.index), turn.key), turn.key);
        let lifetime = self.spec.window.as_millis();
        let count = if self.spec.atomic {
            redis::cmd("EVAL").arg(ATOMIC).arg(1).arg(&key).arg(lifetime).take()
        } else {
            redis::cmd("INCR").arg(&key).take()
        };
        let asked = turn.call::<u64>(OpKind::Count, turn.intended, Asked::Command(&count), |_| (Outcome::Ok, None)).await;
        let Some(reply) = asked else { return };
        let counted = reply.value.map(|value| (value <= u64::from(self.spec.limit), value));
        self.fallback.decide(turn, window, began, Answer { ran: reply.out, counted, at: reply.at[1] });
        if reply.value == Some(1) && !self.spec.atomic {
            let expire = redis::cmd("PEXPIRE").arg(&key).arg(lifetime).take();
            turn.perform::<u64>(OpKind::Expire, reply.at[1], &expire, |_| (Outcome::Ok, None)).await;
        }
    }
}
