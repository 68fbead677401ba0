//! SQLite inside this process: WAL, a fixed number of connections, and a queue in front of them.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use redquake_experiments::spec::DatabasePool;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use tokio::sync::Semaphore;

use super::contract::{Begin, Charge, Charged, Database, Entry, Query, QueryError};
use super::gauge::Gauge;

const SCHEMA: &str = "
    CREATE TABLE items (key INTEGER PRIMARY KEY, value INTEGER NOT NULL);
    CREATE TABLE jobs (job INTEGER PRIMARY KEY, fence INTEGER NOT NULL);
    CREATE TABLE ledger (number INTEGER PRIMARY KEY, job INTEGER NOT NULL, id INTEGER NOT NULL, fence INTEGER);
    CREATE INDEX ledger_jobs ON ledger (job);
";

/// An embedded database of one workload.
pub struct Sqlite {
    idle: Arc<Mutex<Vec<Connection>>>,
    free: Arc<Semaphore>,
    pool: DatabasePool,
    gauge: Gauge,
}

impl Sqlite {
    /// Makes the database, with `items` items whose value is their key. Its files are without a name once all connections have them open, so
    /// that nothing stays of them, whatever ends the tool. Blocks.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn create(file: &Path, items: u32, pool: DatabasePool) -> rusqlite::Result<Self> {
        let opened = open_all(file, pool);
        for part in ["", "-wal", "-shm"] {
            let mut name = file.as_os_str().to_owned();
            name.push(part);
            // One that was not made is not there.
            let _ = std::fs::remove_file(name);
        }
        let mut idle = opened?;
        let Some(first) = idle.first_mut() else { return Err(rusqlite::Error::InvalidQuery) };
        let filling = first.transaction()?;
        filling.execute_batch(SCHEMA)?;
        {
            let mut insert = filling.prepare("INSERT INTO items (key, value) VALUES (?1, ?1)")?;
            for key in 0..items {
                insert.execute([key])?;
            }
        }
        filling.commit()?;
        let free = Arc::new(Semaphore::new(idle.len()));
        Ok(Self { idle: Arc::new(Mutex::new(idle)), free, pool, gauge: Gauge::default() })
    }

    /// Does some work on a connection. Work that was begun goes on when its time is over, and keeps its connection, as a real server would.
    async fn ask<T, W>(&self, work: W) -> Query<T>
    where
        T: Send + 'static,
        W: FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        self.gauge.asked();
        let asked = Instant::now();
        let mut began = None;
        let answer = self.serve(asked, &mut began, work).await;
        self.gauge.ended(&answer);
        Query { asked, began, ended: Instant::now(), answer }
    }

    async fn serve<T, W>(&self, asked: Instant, began: &mut Option<Instant>, work: W) -> Result<T, QueryError>
    where
        T: Send + 'static,
        W: FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let deadline = tokio::time::Instant::from_std(asked + self.pool.timeout.to_std());
        let permit = match Arc::clone(&self.free).try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) => {
                let full = || QueryError::Refused("too many queries wait for a connection".to_owned());
                let _waiting = self.gauge.wait(self.pool.queue.into()).ok_or_else(full)?;
                let turn = tokio::time::timeout_at(deadline, Arc::clone(&self.free).acquire_owned()).await;
                let turn = turn.map_err(|_| QueryError::TimedOut { sent: false })?;
                turn.map_err(|error| QueryError::Failed { sent: false, reason: error.to_string() })?
            }
        };
        *began = Some(Instant::now());
        let _busy = self.gauge.serve();
        let (idle, service) = (Arc::clone(&self.idle), self.pool.service_time.to_std());
        let working = tokio::task::spawn_blocking(move || {
            let taken = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let outcome = match taken {
                Some(mut connection) => {
                    pause(service);
                    let outcome = work(&mut connection).map_err(|error| error.to_string());
                    idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
                    outcome
                }
                // There are as many connections as permits, unless a query panicked on one.
                None => Err("a connection of the pool is missing".to_owned()),
            };
            drop(permit);
            outcome
        });
        match tokio::time::timeout_at(deadline, working).await {
            Ok(Ok(outcome)) => outcome.map_err(|reason| QueryError::Failed { sent: true, reason }),
            Ok(Err(error)) => Err(QueryError::Failed { sent: true, reason: error.to_string() }),
            Err(_) => Err(QueryError::TimedOut { sent: true }),
        }
    }
}

