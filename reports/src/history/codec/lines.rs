//! Decompression, and cutting what comes out into lines, in bounded memory.

use std::io::{self, BufReader, Read};

use memchr::memchr;

use super::{HistoryError, MAX_LINE};

/// Bytes asked from the decompressor at once: its largest block.
const CHUNK: usize = 128 << 10;

/// The lines of a compressed file.
pub struct Lines<R: Read> {
    source: zstd::stream::read::Decoder<'static, BufReader<R>>,
    buffer: Vec<u8>,
    /// Unread part of `buffer`.
    from: usize,
    to: usize,
    /// Lines handed out.
    pub count: u64,
}

/// What comes next.
pub enum Next<'a> {
    /// A line, without its end.
    Line(&'a [u8]),
    /// The file ended behind a line.
    End,
    /// The file ended inside a frame or a line; what there was of that line is dropped.
    Cut,
}

impl<R: Read> Lines<R> {
    pub fn new(source: R) -> io::Result<Self> {
        let source = zstd::stream::read::Decoder::new(source)?;
        Ok(Self { source, buffer: vec![0; CHUNK], from: 0, to: 0, count: 0 })
    }

    pub fn next(&mut self) -> Result<Next<'_>, HistoryError> {
        let mut searched = self.from;
        loop {
            if let Some(found) = memchr(b'\n', &self.buffer[searched..self.to]) {
                let line = self.from..searched + found;
                if line.len() > MAX_LINE {
                    return Err(self.too_long());
                }
                self.from = line.end + 1;
                self.count += 1;
                return Ok(Next::Line(&self.buffer[line]));
            }
            if self.to - self.from > MAX_LINE {
                return Err(self.too_long());
            }
            self.make_room();
            searched = self.to;
            match self.source.read(&mut self.buffer[self.to..]) {
                Ok(0) => return Ok(if self.from == self.to { Next::End } else { Next::Cut }),
                Ok(read) => self.to += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(Next::Cut),
                // The decompressor reports damage as an error without a code of the operating system.
                Err(error) if error.raw_os_error().is_none() => {
                    return Err(HistoryError::Damaged { line: self.count + 1, why: error.to_string() });
                }
                Err(error) => return Err(HistoryError::Io(error)),
            }
        }
    }

    fn too_long(&self) -> HistoryError {
        HistoryError::Damaged { line: self.count + 1, why: format!("longer than {MAX_LINE} bytes") }
    }

    fn make_room(&mut self) {
        if self.from > 0 {
            self.buffer.copy_within(self.from..self.to, 0);
            self.to -= self.from;
            self.from = 0;
        }
        if self.buffer.len() - self.to < CHUNK {
            self.buffer.resize(self.to + CHUNK, 0);
        }
    }
}
