//! Histories survive being stored, cut and damaged.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::LazyLock;

use proptest::prelude::*;
use redquake_reports::history::{
    End, Ending, Event, HistoryError, MAX_LINE, Note, NoteKind, Op, OpKind, Outcome, Probe, ProbeKind, Reader, Why, Writer,
};
use redquake_reports::testing::{FailoverParams, failover_history, loaded, stored};

/// A short history, with every kind of event but a damaged one.
fn short() -> Vec<Event> {
    static SHORT: LazyLock<Vec<Event>> = LazyLock::new(|| {
        failover_history(&FailoverParams { duration: 800_000_000, kill_at: 300_000_000, rate: 50, ..FailoverParams::default() })
    });
    SHORT.clone()
}

/// One frame holding these lines.
fn frame(lines: &[&str]) -> Vec<u8> {
    let mut text = lines.join("\n");
    text.push('\n');
    zstd::encode_all(text.as_bytes(), 1).unwrap()
}

fn header_line() -> String {
    static LINE: LazyLock<String> = LazyLock::new(|| serde_json::to_string(&short()[0]).unwrap());
    LINE.clone()
}

fn read_all(bytes: &[u8]) -> (Vec<Event>, Option<Ending>) {
    let mut reader = Reader::open(bytes).unwrap();
    let events = reader.by_ref().map(Result::unwrap).collect();
    (events, reader.ending())
}

fn refused(bytes: &[u8]) -> String {
    let error = match Reader::open(bytes) {
        Ok(mut reader) => reader.find_map(Result::err).expect("nothing was refused"),
        Err(error) => error,
    };
    error.to_string()
}

#[test]
fn a_stored_history_reads_back_as_it_was() {
    let events = failover_history(&FailoverParams::default());
    assert!(events.len() > 10_000);
    let bytes = stored(&events);
    let read = loaded(&bytes).unwrap();
    // The last line gets its checksum from the writer.
    let (end, before) = read.split_last().unwrap();
    assert!(before == &events[..events.len() - 1]);
    let (Event::End(end), Some(Event::End(forged))) = (end, events.last()) else { panic!("{end:?}") };
    assert_eq!((end.at, end.ops, end.probes), (forged.at, forged.ops, forged.probes));
    assert_eq!(read_all(&bytes).1, Some(Ending::Complete));
}

#[test]
fn a_history_cut_at_any_byte_reads_as_a_beginning_of_it() {
    let events = short();
    // Many small frames, so that cuts fall on their borders as well as inside them.
    let mut bytes = Vec::new();
    let mut writer = Writer::create(&mut bytes).unwrap();
    for (number, event) in events.iter().enumerate() {
        writer.write(event).unwrap();
        if number % 50 == 0 {
            writer.flush().unwrap();
        }
    }
    drop(writer);
    let mut lengths = std::collections::BTreeSet::new();
    let header_ends = (1..bytes.len()).find(|cut| Reader::open(&bytes[..*cut]).is_ok()).expect("the header can be read");
    for cut in (header_ends..bytes.len()).step_by(41).chain([bytes.len() - 1]) {
        let (read, ending) = read_all(&bytes[..cut]);
        assert_eq!(read, events[1..=read.len()], "cut at {cut}");
        assert!(matches!(ending, Some(Ending::Cut { .. } | Ending::Missing)), "cut at {cut}: {ending:?}");
        lengths.insert(read.len());
    }
    assert!(lengths.len() > events.len() / 100, "more is read the later the cut");
    for cut in 0..header_ends {
        assert!(refused(&bytes[..cut]).starts_with("not a history: it ends before its first line does"));
    }
}

#[test]
fn what_was_flushed_survives_a_writer_that_died() {
    let events = short();
    let mut file = tempfile();
    let mut writer = Writer::create(&mut file).unwrap();
    for event in &events[..100] {
        writer.write(event).unwrap();
    }
    writer.flush().unwrap();
    for event in &events[100..110] {
        writer.write(event).unwrap();
    }
    // Neither dropped nor finished: as after SIGKILL.
    std::mem::forget(writer);
    let (read, ending) = read_all(&file);
    assert_eq!(read, events[1..100]);
    assert_eq!(ending, Some(Ending::Missing));
}

