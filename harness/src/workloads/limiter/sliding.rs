//! Sliding windows: a sorted set a subject, one member a request, its time as the score.

use redquake_experiments::spec::{LimiterClock, SlidingBy, SlidingWindowWorkload};
use redquake_reports::history::{OpKind, Outcome};

use super::super::behaviour::{Asked, Request, WorkloadClient};
use super::decide::{Answer, Fallback, prefix};

/// Drops what is older than the window, counts, and adds the request if there is room. Times are microseconds; 0 asks the server's clock.
const SCRIPT: &str = "local now = tonumber(ARGV[1]) \
    if now == 0 then local time = redis.call('time') now = time[1] * 1000000 + time[2] end \
    redis.call('zremrangebyscore', KEYS[1], '-inf', now - tonumber(ARGV[2])) \
    local count = redis.call('zcard', KEYS[1]) \
    if count >= tonumber(ARGV[3]) then return {0, count} end \
    redis.call('zadd', KEYS[1], now, ARGV[4]) redis.call('pexpire', KEYS[1], ARGV[5]) return {1, count + 1}";

/// What the clients of a sliding-window limiter do.
pub struct SlidingWindow {
    spec: SlidingWindowWorkload,
    fallback: Fallback,
}

impl SlidingWindow {
    pub fn new(spec: SlidingWindowWorkload) -> Self {
        let fallback = Fallback::new(spec.on_error, spec.limit, spec.window.as_nanos());
        Self { spec, fallback }
    }

    async fn by_script(&self, turn: &Request, key: &str, member: &str, now: u64) -> Option<Answer> {
        let now = if self.spec.clock == LimiterClock::Server { 0 } else { now };
        let mut script = redis::cmd("EVAL");
        script.arg(SCRIPT).arg(1).arg(key).arg(now).arg(self.spec.window.as_nanos() / 1000).arg(self.spec.limit);
        script.arg(member).arg(self.spec.window.as_millis());
        let asked = turn.call::<(u8, u64)>(OpKind::Count, turn.intended, Asked::Command(&script), |_| (Outcome::Ok, None)).await?;
        let counted = asked.value.map(|(admitted, count)| (admitted == 1, count));
        Some(Answer { ran: asked.out, counted, at: asked.at[1] })
    }

    async fn by_transaction(&self, turn: &Request, key: &str, member: &str, now: u64) -> Option<Answer> {
        let mut transaction = redis::pipe();
        let oldest = i128::from(now) - i128::from(self.spec.window.as_nanos() / 1000);
        transaction.atomic().cmd("ZREMRANGEBYSCORE").arg(key).arg("-inf").arg(oldest.to_string());
        transaction.cmd("ZADD").arg(key).arg(now).arg(member).cmd("ZCARD").arg(key);
        transaction.cmd("PEXPIRE").arg(key).arg(self.spec.window.as_millis());
        let asked = Asked::Transaction(&transaction);
        let asked = turn.call::<(u64, u64, u64, u64)>(OpKind::Count, turn.intended, asked, |_| (Outcome::Ok, None)).await?;
        let counted = asked.value.map(|(_, _, count, _)| (count <= u64::from(self.spec.limit), count));
        Some(Answer { ran: asked.out, counted, at: asked.at[1] })
    }
}

impl WorkloadClient for SlidingWindow {
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
        let key = turn.common.keys.name(format!("{}{}", prefix(turn.common.index), turn.key), turn.key);
        let member = turn.id.to_string();
        // In whole microseconds, counted up so that no score lies before the request: the first microsecond is 1.
        let now = began / 1000 + 1;
        let answer = match self.spec.by {
            SlidingBy::Script => self.by_script(turn, &key, &member, now).await,
            SlidingBy::Multi => self.by_transaction(turn, &key, &member, now).await,
        };
        let Some(answer) = answer else { return };
        self.fallback.decide(turn, 0, began, answer);
        if self.spec.by == SlidingBy::Multi && matches!(answer.counted, Some((false, _))) {
            let remove = redis::cmd("ZREM").arg(&key).arg(&member).take();
            turn.perform::<u64>(OpKind::Uncount, answer.at, &remove, |_| (Outcome::Ok, None)).await;
        }
    }
}
