//! Whole trials, from forged histories.

use redquake_reports::analysis::analyze;
use redquake_reports::history::Reader;
use redquake_reports::testing::{FailoverParams, failover_history, stored};

#[test]
fn smoke() {
    let events = failover_history(&FailoverParams::default());
    let bytes = stored(&events);
    let mut trial = analyze(Reader::open(bytes.as_slice()).unwrap()).unwrap();
    trial.timeline.workloads[0].buckets.truncate(2);
    trial.timeline.sentinel.truncate(2);
    println!("{}", serde_json::to_string_pretty(&trial).unwrap());
}
