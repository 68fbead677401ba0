//! Which locks are left on the primary in the end.

use redquake_reports::history::{Event, Final};

use super::names::{lock_key, token_id};
use crate::clients::Following;
use crate::workloads::behaviour::Common;

/// Keys asked for in one round trip of the final read.
const CHUNK: u32 = 500;

/// Reads every lock and records what was found.
pub async fn final_read(common: &Common, keys: u32, connection: &mut Following) -> redis::RedisResult<()> {
    let mut first = 0;
    while first < keys {
        let chunk = (first..keys.min(first + CHUNK)).filter(|key| common.keys.cover(*key));
        let mut pipeline = redis::pipe();
        for key in chunk.clone() {
            pipeline.cmd("GET").arg(lock_key(common, key)).cmd("PTTL").arg(lock_key(common, key));
        }
        first += CHUNK;
        if chunk.clone().next().is_none() {
            continue;
        }
        let answers: Vec<redis::Value> = pipeline.query_async(connection).await?;
        for (key, answer) in chunk.zip(answers.chunks_exact(2)) {
            let text: Option<String> = redis::from_redis_value(answer[0].clone())?;
            let pttl: i64 = redis::from_redis_value(answer[1].clone())?;
            let id = text.and_then(|text| token_id(common.seed, common.index, &text));
            common.recorder.record(Event::Final(Final { at: common.clock.now(), w: common.index, key, id, pttl }));
        }
    }
    Ok(())
}
