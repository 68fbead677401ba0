//! What is kept of a server's log: its beginning and its end. A server that talks without end costs neither disk nor memory.

use std::collections::VecDeque;

/// Bytes kept of the beginning.
const BEGINNING: usize = 1 << 20;
/// Bytes kept of the end.
const END: usize = 3 << 20;

/// The log of one server, over all its starts.
#[derive(Debug, Default)]
pub(crate) struct BoundedLog {
    beginning: Vec<u8>,
    end: VecDeque<u8>,
    lost: u64,
}

impl BoundedLog {
    /// Adds what a server said.
    pub(crate) fn push(&mut self, said: &[u8]) {
        let (first, rest) = said.split_at(said.len().min(BEGINNING - self.beginning.len()));
        self.beginning.extend_from_slice(first);
        // What would be pushed out at once is not put in.
        let (skipped, rest) = rest.split_at(rest.len().saturating_sub(END));
        let over = (self.end.len() + rest.len()).saturating_sub(END);
        self.end.drain(..over);
        self.end.extend(rest);
        self.lost += (skipped.len() + over) as u64;
    }

    /// The log; where something was left out, a line of the tool's own says how much.
    pub(crate) fn text(&self) -> String {
        let (front, back) = self.end.as_slices();
        let mut bytes = self.beginning.clone();
        if self.lost > 0 {
            bytes.extend_from_slice(left_out(&format!("{} bytes", self.lost)).as_bytes());
        }
        bytes.extend_from_slice(front);
        bytes.extend_from_slice(back);
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

/// The line that stands where something was left out.
pub(crate) fn left_out(what: &str) -> String {
    format!(
        "\n[redquake left out {what} of this log here: of each server it keeps the first {} MiB and the last {} MiB]\n",
        BEGINNING >> 20,
        END >> 20
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_log_is_kept_as_it_is() {
        let mut log = BoundedLog::default();
        log.push(b"one\n");
        log.push(b"two\n");
        assert_eq!(log.text(), "one\ntwo\n");
    }

    #[test]
    fn a_log_without_end_keeps_its_beginning_and_its_end_and_says_what_is_missing() {
        let mut log = BoundedLog::default();
        log.push(b"the first line\n");
        let line = [b'x'; 1023];
        for _ in 0..16 << 10 {
            log.push(&line);
            log.push(b"\n");
        }
        log.push(b"the last line\n");
        let text = log.text();
        assert!(text.starts_with("the first line\n") && text.ends_with("the last line\n"));
        let total = 15 + (16 << 20) + 14;
        let lost = total - BEGINNING - END;
        assert!(
            text.contains(&format!("left out {lost} bytes")),
            "{}",
            text.lines().find(|line| line.starts_with('[')).unwrap_or_default()
        );
        assert!(text.len() < BEGINNING + END + 200);
    }

    #[test]
    fn one_piece_larger_than_all_that_is_kept_is_counted_rightly() {
        let mut log = BoundedLog::default();
        log.push(&vec![b'y'; BEGINNING + END + 7]);
        log.push(b"end");
        assert_eq!((log.lost, log.end.len()), (10, END));
        assert!(log.text().ends_with("yend"));
    }
}
