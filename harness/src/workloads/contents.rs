//! The final read of keys with one value each.

use redquake_reports::history::{Event, FOREIGN, Value};

use super::behaviour::Common;
use crate::clients::Following;

/// Keys asked for in one round trip.
const CHUNK: usize = 500;

/// Reads those keys that lie on this shard and records what they have; `parse` knows the values of ours.
pub async fn read(
    common: &Common,
    keys: u32,
    connection: &mut Following,
    name: impl Fn(&Common, u32) -> String,
    parse: impl Fn(&str) -> Option<u64>,
) -> redis::RedisResult<()> {
    let here: Vec<u32> = (0..keys).filter(|key| common.keys.cover(*key)).collect();
    for chunk in here.chunks(CHUNK) {
        let mut pipeline = redis::pipe();
        for key in chunk {
            pipeline.cmd("GET").arg(name(common, *key));
        }
        let asked = common.clock.now();
        let answers: Vec<Option<String>> = pipeline.query_async(connection).await?;
        let at = [asked, common.clock.now()];
        for (key, text) in chunk.iter().zip(answers) {
            let value = text.map(|text| parse(&text).unwrap_or(FOREIGN));
            common.recorder.record(Event::Value(Value { at, w: common.index, key: *key, value }));
        }
    }
    Ok(())
}
