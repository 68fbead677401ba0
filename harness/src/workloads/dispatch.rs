//! Fires arrivals when they are due, from a thread of its own: the timers of the async runtime only know whole milliseconds, and
//! their rounding would be told as latency.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::Instant;

use super::Arrivals;
use crate::context::Clock;

/// Fires until it is dropped.
pub struct Dispatcher {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Dispatcher {
    /// Calls `fire` with the client's position and the intended start of each arrival, from now on. It must not block.
    pub fn start(clock: Clock, arrivals: Vec<Arrivals>, fire: impl FnMut(usize, u64) + Send + 'static) -> std::io::Result<Self> {
        let (stop, stopped) = mpsc::channel();
        let thread = std::thread::Builder::new().name("arrivals".to_owned()).spawn(move || run(clock, arrivals, fire, &stopped))?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Dispatcher {
    fn drop(&mut self) {
        self.stop.take();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn run(clock: Clock, mut arrivals: Vec<Arrivals>, mut fire: impl FnMut(usize, u64), stopped: &Receiver<()>) {
    let began = clock.now();
    let mut next: BinaryHeap<Reverse<(u64, usize)>> =
        arrivals.iter_mut().enumerate().map(|(client, arrivals)| Reverse((began + arrivals.next(), client))).collect();
    while let Some(Reverse((intended, client))) = next.pop() {
        let wait = clock.instant(intended).saturating_duration_since(Instant::now());
        if !matches!(stopped.recv_timeout(wait), Err(RecvTimeoutError::Timeout)) {
            return;
        }
        fire(client, intended);
        next.push(Reverse((began + arrivals[client].next(), client)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrivals_of_all_clients_fire_in_order_and_never_early() {
        let clock = Clock::start();
        let (send, fired) = mpsc::channel();
        let arrivals = (0..4).map(|client| Arrivals::new(1, client, 500.0)).collect();
        let dispatcher = Dispatcher::start(clock, arrivals, move |client, intended| {
            let _ = send.send((client, intended, clock.now()));
        });
        let seen: Vec<_> = fired.iter().take(400).collect();
        drop(dispatcher);
        assert!(seen.is_sorted_by_key(|(_, intended, _)| *intended));
        assert!(seen.iter().all(|(_, intended, at)| at >= intended));
        assert!((0..4).all(|client| seen.iter().any(|(other, ..)| *other == client)));
    }

    #[test]
    fn a_dropped_dispatcher_does_not_wait_for_the_next_arrival() {
        let dispatcher = Dispatcher::start(Clock::start(), vec![Arrivals::new(1, 0, 0.001)], |_, _| {}).expect("a thread");
        let began = Instant::now();
        drop(dispatcher);
        assert!(began.elapsed().as_secs() < 5, "the next arrival is about a thousand seconds away");
    }
}
