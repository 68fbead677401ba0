//! A set that loses locks on purpose: the checker must catch it, and must be silent once the loss is taken out of the history.

use crate::support;
use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{BufReader, Cursor};

use redquake_experiments::spec::{LockWorkload, WorkloadKind};
use redquake_reports::analysis;
use redquake_reports::history::{Event, Header, OpKind, Outcome, Reader, Why, Writer};
use redquake_reports::result::Trial;

#[test]
fn locks_lost_in_a_failover_are_reported_and_the_same_history_without_the_loss_reports_none() {
    let bench = support::bench_without_docker();
    let ended = support::finish(&mut bench.run(&["sentinel/lost-locks", "--trials", "1", "--seed", "11", "--runtime", "process"]));
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    let document = bench.document();
    let trial = &document.trials[0];
    let locks = trial.workloads[0].locks.clone().expect("lock counts");
    println!("{locks:?}");
    assert!(locks.lost > 0, "{locks:?}");
    assert!(locks.double_acquired > 0, "rivals got in: {locks:?}");
    assert_eq!(trial.metrics["locks.lost"].value(), locks.lost as f64);

    let history = bench.results().join(&trial.history);
    let reader = Reader::open(BufReader::new(File::open(history).expect("a history"))).expect("a history");
    let header = reader.header().clone();
    let events: Vec<Event> = reader.collect::<Result<_, _>>().expect("events");
    let mended = without_loss(&header, events);
    let mended = mended.workloads[0].locks.clone().expect("lock counts");
    assert_eq!((mended.lost, mended.double_acquired, mended.possible), (0, 0, 0), "{mended:?}");
    assert!(mended.acquired > 0);
}

/// The same history as if no lock had been lost: whoever got a lock that had been acknowledged to another within its lease was told
/// `held` instead, and no holder found its key gone.
fn without_loss(header: &Header, events: Vec<Event>) -> Trial {
    let WorkloadKind::Lock(LockWorkload { ttl, .. }) = &header.plan.experiment.workloads[0].kind else { panic!("no lock workload") };
    let lease = ttl.as_nanos();
    let mut released: HashMap<u64, u64> = HashMap::new();
    for event in &events {
        if let Event::Op(op) = event
            && op.op == OpKind::Release
        {
            released.insert(op.id, op.at[1]);
        }
    }
    let mut acquires: Vec<_> = events.iter().filter_map(|event| if let Event::Op(op) = event { Some(*op) } else { None }).collect();
    acquires.retain(|op| op.op == OpKind::Acquire && op.out != Outcome::Fail);
    acquires.sort_by_key(|op| op.at[1]);
    let mut until: HashMap<u32, u64> = HashMap::new();
    let mut refused: HashSet<u64> = HashSet::new();
    for op in acquires {
        if op.out == Outcome::Info || until.get(&op.key).is_some_and(|until| op.at[1] < *until) {
            refused.insert(op.id);
        } else {
            until.insert(op.key, released.get(&op.id).copied().unwrap_or(op.at[1] + lease));
        }
    }

    let mut out = Writer::create(Vec::new()).expect("a writer");
    out.write(&Event::Header(Box::new(header.clone()))).expect("written");
    let mut end = 0;
    for mut event in events {
        if let Event::Op(op) = &mut event {
            end = end.max(op.at[2]);
            if refused.contains(&op.id) {
                if op.op == OpKind::Release {
                    continue;
                }
                (op.out, op.why) = (Outcome::Fail, Some(Why::Held));
            } else if op.why == Some(Why::Gone) {
                op.why = None;
            }
        }
        if !matches!(event, Event::End(_)) {
            out.write(&event).expect("written");
        }
    }
    let bytes = out.finish(end).expect("finished");
    analysis::analyze(Reader::open(Cursor::new(bytes)).expect("a history")).expect("analysed")
}
