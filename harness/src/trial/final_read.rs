//! What the primary holds after the clients stopped.

use std::time::Duration;

use redquake_experiments::spec::{Role, Selector, Workload};
use redquake_reports::history::{Event, Final, NoteKind};

use super::Stage;
use crate::clients::{Timeouts, open};
use crate::faults::resolve;
use crate::workloads::{lock_key, stream_of, token_id};

const TIMEOUTS: Timeouts = Timeouts { connect: Duration::from_millis(500), response: Duration::from_secs(2) };
/// Keys asked for in one round trip.
const CHUNK: u32 = 500;

/// Reads every key of every workload and records what was found.
pub async fn final_read(stage: &Stage, workloads: &[Workload]) {
    let primary = Selector { role: Some(Role::Primary), node: None, pick: Default::default() };
    let found = resolve(&primary, stage, &mut stream_of(stage.seed, 0)).await;
    let Some(address) = found.ok().and_then(|members| members.first().map(|member| member.node.address)) else {
        stage.recorder.note(NoteKind::Remark, "no primary answered the final read");
        return;
    };
    for (workload, index) in workloads.iter().zip(0u16..) {
        let Workload::Lock(lock) = workload;
        let (keys, seed, clock, recorder) = (lock.keys, stage.seed, stage.clock, stage.recorder.clone());
        let reading = stage.control.spawn(async move {
            let mut connection = open(address, TIMEOUTS).await?;
            let mut first = 0;
            while first < keys {
                let chunk = first..keys.min(first + CHUNK);
                let mut pipeline = redis::pipe();
                for key in chunk.clone() {
                    pipeline.cmd("GET").arg(lock_key(index, key)).cmd("PTTL").arg(lock_key(index, key));
                }
                let answers: Vec<redis::Value> = pipeline.query_async(&mut connection).await?;
                for (key, answer) in chunk.zip(answers.chunks_exact(2)) {
                    let text: Option<String> = redis::from_redis_value(answer[0].clone())?;
                    let pttl: i64 = redis::from_redis_value(answer[1].clone())?;
                    let id = text.and_then(|text| token_id(seed, index, &text));
                    recorder.record(Event::Final(Final { at: clock.now(), w: index, key, id, pttl }));
                }
                first += CHUNK;
            }
            redis::RedisResult::Ok(())
        });
        let problem = match reading.await {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(error) => Some(error.to_string()),
        };
        if let Some(problem) = problem {
            stage.recorder.note(NoteKind::Remark, format!("the final read of `{}` failed: {problem}", lock.name));
        }
    }
}
