//! Where a node's server says what it says: a pipe that is read at once into a bounded log.

use std::io::{self, PipeReader, PipeWriter, Read, pipe};
use std::os::fd::AsFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::ioctl_fionbio;
use rustix::pipe::fcntl_setpipe_size;

use crate::runtime::BoundedLog;

/// Bytes a server may say before it is listened to; the most an ordinary user may ask for.
const AHEAD: usize = 1 << 20;
/// Read at once.
const PIECE: usize = 64 << 10;

/// A node's log, shared with the threads that read it.
#[derive(Debug, Clone, Default)]
pub(super) struct Log(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    log: BoundedLog,
    /// One for each start whose server, or a fork of it, still holds the other end.
    pipes: Vec<(u64, PipeReader)>,
    starts: u64,
}

impl Log {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An end for one start of a server. A thread reads the other one until nobody holds this one any more.
    pub(super) fn writer(&self) -> io::Result<PipeWriter> {
        let (reader, writer) = pipe()?;
        ioctl_fionbio(&reader, true)?;
        // Less is enough.
        let _ = fcntl_setpipe_size(&reader, AHEAD);
        let watched = reader.try_clone()?;
        let start = {
            let mut state = self.state();
            state.starts += 1;
            let start = state.starts;
            state.pipes.push((start, reader));
            start
        };
        let shared = self.clone();
        thread::Builder::new().name("log".to_owned()).spawn(move || {
            while shared.state().read(start) {
                let mut waited = [PollFd::from_borrowed_fd(watched.as_fd(), PollFlags::IN)];
                if let Err(error) = poll(&mut waited, None)
                    && error != rustix::io::Errno::INTR
                {
                    return;
                }
            }
        })?;
        Ok(writer)
    }

    /// Everything said so far.
    pub(super) fn text(&self) -> String {
        let mut state = self.state();
        // What the threads have not come to yet.
        let starts: Vec<u64> = state.pipes.iter().map(|(start, _)| *start).collect();
        for start in starts {
            state.read(start);
        }
        state.log.text()
    }
}

impl State {
    /// Reads what one start has said; whether there may be more of it. Stops after as much as the pipe holds, so that a server that never
    /// stops does not keep who asks for the log waiting.
    fn read(&mut self, start: u64) -> bool {
        let Some(place) = self.pipes.iter().position(|(known, _)| *known == start) else { return false };
        let mut piece = [0; PIECE];
        for _ in 0..=AHEAD / PIECE {
            let Some((_, pipe)) = self.pipes.get_mut(place) else { return false };
            match pipe.read(&mut piece) {
                Ok(read) if read > 0 => self.log.push(piece.get(..read).unwrap_or_default()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return true,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(_) | Err(_) => {
                    self.pipes.remove(place);
                    return false;
                }
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn what_was_said_is_there_at_once_also_of_an_earlier_start() {
        let log = Log::default();
        let mut first = log.writer().unwrap();
        first.write_all(b"one\n").unwrap();
        assert_eq!(log.text(), "one\n");
        drop(first);
        let mut second = log.writer().unwrap();
        second.write_all(b"two\n").unwrap();
        assert_eq!(log.text(), "one\ntwo\n");
    }

    #[test]
    fn nobody_waits_for_being_heard() {
        let log = Log::default();
        let mut writer = log.writer().unwrap();
        let piece = vec![b'z'; 1 << 20];
        // Fifty times what is kept, and no reader but the log's own.
        for _ in 0..200 {
            writer.write_all(&piece).unwrap();
        }
        drop(writer);
        assert!(log.text().len() < 5 << 20);
    }
}
