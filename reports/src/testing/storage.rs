//! Events to bytes and back.

use crate::history::{Event, HistoryError, Reader, Writer};

/// The bytes of a history file with these events. A last `end` event is written anew, with counts that agree.
///
/// # Panics
/// When an event is longer than a line may be.
pub fn stored(events: &[Event]) -> Vec<u8> {
    let (events, end) = match events {
        [events @ .., Event::End(end)] => (events, Some(end.at)),
        events => (events, None),
    };
    let mut bytes = Vec::new();
    let mut writer = Writer::create(&mut bytes).expect("a compressor can be made");
    for event in events {
        writer.write(event).expect("writing to memory");
    }
    match end {
        Some(at) => drop(writer.finish(at).expect("writing to memory")),
        None => drop(writer),
    }
    bytes
}

/// The events of a history file, the header first.
///
/// # Errors
/// As [`Reader`].
pub fn loaded(bytes: &[u8]) -> Result<Vec<Event>, HistoryError> {
    let reader = Reader::open(bytes)?;
    let header = Event::Header(Box::new(reader.header().clone()));
    std::iter::once(Ok(header)).chain(reader).collect()
}
