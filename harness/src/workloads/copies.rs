//! Commands that only count once enough replicas have what they wrote.

use super::behaviour::{Reply, Request};
use redis::Value;
use redquake_reports::history::{OpKind, Outcome, Why};

use super::behaviour::Asked;

/// Longest wait of `WAIT`, ms: less than a reply may take by default, so that its answer comes in time.
const REPLICATED_WITHIN: u64 = 100;

/// What a command was answered.
#[derive(Debug)]
pub struct Answer<T> {
    /// From when it may have been executed, and when that was known.
    pub at: [u64; 2],
    /// Whether it was executed, and on enough replicas.
    pub out: Outcome,
    /// What Redis answered.
    pub value: Option<T>,
    /// The node that served it, where one was reached.
    pub node: Option<u16>,
}

/// Sends a command that writes, waits for so many replicas, and records what became of it. With fewer replicas its outcome is unknown: it was
/// executed, and may be lost with the node that executed it. `wrote` tells a remark on an answer, and whether anything was written.
pub async fn write<T: redis::FromRedisValue>(
    turn: &Request,
    op: OpKind,
    intended: u64,
    command: redis::Cmd,
    copies: u32,
    wrote: impl Fn(&T) -> (bool, Option<Why>) + Sync,
) -> Option<Answer<T>> {
    if copies == 0 {
        // A command by itself, which goes where its slot went.
        let read = |value: &Value| match parsed::<T>(value) {
            Some(value) => (Outcome::Ok, wrote(&value).1),
            None => (Outcome::Info, Some(Why::Other)),
        };
        let Reply { at, out, value, node } = turn.call::<Value>(op, intended, Asked::Command(&command), read).await?;
        return Some(Answer { at, out, value: value.as_ref().and_then(parsed), node });
    }
    let wanted = u64::from(copies);
    let mut both = redis::pipe();
    both.add_command(command).cmd("WAIT").arg(wanted).arg(REPLICATED_WITHIN);
    let read = |answers: &Vec<Value>| {
        let Some(value) = answers.first().and_then(parsed::<T>) else { return (Outcome::Info, Some(Why::Other)) };
        let (wrote, remark) = wrote(&value);
        let has = answers.get(1).and_then(parsed::<u64>).unwrap_or_default();
        if wrote && has < wanted { (Outcome::Info, Some(Why::Noreplicas)) } else { (Outcome::Ok, remark) }
    };
    let Reply { at, out, value, node } = turn.call::<Vec<Value>>(op, intended, Asked::Transaction(&both), read).await?;
    Some(Answer { at, out, value: value.as_ref().and_then(|answers| answers.first()).and_then(parsed), node })
}

fn parsed<T: redis::FromRedisValue>(value: &Value) -> Option<T> {
    redis::from_redis_value(value.clone()).ok()
}
