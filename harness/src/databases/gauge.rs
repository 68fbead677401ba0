//! Counters of a pool: who waits, who is served, who got nothing.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::QueryError;

/// Counts what goes through a pool. Cheap to read at any moment.
#[derive(Debug, Default)]
pub struct Gauge {
    asked: AtomicU64,
    answered: AtomicU64,
    refused: AtomicU64,
    timed_out: AtomicU64,
    failed: AtomicU64,
    waiting: AtomicU64,
    busy: AtomicU64,
}

/// The counters at one moment.
#[cfg(test)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reading {
    /// Queries asked.
    pub asked: u64,
    /// Queries answered.
    pub answered: u64,
    /// Queries refused.
    pub refused: u64,
    /// Queries without an answer in time.
    pub timed_out: u64,
    /// Queries that failed in another way.
    pub failed: u64,
    /// Queries waiting for a connection now.
    pub waiting: u64,
    /// Queries on a connection now.
    pub busy: u64,
}

impl Gauge {
    /// The counters now.
    #[cfg(test)]
    pub fn read(&self) -> Reading {
        Reading {
            asked: self.asked.load(Relaxed),
            answered: self.answered.load(Relaxed),
            refused: self.refused.load(Relaxed),
            timed_out: self.timed_out.load(Relaxed),
            failed: self.failed.load(Relaxed),
            waiting: self.waiting.load(Relaxed),
            busy: self.busy.load(Relaxed),
        }
    }

    pub(super) fn asked(&self) {
        self.asked.fetch_add(1, Relaxed);
    }

    pub(super) fn ended<T>(&self, answer: &Result<T, QueryError>) {
        let counter = match answer {
            Ok(_) => &self.answered,
            Err(QueryError::Refused(_)) => &self.refused,
            Err(QueryError::TimedOut { .. }) => &self.timed_out,
            Err(QueryError::Failed { .. }) => &self.failed,
        };
        counter.fetch_add(1, Relaxed);
    }

    /// Counts one as waiting until the guard goes; `None` when `most` are waiting already.
    pub(super) fn wait(&self, most: u64) -> Option<Held<'_>> {
        let room = |waiting: u64| (waiting < most).then_some(waiting + 1);
        self.waiting.fetch_update(Relaxed, Relaxed, room).ok().map(|_| Held(&self.waiting))
    }

    /// Counts one as busy until the guard goes.
    pub(super) fn serve(&self) -> Held<'_> {
        self.busy.fetch_add(1, Relaxed);
        Held(&self.busy)
    }
}

/// Counted as long as it lives.
pub(super) struct Held<'a>(&'a AtomicU64);

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}
