//! Everything that happens goes through here into the history, on a thread of its own.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use redquake_reports::history::{Event, Note, NoteKind, Phase, PhaseName, Writer};

use super::clock::Clock;
use super::live::Live;

/// How long written events may wait before they are safe from a crash of the tool.
const FLUSH_EVERY: Duration = Duration::from_millis(500);

/// Sends events to the history. Cheap to clone; never blocks.
#[derive(Clone)]
pub struct Recorder {
    events: Sender<Event>,
    clock: Clock,
}

/// The writing side; `finish` closes the history.
pub struct Writing {
    thread: JoinHandle<io::Result<()>>,
}

/// Opens a history file and the thread that writes it.
pub fn open(path: &Path, clock: Clock, live: Arc<Live>) -> io::Result<(Recorder, Writing)> {
    let writer = Writer::create(File::create_new(path)?)?;
    let (events, incoming) = mpsc::channel();
    let thread = std::thread::Builder::new().name("history".to_owned()).spawn(move || write_all(writer, &incoming, clock, &live))?;
    Ok((Recorder { events, clock }, Writing { thread }))
}

impl Recorder {
    /// Records an event.
    pub fn record(&self, event: Event) {
        // The writer only ends after every sender is gone or its disk failed; the second is reported by `Writing::finish`.
        let _ = self.events.send(event);
    }

    /// Records that a phase began now, and returns that instant.
    pub fn phase(&self, name: PhaseName) -> u64 {
        let at = self.clock.now();
        self.record(Event::Phase(Phase { at, name }));
        at
    }

    /// Records a note now.
    pub fn note(&self, kind: NoteKind, text: impl Into<String>) {
        self.record(Event::Note(Note { at: self.clock.now(), kind, text: text.into() }));
    }
}

impl Writing {
    /// Waits until everything is on disk. Every `Recorder` must be gone by then, or this waits for it.
    pub fn finish(self) -> io::Result<()> {
        self.thread.join().unwrap_or_else(|_| Err(io::Error::other("the history writer panicked")))
    }
}

fn write_all(mut writer: Writer<File>, incoming: &Receiver<Event>, clock: Clock, live: &Live) -> io::Result<()> {
    let mut flushed = Instant::now();
    loop {
        match incoming.recv_timeout(FLUSH_EVERY) {
            Ok(event) => {
                live.observe(&event);
                writer.write(&event)?;
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
        if flushed.elapsed() >= FLUSH_EVERY {
            writer.flush()?;
            flushed = Instant::now();
        }
    }
    writer.finish(clock.now())?.sync_all()
}