fn pause(service: Duration) {
    if !service.is_zero() {
        std::thread::sleep(service);
    }
}

/// All connections of the pool, each with the files open that it will ever need: of those that are written ahead it opens the log with its first look.
fn open_all(file: &Path, pool: DatabasePool) -> rusqlite::Result<Vec<Connection>> {
    let mut all = Vec::new();
    for _ in 0..pool.pool.max(1) {
        let connection = open(file, pool)?;
        if all.is_empty() {
            // WAL is a property of the file and must be set before others use it.
            connection.pragma_update(None, "journal_mode", "wal")?;
        }
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, i64>(0))?;
        all.push(connection);
    }
    Ok(all)
}

fn open(file: &Path, pool: DatabasePool) -> rusqlite::Result<Connection> {
    let connection = Connection::open(file)?;
    // Nothing here must survive a crash of the machine; what is measured is the load, not the disk.
    connection.pragma_update(None, "synchronous", "off")?;
    connection.busy_timeout(pool.timeout.to_std())?;
    Ok(connection)
}

#[async_trait]
impl Database for Sqlite {
    async fn lookup(&self, key: u32) -> Query<Option<i64>> {
        self.ask(move |connection| {
            connection.prepare_cached("SELECT value FROM items WHERE key = ?1")?.query_row([key], |row| row.get(0)).optional()
        })
        .await
    }

    async fn begin(&self, job: u32, fence: Option<u64>) -> Query<Begin> {
        self.ask(move |connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            if let Some(fence) = fence {
                let register = "INSERT INTO jobs (job, fence) VALUES (?1, ?2)
                    ON CONFLICT (job) DO UPDATE SET fence = excluded.fence WHERE jobs.fence < excluded.fence";
                if transaction.prepare_cached(register)?.execute(params![job, signed(fence)])? == 0 {
                    return Ok(Begin::Stale);
                }
            }
            let paid = transaction.prepare_cached("SELECT 1 FROM ledger WHERE job = ?1")?.exists([job])?;
            transaction.commit()?;
            Ok(if paid { Begin::Paid } else { Begin::Open })
        })
        .await
    }

    async fn charge(&self, charge: Charge) -> Query<Charged> {
        self.ask(move |connection| {
            let enter = "INSERT INTO ledger (job, id, fence) SELECT ?1, ?2, ?3
                WHERE ?3 IS NULL OR EXISTS (SELECT 1 FROM jobs WHERE job = ?1 AND fence = ?3)";
            let entered = connection.prepare_cached(enter)?.execute(params![charge.job, signed(charge.id), charge.fence.map(signed)])?;
            Ok(if entered == 0 { Charged::Stale } else { Charged::Entered })
        })
        .await
    }

    async fn ledger(&self) -> Result<Vec<Entry>, String> {
        let query = self.ask(|connection| {
            let mut statement = connection.prepare("SELECT job, id, fence FROM ledger ORDER BY number")?;
            let entry = |row: &rusqlite::Row<'_>| {
                Ok(Entry { job: row.get(0)?, id: unsigned(row.get(1)?), fence: row.get::<_, Option<i64>>(2)?.map(unsigned) })
            };
            statement.query_map([], entry)?.collect()
        });
        query.await.answer.map_err(|error| error.to_string())
    }

    #[cfg(test)]
    fn gauge(&self) -> &Gauge {
        &self.gauge
    }
}

/// SQL knows signed numbers only; ours are far below the largest of them.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}
