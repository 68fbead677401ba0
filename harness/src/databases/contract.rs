//! What a workload asks of a database, and how the answer is timed.

use std::time::Instant;

use async_trait::async_trait;

#[cfg(test)]
use super::gauge::Gauge;

/// A database behind a bounded pool of connections. It holds items, looked up by key, and a ledger of payments.
#[async_trait]
pub trait Database: Send + Sync {
    /// The value of an item; `None` when there is none of that key.
    async fn lookup(&self, key: u32) -> Query<Option<i64>>;

    /// Asks whether a job has been paid. With a fencing token it also registers the token, after which charges with an
    /// older one are refused.
    async fn begin(&self, job: u32, fence: Option<u64>) -> Query<Begin>;

    /// Enters a payment into the ledger. With a fencing token only while no newer one is registered for the job.
    async fn charge(&self, charge: Charge) -> Query<Charged>;

    /// Every payment, in the order in which it was entered. Not measured.
    async fn ledger(&self) -> Result<Vec<Entry>, String>;

    /// What has been asked so far.
    #[cfg(test)]
    fn gauge(&self) -> &Gauge;
}

/// A query with its times.
#[derive(Debug, Clone)]
pub struct Query<T> {
    /// When it was asked.
    pub asked: Instant,
    /// When it got a connection; never when it was refused or its time was over before.
    pub began: Option<Instant>,
    /// When the answer, or that there will be none, was known.
    pub ended: Instant,
    /// What came back.
    pub answer: Result<T, QueryError>,
}

/// Why a query has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// Certainly not executed: the queue at the pool was full, or the server had no connection left.
    #[error("refused: {0}")]
    Refused(String),
    /// No answer in time. One that had been sent may have been executed.
    #[error("no answer in time")]
    TimedOut {
        /// Whether it had got a connection.
        sent: bool,
    },
    /// The database could not be reached or answered with an error; one that had been sent may have been executed.
    #[error("{reason}")]
    Failed {
        /// Whether it had got a connection.
        sent: bool,
        /// In the database's words.
        reason: String,
    },
}

impl QueryError {
    /// Whether the query was certainly not executed.
    pub fn is_certain(&self) -> bool {
        match self {
            Self::Refused(_) => true,
            Self::TimedOut { sent } | Self::Failed { sent, .. } => !sent,
        }
    }
}

/// What the database knows of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begin {
    /// It has not been paid.
    Open,
    /// It has been paid.
    Paid,
    /// The fencing token is not newer than one that is registered.
    Stale,
}

/// A payment to enter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Charge {
    /// The job that is paid.
    pub job: u32,
    /// Identity of the attempt, to find it in the ledger again.
    pub id: u64,
    /// The token to check.
    pub fence: Option<u64>,
}

/// What became of a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Charged {
    /// It is in the ledger.
    Entered,
    /// Refused: another token is registered for the job.
    Stale,
}

/// A payment in the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// The job.
    pub job: u32,
    /// The attempt that entered it.
    pub id: u64,
    /// The token it came with.
    pub fence: Option<u64>,
}
