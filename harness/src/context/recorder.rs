//! Everything that happens goes through here into the history, on a thread of its own.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender, TryRecvError};
use std::thread::{JoinHandle, Thread};
use std::time::{Duration, Instant};

use redquake_reports::history::{Event, Header, Note, NoteKind, Phase, PhaseName, Writer};

use super::budget::{Budget, Within};
use super::clock::Clock;
use super::live::Live;

/// How long written events may wait before they are safe from a crash of the tool.
const FLUSH_EVERY: Duration = Duration::from_millis(500);
/// How often the writer looks by itself whether there is something to write.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// Events written between two looks at the time.
const BATCH: usize = 256;

/// Sends events to the history. Cheap to clone; never blocks.
#[derive(Clone)]
pub struct Recorder {
    events: Sender<Event>,
    writer: Thread,
    clock: Clock,
}

/// The writing side; `finish` closes the history.
pub struct Writing {
    thread: JoinHandle<io::Result<()>>,
}

/// Opens a history file and the thread that writes it. The header is on disk when this returns, before anything is started: whatever
/// kills the tool later, it is known which trial this is.
pub fn open(path: &Path, header: Header, clock: Clock, live: Arc<Live>, budget: Budget) -> io::Result<(Recorder, Writing)> {
    let file = File::create_new(path)?;
    let mut writer = Writer::create(Within::new(file.try_clone()?, budget))?;
    writer.write(&Event::Header(Box::new(header)))?;
    writer.flush()?;
    file.sync_all()?;
    // A file is found again after a power cut only if its folder is on disk too, and so is a folder.
    for folder in path.ancestors().skip(1).take(2).filter(|folder| !folder.as_os_str().is_empty()) {
        File::open(folder)?.sync_all()?;
    }
    let (events, incoming) = mpsc::channel();
    let thread = std::thread::Builder::new().name("history".to_owned()).spawn(move || write_all(writer, &incoming, clock, &live))?;
    Ok((Recorder { events, writer: thread.thread().clone(), clock }, Writing { thread }))
}

impl Recorder {
    /// Records an event.
    pub fn record(&self, event: Event) {
        // The writer only ends after every sender is gone or its disk failed; the second is reported by `Writing::finish`.
        let urgent = is_urgent(&event);
        let _ = self.events.send(event);
        if urgent {
            self.writer.unpark();
        }
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

/// Whether somebody may be waiting to see it while the trial runs. What clients did is only read afterwards, and to wake the writer for each
/// of their operations would take a fifth of the processor time of all they do.
fn is_urgent(event: &Event) -> bool {
    match event {
        Event::Header(_)
        | Event::Node(_)
        | Event::Started(_)
        | Event::Phase(_)
        | Event::Probe(_)
        | Event::Fault(_)
        | Event::Sentinel(_)
        | Event::Cluster(_)
        | Event::Role(_)
        | Event::Stall(_)
        | Event::Slots(_)
        | Event::Note(_)
        | Event::End(_) => true,
        Event::Op(_)
        | Event::Decision(_)
        | Event::Query(_)
        | Event::Read(_)
        | Event::Vote(_)
        | Event::Access(_)
        | Event::Payment(_)
        | Event::Exchange(_)
        | Event::Object(_)
        | Event::ServerStall(_)
        | Event::Final(_)
        | Event::Members(_)
        | Event::Keys(_)
        | Event::Paid(_)
        | Event::Value(_) => false,
    }
}

fn write_all(mut writer: Writer<Within<File>>, incoming: &Receiver<Event>, clock: Clock, live: &Live) -> io::Result<()> {
    let mut flushed = Instant::now();
    loop {
        for _ in 0..BATCH {
            match incoming.try_recv() {
                Ok(event) => {
                    if is_urgent(&event) {
                        live.observe(&event);
                    }
                    writer.write(&event)?;
                }
                Err(TryRecvError::Empty) => {
                    std::thread::park_timeout(LOOK_EVERY);
                    break;
                }
                Err(TryRecvError::Disconnected) => return writer.finish(clock.now())?.into_inner().sync_all(),
            }
        }
        if flushed.elapsed() >= FLUSH_EVERY {
            writer.flush()?;
            flushed = Instant::now();
        }
    }
}
