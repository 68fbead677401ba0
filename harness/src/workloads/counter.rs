//! `counter`: count, and look in the end how far the counters have come.

use redquake_experiments::spec::CounterWorkload;
use redquake_reports::history::{Called, Event, Exchange, OpKind};

use super::behaviour::{Common, Request, WorkloadClient};
use super::{contents, copies};
use crate::clients::Following;

/// What the clients of a counter workload do.
pub struct CounterClients(pub CounterWorkload);

/// The name of a counter on the server.
fn counter_key(common: &Common, key: u32) -> String {
    common.keys.name(format!("counter:{}:{key}", common.index), key)
}

impl WorkloadClient for CounterClients {
    fn first(&self) -> OpKind {
        OpKind::Increment
    }

    fn keys(&self) -> u32 {
        self.0.keys
    }

    async fn run(&self, turn: &Request) {
        let increment = redis::cmd("INCR").arg(counter_key(&turn.common, turn.key)).take();
        let wrote = |_: &u64| (true, None);
        let Some(told) = copies::write(turn, OpKind::Increment, turn.intended, increment, self.0.wait, wrote).await else { return };
        let (w, c, id, key) = (turn.common.index, turn.client, turn.id, turn.key);
        let (at, found, out, node) = (told.at, told.value, told.out, told.node);
        turn.common.recorder.record(Event::Exchange(Exchange {
            w,
            c,
            id,
            key,
            at,
            call: Called::Increment,
            wanted: None,
            found,
            out,
            node,
        }));
    }
}

/// Reads every counter and records how far it has come.
pub async fn final_read(common: &Common, keys: u32, connection: &mut Following) -> redis::RedisResult<()> {
    contents::read(common, keys, connection, counter_key, |text| text.parse().ok()).await
}
