//! The thread that holds packets of one fault and lets each go when its time has come.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};

use super::super::urgent::be_urgent;
use super::netlink::{Held, Queue};
use crate::namespace::Namespace;
use crate::runtime::RuntimeError;

/// A running thread. Ends it when dropped, without waiting.
#[derive(Debug)]
pub(super) struct Hold {
    end: Arc<OwnedFd>,
    thread: Option<JoinHandle<()>>,
    latest_nanoseconds: Arc<AtomicU64>,
}

/// What is done to each packet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wait {
    pub(super) delay: Duration,
    pub(super) jitter: Duration,
    /// Bit of the mark by which a packet is known to have waited.
    pub(super) bit: u32,
}

impl Wait {
    /// As netem does it: anything between delay - jitter and delay + jitter, equally likely, each packet for itself.
    fn draw(self, random: &mut ChaCha8Rng) -> Duration {
        let jitter = self.jitter.as_nanos() as u64;
        self.delay.saturating_sub(self.jitter) + Duration::from_nanos(random.random_range(0..=2 * jitter))
    }
}

impl Hold {
    /// Binds the queue inside the namespace and begins to serve it.
    pub(super) fn start(namespace: &Namespace, number: u16, wait: Wait) -> Result<Self, RuntimeError> {
        let failed = |reason: &dyn std::fmt::Display| RuntimeError::failed("holding packets back", reason);
        let end = Arc::new(eventfd(0, EventfdFlags::CLOEXEC).map_err(|error| failed(&error))?);
        let latest_nanoseconds = Arc::new(AtomicU64::new(0));
        let (report, reports) = mpsc::channel();
        let (namespace, told, ended) = (namespace.clone(), Arc::clone(&latest_nanoseconds), Arc::clone(&end));
        let work = move || {
            be_urgent();
            let queue = namespace.enter().and_then(|()| Queue::bind(number));
            // It pins the namespace through its thread already.
            drop(namespace);
            match queue {
                Ok(queue) => {
                    let _ = report.send(Ok(()));
                    // It fails only if the kernel takes the queue away; the rules then let everything pass.
                    let _ = serve(&queue, wait, &told, &ended);
                }
                Err(error) => {
                    let _ = report.send(Err(error));
                }
            }
        };
        let thread = thread::Builder::new().name("delay".to_owned()).spawn(work).map_err(|error| failed(&error))?;
        let started = reports.recv().map_err(|error| failed(&error))?;
        started.map_err(|error| failed(&format!("its queue cannot be had: {error}")))?;
        Ok(Self { end, thread: Some(thread), latest_nanoseconds })
    }

    /// Whether packets are still being held and let go.
    pub(super) fn serves(&self) -> bool {
        self.thread.as_ref().is_some_and(|thread| !thread.is_finished())
    }

    /// By how much the latest packet was late.
    pub(super) fn latest(&self) -> Duration {
        Duration::from_nanos(self.latest_nanoseconds.load(Ordering::Relaxed))
    }

    /// Lets go of everything at once, in the order in which it was due, and ends. To be called when no rule sends packets any more.
    pub(super) fn finish(mut self) {
        self.ask_to_end();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }

    fn ask_to_end(&self) {
        // It fails only if it was asked 2^64 times.
        let _ = rustix::io::write(&*self.end, &1_u64.to_ne_bytes());
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.ask_to_end();
    }
}

fn serve(queue: &Queue, wait: Wait, latest: &AtomicU64, end: &OwnedFd) -> io::Result<()> {
    let mut random = ChaCha8Rng::seed_from_u64(RandomState::new().hash_one(0));
    let mut held: BinaryHeap<Reverse<(Instant, u32, u32)>> = BinaryHeap::new();
    loop {
        let mut ready = [PollFd::new(queue, PollFlags::IN), PollFd::new(end, PollFlags::IN)];
        let next = held.peek().map(|Reverse((due, ..))| due.saturating_duration_since(Instant::now()));
        let timeout = next.map(|wait| Timespec { tv_sec: wait.as_secs() as i64, tv_nsec: wait.subsec_nanos().into() });
        match poll(&mut ready, timeout.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let ending = !ready[1].revents().is_empty();
        while let Some(packet) = queue.next()? {
            held.push(Reverse((Instant::now() + wait.draw(&mut random), packet.id, packet.mark)));
            // A flood must not keep those waiting that are due.
            release(queue, wait.bit, latest, &mut held, false)?;
        }
        release(queue, wait.bit, latest, &mut held, ending)?;
        if ending {
            return Ok(());
        }
    }
}

/// Lets go of what is due, or of everything.
fn release(
    queue: &Queue,
    bit: u32,
    latest: &AtomicU64,
    held: &mut BinaryHeap<Reverse<(Instant, u32, u32)>>,
    everything: bool,
) -> io::Result<()> {
    while let Some(Reverse((due, id, mark))) = held.peek().copied() {
        let now = Instant::now();
        if !everything && due > now {
            break;
        }
        held.pop();
        queue.release(Held { id, mark }, mark | bit)?;
        latest.fetch_max(now.saturating_duration_since(due).as_nanos() as u64, Ordering::Relaxed);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_fill_the_range_evenly_and_never_leave_it() {
        let wait = Wait { delay: Duration::from_millis(50), jitter: Duration::from_millis(10), bit: 1 };
        let mut random = ChaCha8Rng::seed_from_u64(1);
        let drawn: Vec<f64> = (0..10_000).map(|_| wait.draw(&mut random).as_secs_f64() * 1000.0).collect();
        assert!(drawn.iter().all(|ms| (40.0..=60.0).contains(ms)));
        let below = |limit: f64| drawn.iter().filter(|ms| **ms < limit).count();
        assert!((below(45.0) as i64 - 2500).abs() < 200 && (below(50.0) as i64 - 5000).abs() < 200, "{} {}", below(45.0), below(50.0));
        let steady = Wait { jitter: Duration::ZERO, ..wait };
        assert_eq!(steady.draw(&mut random), Duration::from_millis(50));
    }
}
