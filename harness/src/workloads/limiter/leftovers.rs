//! What a limiter left on the server: keys that never expire, and memory.

use std::collections::HashSet;

use redquake_reports::history::{Event, Keys};

use super::super::behaviour::Common;
use super::decide::prefix;
use crate::clients::Following;

/// Keys looked at in one round trip, about.
const CHUNK: u32 = 500;

/// Looks at every key of the limiter and records their sum.
pub async fn final_read(common: &Common, connection: &mut Following) -> redis::RedisResult<()> {
    let prefix = prefix(common.index);
    let (mut seen, mut subjects) = (HashSet::new(), HashSet::new());
    let (mut immortal, mut bytes, mut cursor) = (0, 0, 0_u64);
    loop {
        let scan = redis::cmd("SCAN").arg(cursor).arg("MATCH").arg(format!("{prefix}*")).arg("COUNT").arg(CHUNK).take();
        let (next, found): (u64, Vec<String>) = scan.query_async(connection).await?;
        // A scan may show a key twice.
        let fresh: Vec<String> = found.into_iter().filter(|key| seen.insert(key.clone())).collect();
        let mut pipeline = redis::pipe();
        for key in &fresh {
            pipeline.cmd("PTTL").arg(key).cmd("MEMORY").arg("USAGE").arg(key);
        }
        if !fresh.is_empty() {
            let answers: Vec<Option<i64>> = pipeline.query_async(connection).await?;
            for (key, answer) in fresh.iter().zip(answers.chunks_exact(2)) {
                let rest = key.strip_prefix(&prefix).unwrap_or_default();
                subjects.insert(rest.split([':', '{']).next().unwrap_or_default().to_owned());
                immortal += u64::from(answer[0] == Some(-1));
                bytes += answer[1].and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or_default();
            }
        }
        if next == 0 {
            break;
        }
        cursor = next;
    }
    let (keys, subjects) = (seen.len() as u64, subjects.len() as u64);
    common.recorder.record(Event::Keys(Keys { at: common.clock.now(), w: common.index, keys, subjects, immortal, bytes }));
    Ok(())
}
