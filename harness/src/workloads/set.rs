//! `set`: add elements that are never added again, and look in the end which are there.

use redquake_experiments::spec::SetWorkload;
use redquake_reports::history::{Event, Members, OpKind};

use super::behaviour::{Common, Request, WorkloadClient};
use super::copies;
use crate::clients::Following;

/// Elements asked for in one round trip of the final read, about.
const CHUNK: u32 = 1_000;

/// What the clients of a set workload do.
pub struct SetClients(pub SetWorkload);

/// The name of a set on the server.
fn set_key(common: &Common, key: u32) -> String {
    common.keys.name(format!("set:{}:{key}", common.index), key)
}

/// An element: unique over all trials with different seeds.
fn element(seed: u64, id: u64) -> String {
    format!("{seed:016x}:{id}")
}

impl WorkloadClient for SetClients {
    fn first(&self) -> OpKind {
        OpKind::Add
    }

    fn keys(&self) -> u32 {
        self.0.keys
    }

    async fn run(&self, turn: &Request) {
        let Common { seed, .. } = *turn.common;
        let mut add = redis::cmd("SADD");
        add.arg(set_key(&turn.common, turn.key)).arg(element(seed, turn.id));
        // 0 would say that it was there already, which nobody can have done; it is in the set all the same.
        copies::write(turn, OpKind::Add, turn.intended, add, self.0.wait, |_: &u32| (true, None)).await;
    }
}

/// Reads every set and records its elements.
pub async fn final_read(common: &Common, keys: u32, connection: &mut Following) -> redis::RedisResult<()> {
    let prefix = format!("{:016x}:", common.seed);
    for key in (0..keys).filter(|key| common.keys.cover(*key)) {
        let mut cursor = 0_u64;
        loop {
            let mut scan = redis::cmd("SSCAN");
            scan.arg(set_key(common, key)).arg(cursor).arg("COUNT").arg(CHUNK);
            let (next, found): (u64, Vec<String>) = scan.query_async(connection).await?;
            let ids: Vec<u64> = found.iter().filter_map(|text| text.strip_prefix(&prefix)?.parse().ok()).collect();
            let foreign = (found.len() - ids.len()) as u64;
            common.recorder.record(Event::Members(Members { at: common.clock.now(), w: common.index, key, ids, foreign }));
            if next == 0 {
                break;
            }
            cursor = next;
        }
    }
    Ok(())
}
