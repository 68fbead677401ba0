//! The databases behind caches and payments: real ones, behind bounded pools whose queues are measured.

mod contract;
mod gauge;
#[cfg(test)]
mod laws;
mod postgres;
mod sqlite;

pub use contract::{Begin, Charge, Charged, Database, QueryError};
pub use postgres::{Postgres, Server};
pub use sqlite::Sqlite;
