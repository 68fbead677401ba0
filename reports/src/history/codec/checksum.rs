//! The checksum of a whole history, by which its reader knows that every line is there as it was written.

use xxhash_rust::xxh3::Xxh3Default;

use crate::history::End;

/// XXH3 (64 bits) over the bytes of all lines with their line ends, and then over the `end` line without its `hash`.
///
/// It finds damage. It is no seal against somebody who writes a checksum of their own.
#[derive(Clone, Default)]
pub struct Checksum(Xxh3Default);

impl Checksum {
    /// Takes in bytes of lines, their line ends included.
    pub fn take(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The checksum with the last line, as 16 hexadecimal digits.
    pub fn with_end(&self, end: &End) -> serde_json::Result<String> {
        let mut whole = self.0.clone();
        whole.update(&serde_json::to_vec(&End { hash: None, ..end.clone() })?);
        Ok(format!("{:016x}", whole.digest()))
    }
}
