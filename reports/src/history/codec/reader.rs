//! Reading a history back, event by event.

use std::io::Read;

use serde::Deserialize;

use super::lines::{Lines, Next};
use super::{Checksum, HistoryError, line};
use crate::history::{End, Event, FORMAT_VERSION, Header};

/// How a history ended. After all but `Complete`, what was read is not all that was written, or not as it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// With its `end` line, whose counts and checksum agree with what was read.
    Complete,
    /// With its `end` line, but so many events were written and so many read. Early versions counted only `op` and `probe`.
    Incomplete {
        /// Counted by the writer.
        written: u64,
        /// Counted by the reader.
        read: u64,
    },
    /// With its `end` line and all its lines, but not every line is as it was written.
    Altered,
    /// Without an `end` line: the writer stopped between two frames.
    Missing,
    /// In the middle of a frame or a line, after so many complete lines.
    Cut {
        /// Complete lines read, the header included.
        lines: u64,
    },
}

/// Reads a history: checks the header at once, then iterates over the other events in the order written.
///
/// Stops for good at the first error and after the `end` line.
pub struct Reader<R: Read> {
    lines: Lines<R>,
    header: Header,
    counted: u64,
    checksum: Checksum,
    ending: Option<Ending>,
    failed: bool,
}

/// The part of a header that every format has.
#[derive(Deserialize)]
struct AnyHeader {
    header: AnyFormat,
}

#[derive(Deserialize)]
struct AnyFormat {
    format: u64,
}

impl<R: Read> Reader<R> {
    /// Opens a history and reads its header. The version is checked before anything else is looked at.
    pub fn open(source: R) -> Result<Self, HistoryError> {
        let mut lines = Lines::new(source).map_err(HistoryError::Io)?;
        let mut checksum = Checksum::default();
        let header = header(&mut lines, &mut checksum)?;
        Ok(Self { lines, header, counted: 0, checksum, ending: None, failed: false })
    }

    /// What this is the history of.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// How the history ended; `None` while there is more to read, and after an error.
    pub fn ending(&self) -> Option<Ending> {
        self.ending
    }

    fn next_event(&mut self) -> Result<Option<Event>, HistoryError> {
        let bytes = match self.lines.next()? {
            Next::Line(bytes) => bytes,
            Next::End => {
                self.ending = Some(Ending::Missing);
                return Ok(None);
            }
            Next::Cut => {
                self.ending = Some(Ending::Cut { lines: self.lines.count });
                return Ok(None);
            }
        };
        let event = match line::decode(bytes) {
            Ok(event) => event,
            Err(error) => {
                let (kind, line, tool) = (line::unknown_kind(bytes), self.lines.count, self.header.tool.clone());
                return Err(match kind {
                    Some(kind) => HistoryError::UnknownKind { line, kind, tool },
                    None => HistoryError::Damaged { line, why: error.to_string() },
                });
            }
        };
        if !matches!(event, Event::End(_)) {
            self.checksum.take(bytes);
            self.checksum.take(b"\n");
        }
        match &event {
            Event::Op(_) | Event::Probe(_) => self.counted += 1,
            Event::Header(_) => return Err(HistoryError::Damaged { line: self.lines.count, why: "a second header".to_owned() }),
            Event::End(end) => {
                let whole = self.compare(end);
                // The frame's checksum comes after its last line, so the file is read to its end.
                self.ending = Some(match self.lines.next()? {
                    Next::End => whole,
                    Next::Cut => Ending::Cut { lines: self.lines.count },
                    Next::Line(_) => {
                        return Err(HistoryError::Damaged { line: self.lines.count, why: "something follows the `end` line".to_owned() });
                    }
                });
            }
            _ => {}
        }
        Ok(Some(event))
    }
}

impl<R: Read> Reader<R> {
    /// Whether what was read is what the `end` line says was written.
    fn compare(&self, end: &End) -> Ending {
        let (written, read) = match end.lines {
            // The `end` line does not count itself.
            Some(lines) => (lines, self.lines.count - 1),
            None => (end.ops.saturating_add(end.probes), self.counted),
        };
        // Early versions wrote neither the number of lines nor a hash; who wrote one wrote both.
        let told = |hash: String| end.hash.as_ref().map_or(end.lines.is_none(), |written| *written == hash);
        let as_written = || self.checksum.with_end(end).is_ok_and(told);
        if written != read {
            Ending::Incomplete { written, read }
        } else if as_written() {
            Ending::Complete
        } else {
            Ending::Altered
        }
    }
}

impl<R: Read> Iterator for Reader<R> {
    type Item = Result<Event, HistoryError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed || self.ending.is_some() {
            return None;
        }
        let event = self.next_event();
        self.failed = event.is_err();
        event.transpose()
    }
}

fn header<R: Read>(lines: &mut Lines<R>, checksum: &mut Checksum) -> Result<Header, HistoryError> {
    let first = match lines.next() {
        Ok(Next::Line(bytes)) => bytes,
        Ok(Next::End | Next::Cut) => return Err(HistoryError::NoHeader("it ends before its first line does".to_owned())),
        Err(HistoryError::Damaged { why, .. }) => return Err(HistoryError::NoHeader(why)),
        Err(error) => return Err(error),
    };
    checksum.take(first);
    checksum.take(b"\n");
    let any: AnyHeader = serde_json::from_slice(first).map_err(|error| HistoryError::NoHeader(error.to_string()))?;
    if any.header.format != u64::from(FORMAT_VERSION) {
        return Err(HistoryError::Version { found: any.header.format });
    }
    match line::decode(first) {
        Ok(Event::Header(header)) => Ok(*header),
        Ok(_) => Err(HistoryError::NoHeader("the first line is another event".to_owned())),
        Err(error) => Err(HistoryError::Damaged { line: 1, why: error.to_string() }),
    }
}
