//! Writing a history as it happens.

use std::io::{self, Write};

use zstd::bulk::Compressor;
use zstd::zstd_safe::CParameter;

use super::{Checksum, MAX_LINE};
use crate::history::{End, Event};

/// Bytes of lines that make a frame. Larger frames compress better, smaller ones lose less when the tool dies.
const FRAME: usize = 256 << 10;

/// The fastest level that still finds repeated keys: histories are written while clients are being measured.
const LEVEL: i32 = 1;

/// Writes a history. Every finished frame is handed to `out` at once, and can be read even if nothing follows.
///
/// Lines collect in memory until a frame is full; call [`flush`](Self::flush) every now and then to bound what a
/// crash of the tool can lose.
pub struct Writer<W: Write> {
    out: Option<W>,
    compressor: Compressor<'static>,
    lines: Vec<u8>,
    frame: Vec<u8>,
    ops: u64,
    probes: u64,
    count: u64,
    checksum: Checksum,
}

impl<W: Write> Writer<W> {
    /// A writer over `out`. The first event written must be the header.
    pub fn create(out: W) -> io::Result<Self> {
        let mut compressor = Compressor::new(LEVEL)?;
        compressor.set_parameter(CParameter::ChecksumFlag(true))?;
        let lines = Vec::with_capacity(FRAME + 4096);
        let checksum = Checksum::default();
        Ok(Self { out: Some(out), compressor, lines, frame: Vec::new(), ops: 0, probes: 0, count: 0, checksum })
    }

    /// Adds an event. Costs a system call only when a frame is full.
    pub fn write(&mut self, event: &Event) -> io::Result<()> {
        match event {
            Event::Op(_) => self.ops += 1,
            Event::Probe(_) => self.probes += 1,
            _ => {}
        }
        let start = self.lines.len();
        let written = serde_json::to_writer(&mut self.lines, event);
        let length = self.lines.len() - start;
        if written.is_err() || length > MAX_LINE {
            self.lines.truncate(start);
            written?;
            return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("an event of {length} bytes is longer than a line may be")));
        }
        self.lines.push(b'\n');
        self.count += 1;
        if self.lines.len() >= FRAME { self.end_frame() } else { Ok(()) }
    }

    /// Ends the current frame and flushes `out`: what was written so far survives the death of the tool.
    pub fn flush(&mut self) -> io::Result<()> {
        self.end_frame()?;
        self.out.as_mut().map_or(Ok(()), Write::flush)
    }

    /// Number of `op` and `probe` events written so far.
    pub fn counts(&self) -> (u64, u64) {
        (self.ops, self.probes)
    }

    /// Writes the `end` line, flushes and gives `out` back, so that a file can be synced. `at` is the trial's time now.
    pub fn finish(mut self, at: u64) -> io::Result<W> {
        self.end_frame()?;
        let mut end = End { at, ops: self.ops, probes: self.probes, lines: Some(self.count), hash: None };
        end.hash = Some(self.checksum.with_end(&end)?);
        self.write(&Event::End(end))?;
        self.flush()?;
        self.out.take().ok_or_else(|| io::Error::other("the history was finished before"))
    }

    fn end_frame(&mut self) -> io::Result<()> {
        let Some(out) = self.out.as_mut() else { return Ok(()) };
        if self.lines.is_empty() {
            return Ok(());
        }
        // A frame at a time: line by line would cost more.
        self.checksum.take(&self.lines);
        self.frame.resize(zstd::zstd_safe::compress_bound(self.lines.len()), 0);
        let length = self.compressor.compress_to_buffer(&self.lines, self.frame.as_mut_slice())?;
        self.lines.clear();
        out.write_all(&self.frame[..length])
    }
}

impl<W: Write> Drop for Writer<W> {
    /// A panic must not lose what was recorded; errors cannot be told from here.
    fn drop(&mut self) {
        let _ = self.flush();
    }
}