#[test]
fn a_writer_that_is_dropped_by_a_panic_loses_nothing() {
    let events = short();
    let mut file = tempfile();
    let mut writer = Writer::create(&mut file).unwrap();
    events[..110].iter().for_each(|event| writer.write(event).unwrap());
    drop(writer);
    assert_eq!(read_all(&file).0.len(), 109);
}

fn tempfile() -> Vec<u8> {
    Vec::new()
}

#[test]
fn the_end_counts_what_was_written() {
    let mut bytes = Vec::new();
    let mut writer = Writer::create(&mut bytes).unwrap();
    short().iter().filter(|event| !matches!(event, Event::End(_))).for_each(|event| writer.write(event).unwrap());
    let (ops, probes) = writer.counts();
    writer.finish(77).unwrap();
    assert!(ops > 0 && probes > 0);
    let (read, ending) = read_all(&bytes);
    let Some(Event::End(End { at: 77, ops: told, probes: probed, lines: Some(lines), hash: Some(_) })) = read.last() else {
        panic!("{read:?}")
    };
    // The header is counted and not read as an event, the end is read and not counted.
    assert_eq!((*told, *probed, *lines as usize), (ops, probes, read.len()));
    assert_eq!(ending, Some(Ending::Complete));
}

#[test]
fn operations_missing_in_the_middle_are_noticed() {
    let end = r#"{"end":{"at":9,"ops":3,"probes":0}}"#;
    let op = r#"{"op":{"w":0,"c":0,"op":"acquire","id":1,"key":0,"at":[1,2,3],"out":"ok"}}"#;
    let bytes = frame(&[&header_line(), op, op, end]);
    assert_eq!(read_all(&bytes).1, Some(Ending::Incomplete { written: 3, read: 2 }));
}

#[test]
fn nothing_may_follow_the_end() {
    let end = r#"{"end":{"at":9,"ops":0,"probes":0}}"#;
    assert_eq!(refused(&frame(&[&header_line(), end, end])), "line 3 is damaged: something follows the `end` line");
}

