//! `anomalies.ndjson.zst`: every anomaly of a trial, one JSON object a line.

use std::io::{self, Write};

use zstd::Encoder;

use super::Anomaly;

/// Writes anomalies as they are found.
pub struct AnomalyWriter<W: Write> {
    out: Encoder<'static, W>,
    lines: u64,
}

impl<W: Write> AnomalyWriter<W> {
    /// A writer over `out`.
    ///
    /// # Errors
    /// When no compressor can be made.
    pub fn create(out: W) -> io::Result<Self> {
        Ok(Self { out: Encoder::new(out, 3)?, lines: 0 })
    }

    /// Adds one.
    ///
    /// # Errors
    /// When `out` cannot be written to.
    pub fn write(&mut self, anomaly: &Anomaly) -> io::Result<()> {
        serde_json::to_writer(&mut self.out, anomaly)?;
        self.lines += 1;
        self.out.write_all(b"\n")
    }

    /// Ends the file, and gives `out` back with the number of lines.
    ///
    /// # Errors
    /// When `out` cannot be written to.
    pub fn finish(self) -> io::Result<(W, u64)> {
        Ok((self.out.finish()?, self.lines))
    }
}
