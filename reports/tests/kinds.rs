//! Every kind of event, in lines that real runs wrote.

use std::collections::BTreeSet;

use redquake_reports::history::Event;

const LINES: &str = include_str!("lines/every-kind.ndjson");

/// The name of a kind; a new kind does not compile until it has one here, and fails until it has a line.
fn name(event: &Event) -> &'static str {
    match event {
        Event::Header(_) => "header",
        Event::Node(_) => "node",
        Event::Started(_) => "started",
        Event::Phase(_) => "phase",
        Event::Op(_) => "op",
        Event::Probe(_) => "probe",
        Event::Fault(_) => "fault",
        Event::Sentinel(_) => "sentinel",
        Event::Cluster(_) => "cluster",
        Event::Role(_) => "role",
        Event::Stall(_) => "stall",
        Event::Object(_) => "object",
        Event::ServerStall(_) => "server_stall",
        Event::Final(_) => "final",
        Event::Members(_) => "members",
        Event::Decision(_) => "decision",
        Event::Keys(_) => "keys",
        Event::Query(_) => "query",
        Event::Read(_) => "read",
        Event::Vote(_) => "vote",
        Event::Access(_) => "access",
        Event::Payment(_) => "payment",
        Event::Paid(_) => "paid",
        Event::Slots(_) => "slots",
        Event::Exchange(_) => "exchange",
        Event::Value(_) => "value",
        Event::Note(_) => "note",
        Event::End(_) => "end",
    }
}

#[test]
fn every_kind_of_event_reads_back_as_it_was_written() {
    let mut kinds = BTreeSet::new();
    for line in LINES.lines() {
        let event: Event = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert_eq!(serde_json::to_string(&event).unwrap(), line);
        assert!(line.starts_with(&format!("{{\"{}\":", name(&event))), "{line}");
        kinds.insert(name(&event));
    }
    // As many as there are arms above.
    assert_eq!(kinds.len(), 28, "{kinds:?}");
}
