//! Histories survive being stored, cut and damaged.

use redquake_reports::history::{Ending, Event, HistoryError, Reader};
use redquake_reports::testing::{FailoverParams, failover_history, loaded, stored};

#[test]
fn a_stored_history_reads_back_as_it_was() {
    let events = failover_history(&FailoverParams::default());
    assert!(events.len() > 10_000);
    assert_eq!(loaded(&stored(&events)).unwrap(), events);
}

#[test]
fn smoke() {
    let events = failover_history(&FailoverParams::default());
    for e in &events { if matches!(e, Event::Sentinel(_)|Event::Fault(_)|Event::Phase(_)|Event::Final(_)|Event::End(_)) { println!("{}", serde_json::to_string(e).unwrap()); } }
    println!("{} {}", events.len(), stored(&events).len());
}