#[test]
fn another_format_is_named_before_anything_else_is_looked_at() {
    let bytes = frame(&[r#"{"header":{"format":2,"tool":"9.9","something":"new"}}"#]);
    assert_eq!(refused(&bytes), "the history has format 2; this version reads format 1");
}

#[test]
fn an_unknown_kind_of_event_is_named_with_the_version_that_wrote_it() {
    let tool = env!("CARGO_PKG_VERSION");
    let bytes = frame(&[&header_line(), r#"{"weather":{"at":1}}"#]);
    assert_eq!(
        refused(&bytes),
        format!("line 2: events of kind `weather` are unknown to this version; the history was written by version {tool}")
    );
}

#[test]
fn a_damaged_line_is_an_error_with_its_number() {
    let whole = r#"{"phase":{"at":1,"name":"settle"}}"#;
    for damaged in [r#"{"phase":{"at":1,"name":"#, r#"{"phase":{"at":-1,"name":"settle"}}"#, "", "[]", r#"{"op":{}}"#, &header_line()] {
        let text = refused(&frame(&[&header_line(), whole, damaged, whole]));
        assert!(text.starts_with("line 3 is damaged: "), "{damaged}: {text}");
    }
}

#[test]
fn damaged_compression_is_an_error_with_the_line_it_was_met_at() {
    let mut bytes = frame(&[&header_line(), r#"{"phase":{"at":1,"name":"settle"}}"#]);
    bytes.extend(b"this is no frame");
    let text = refused(&bytes);
    assert!(text.starts_with("line 3 is damaged: "), "{text}");
    // A flipped bit is found by the frame's checksum, if the decompressor does not choke on it first.
    let mut bytes = Vec::new();
    let mut writer = Writer::create(&mut bytes).unwrap();
    writer.write(&short()[0]).unwrap();
    writer.flush().unwrap();
    short()[1..500].iter().for_each(|event| writer.write(event).unwrap());
    drop(writer);
    let last = bytes.len() - 6;
    bytes[last] ^= 0x10;
    assert!(refused(&bytes).contains("is damaged"));
}

#[test]
fn a_file_that_is_no_history_is_refused() {
    for bytes in [b"".as_slice(), b"hello", &frame(&["hello"]), &frame(&[r#"{"phase":{"at":1,"name":"settle"}}"#])] {
        assert!(refused(bytes).starts_with("not a history: "), "{}", refused(bytes));
    }
}

#[test]
fn a_line_without_end_is_not_read_into_memory() {
    let note = |length: usize| Event::Note(Note { at: 0, kind: NoteKind::Remark, text: "x".repeat(length) });
    let mut writer = Writer::create(Vec::new()).unwrap();
    assert!(writer.write(&note(MAX_LINE)).is_err(), "the writer refuses it");
    writer.write(&note(MAX_LINE - 100)).unwrap();
    let endless = zstd::encode_all(vec![b'x'; 3 * MAX_LINE].as_slice(), 1).unwrap();
    assert_eq!(refused(&endless), format!("not a history: longer than {MAX_LINE} bytes"));
}

fn arbitrary_op() -> impl Strategy<Value = Event> {
    let kinds = proptest::sample::select(OpKind::ALL.to_vec());
    (any::<(u16, u16, u64, u32, [u64; 3])>(), kinds, outcome(), why(), any::<Option<u16>>())
        .prop_map(|((w, c, id, key, at), op, out, why, node)| Event::Op(Op { w, c, op, id, key, at, out, why, node }))
}

fn arbitrary_probe() -> impl Strategy<Value = Event> {
    let kinds = prop_oneof![Just(ProbeKind::Write), Just(ProbeKind::Read)];
    (any::<(u16, [u64; 3])>(), kinds, outcome(), why())
        .prop_map(|((node, at), op, out, why)| Event::Probe(Probe { node, op, at, out, why }))
}

fn outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![Just(Outcome::Ok), Just(Outcome::Fail), Just(Outcome::Info)]
}

fn why() -> impl Strategy<Value = Option<Why>> {
    proptest::option::of(proptest::sample::select(Why::ALL.to_vec()))
}

/// Bytes that look like an operation's line, mostly.
fn nearly_an_op() -> impl Strategy<Value = String> {
    (
        arbitrary_op(),
        any::<proptest::sample::Index>(),
        proptest::sample::select(vec!["", "0", "-", " ", "\"", ",", "1e3", "99999999999999999999", "}"]),
    )
        .prop_map(|(op, at, text)| {
            let mut line = serde_json::to_string(&op).unwrap();
            let at = at.index(line.len());
            line.insert_str(at, text);
            line
        })
}

proptest! {
    #[test]
    fn every_operation_and_probe_survives(events in proptest::collection::vec(prop_oneof![arbitrary_op(), arbitrary_probe()], 0..200)) {
        let mut all = vec![short()[0].clone()];
        all.extend(events);
        prop_assert_eq!(loaded(&stored(&all)).unwrap(), all);
    }

    #[test]
    fn the_short_cut_reads_what_serde_reads_and_refuses_what_serde_refuses(line in nearly_an_op()) {
        let bytes = frame(&[&header_line(), &line]);
        let mut reader = Reader::open(bytes.as_slice()).unwrap();
        match (reader.next(), serde_json::from_str::<Event>(&line)) {
            (Some(Ok(ours)), Ok(theirs)) => prop_assert_eq!(ours, theirs),
            (Some(Err(HistoryError::Damaged { line: 2, .. } | HistoryError::UnknownKind { line: 2, .. })), Err(_)) => {}
            (ours, theirs) => prop_assert!(false, "{line}: {ours:?} against {theirs:?}"),
        }
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        if let Ok(reader) = Reader::open(bytes.as_slice()) {
            reader.for_each(drop);
        }
        let text: Vec<u8> = header_line().into_bytes().into_iter().chain([b'\n']).chain(bytes).collect();
        Reader::open(zstd::encode_all(text.as_slice(), 1).unwrap().as_slice()).unwrap().for_each(drop);
    }
}
