//! A steady beat from a thread of its own; the timers of the async runtime only know whole milliseconds.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::watch;

/// Beats at fixed times; each carries the instant it was meant for. Dropping it ends the thread.
pub struct Pace {
    beats: watch::Receiver<Instant>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Pace {
    /// Starts beating.
    pub fn start(every: Duration) -> std::io::Result<Self> {
        let (beat, beats) = watch::channel(Instant::now());
        let stop = Arc::new(AtomicBool::new(false));
        let ended = Arc::clone(&stop);
        let thread = std::thread::Builder::new().name("pace".to_owned()).spawn(move || {
            let mut next = Instant::now() + every;
            while !ended.load(Ordering::Relaxed) {
                std::thread::sleep(next.saturating_duration_since(Instant::now()));
                beat.send_replace(next);
                next += every;
                // After a stall of this thread the missed beats are left out: a burst would only add load.
                while next < Instant::now() {
                    next += every;
                }
            }
        })?;
        Ok(Self { beats, stop, thread: Some(thread) })
    }

    /// A receiver of beats; a slow receiver misses beats, and does not delay the others.
    pub fn beats(&self) -> watch::Receiver<Instant> {
        self.beats.clone()
    }
}

impl Drop for Pace {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
