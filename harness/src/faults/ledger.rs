//! A line on disk before each injection, so that whoever finds the folder later knows what may have been done.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;

/// The ledger of one trial: JSON lines, each on disk before the step it announces.
pub struct Ledger(File);

#[derive(Serialize)]
struct Line<'a> {
    step: &'a str,
    fault: &'a str,
    action: &'a str,
    targets: &'a [String],
}

impl Ledger {
    /// Creates the file.
    pub fn create(path: &Path) -> io::Result<Self> {
        File::create_new(path).map(Self)
    }

    /// Writes a line and waits until the disk has it.
    pub fn write(&mut self, step: &str, fault: &str, action: &str, targets: &[String]) -> io::Result<()> {
        let mut line = serde_json::to_vec(&Line { step, fault, action, targets })?;
        line.push(b'\n');
        self.0.write_all(&line)?;
        self.0.sync_data()
    }
}
