//! PostgreSQL on the network of the lab, behind a pool of connections.

use std::net::Ipv4Addr;
use std::time::Instant;

use async_trait::async_trait;
use deadpool_postgres::{Client, ManagerConfig, Pool, PoolError, RecyclingMethod, Runtime, TimeoutType, Timeouts};
use redquake_experiments::spec::DatabasePool;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::Type;
use tokio_postgres::{Config, NoTls};

use super::contract::{Begin, Charge, Charged, Database, Entry, Query, QueryError};
use super::gauge::Gauge;

/// Where a PostgreSQL server listens, and as whom it is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Its address on the lab network.
    pub ip: Ipv4Addr,
    /// Its port.
    pub port: u16,
    /// The user, who needs no password.
    pub user: String,
}

/// The tables of one workload in a PostgreSQL server.
pub struct Postgres {
    clients: Pool,
    pool: DatabasePool,
    /// Prefix of the workload's tables.
    prefix: String,
    /// Seconds each query sleeps on its connection.
    service: f64,
    gauge: Gauge,
}

impl Postgres {
    /// Makes the tables of a workload, with `items` items whose value is their key. Connections are made on the threads that ask:
    /// to be called, and used, inside the zone of the clients.
    ///
    /// # Errors
    /// In words, what the server said.
    pub async fn create(server: &Server, workload: u16, items: u32, pool: DatabasePool) -> Result<Self, String> {
        let mut config = Config::new();
        config.host(server.ip.to_string()).port(server.port).user(&server.user).dbname("postgres");
        config.application_name(format!("redquake workload {workload}")).connect_timeout(pool.timeout.to_std());
        let manager = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = deadpool_postgres::Manager::from_config(config, NoTls, manager);
        let clients = Pool::builder(manager).max_size(pool.pool as usize).runtime(Runtime::Tokio1).build();
        let clients = clients.map_err(|error| error.to_string())?;
        let prefix = format!("w{workload}");
        let made = Self { clients, pool, prefix, service: pool.service_time.as_secs_f64(), gauge: Gauge::default() };
        let client = made.clients.get().await.map_err(|error| words(&error))?;
        client.batch_execute(&made.schema(items)).await.map_err(|error| said(&error))?;
        Ok(made)
    }

    fn schema(&self, items: u32) -> String {
        let prefix = &self.prefix;
        format!(
            "CREATE TABLE {prefix}_items (key bigint PRIMARY KEY, value bigint NOT NULL);
             INSERT INTO {prefix}_items SELECT key, key FROM generate_series(0, {items}::bigint - 1) AS key;
             CREATE TABLE {prefix}_jobs (job bigint PRIMARY KEY, fence bigint NOT NULL);
             CREATE TABLE {prefix}_ledger (number bigserial PRIMARY KEY, job bigint NOT NULL, id bigint NOT NULL, fence bigint);
             CREATE INDEX ON {prefix}_ledger (job);
             ANALYZE;"
        )
    }

    /// Does some work on a connection. A connection whose query did not end in time is given up; the server goes on with the query.
    async fn ask<T>(&self, work: impl AsyncFnOnce(&mut Client) -> Result<T, tokio_postgres::Error>) -> Query<T> {
        self.gauge.asked();
        let asked = Instant::now();
        let mut began = None;
        let answer = self.serve(asked, &mut began, work).await;
        self.gauge.ended(&answer);
        Query { asked, began, ended: Instant::now(), answer }
    }

    async fn serve<T>(
        &self,
        asked: Instant,
        began: &mut Option<Instant>,
        work: impl AsyncFnOnce(&mut Client) -> Result<T, tokio_postgres::Error>,
    ) -> Result<T, QueryError> {
        let deadline = tokio::time::Instant::from_std(asked + self.pool.timeout.to_std());
        let mut client = {
            let status = self.clients.status();
            // Room in the pool: nobody is in front of this one.
            let waits = status.available == 0 && status.size >= status.max_size;
            let full = || QueryError::Refused("too many queries wait for a connection".to_owned());
            let _waiting = if waits { Some(self.gauge.wait(self.pool.queue.into()).ok_or_else(full)?) } else { None };
            let limit = Some(self.pool.timeout.to_std());
            let limits = Timeouts { wait: limit, create: limit, recycle: limit };
            let taken = tokio::time::timeout_at(deadline, self.clients.timeout_get(&limits)).await;
            taken.map_err(|_| QueryError::TimedOut { sent: false })?.map_err(not_served)?
        };
        *began = Some(Instant::now());
        let _busy = self.gauge.serve();
        let outcome = tokio::time::timeout_at(deadline, work(&mut client)).await;
        match outcome {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(QueryError::Failed { sent: true, reason: said(&error) }),
            Err(_) => {
                drop(Client::take(client));
                Err(QueryError::TimedOut { sent: true })
            }
        }
    }
}

#[async_trait]
impl Database for Postgres {
    async fn lookup(&self, key: u32) -> Query<Option<i64>> {
        let text = format!("SELECT (SELECT value FROM {}_items WHERE key = $1), pg_sleep($2)::text", self.prefix);
        let service = self.service;
        self.ask(async move |client| {
            let statement = client.prepare_cached(&text).await?;
            client.query_one(&statement, &[&i64::from(key), &service]).await?.try_get(0)
        })
        .await
    }

    async fn begin(&self, job: u32, fence: Option<u64>) -> Query<Begin> {
        let (prefix, service, job) = (self.prefix.clone(), self.service, i64::from(job));
        self.ask(async move |client| {
            let transaction = client.transaction().await?;
            if let Some(fence) = fence {
                let register = transaction
                    .prepare_cached(&format!(
                        "INSERT INTO {prefix}_jobs AS known (job, fence) VALUES ($1, $2)
                         ON CONFLICT (job) DO UPDATE SET fence = excluded.fence WHERE known.fence < excluded.fence"
                    ))
                    .await?;
                if transaction.execute(&register, &[&job, &signed(fence)]).await? == 0 {
                    return Ok(Begin::Stale);
                }
            }
            // A statement of its own, after the job's row is locked: it sees a charge that was entered while this one waited.
            let look = format!("SELECT pg_sleep($2)::text, EXISTS (SELECT 1 FROM {prefix}_ledger WHERE job = $1)");
            let statement = transaction.prepare_cached(&look).await?;
            let paid: bool = transaction.query_one(&statement, &[&job, &service]).await?.try_get(1)?;
            transaction.commit().await?;
            Ok(if paid { Begin::Paid } else { Begin::Open })
        })
        .await
    }

    async fn charge(&self, charge: Charge) -> Query<Charged> {
        let (prefix, service) = (self.prefix.clone(), self.service);
        self.ask(async move |client| {
            let (job, id, fence) = (i64::from(charge.job), signed(charge.id), charge.fence.map(signed));
            let enter = format!(
                "WITH slept AS MATERIALIZED (SELECT pg_sleep($4)::text AS text),
                      allowed AS (SELECT 1 FROM {prefix}_jobs WHERE job = $1 AND fence = $3 FOR UPDATE)
                 INSERT INTO {prefix}_ledger (job, id, fence) SELECT $1, $2, $3 FROM slept
                 WHERE slept.text = '' AND ($3 IS NULL OR EXISTS (SELECT 1 FROM allowed))"
            );
            let statement = client.prepare_typed_cached(&enter, &[Type::INT8, Type::INT8, Type::INT8, Type::FLOAT8]).await?;
            let entered = client.execute(&statement, &[&job, &id, &fence, &service]).await?;
            Ok(if entered == 0 { Charged::Stale } else { Charged::Entered })
        })
        .await
    }

    async fn ledger(&self) -> Result<Vec<Entry>, String> {
        let client = self.clients.get().await.map_err(|error| words(&error))?;
        let text = format!("SELECT job, id, fence FROM {}_ledger ORDER BY number", self.prefix);
        let rows = client.query(&text, &[]).await.map_err(|error| said(&error))?;
        let entry = |row: &tokio_postgres::Row| -> Result<Entry, tokio_postgres::Error> {
            let (job, id, fence): (i64, i64, Option<i64>) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
            Ok(Entry { job: u32::try_from(job).unwrap_or_default(), id: unsigned(id), fence: fence.map(unsigned) })
        };
        rows.iter().map(entry).collect::<Result<_, _>>().map_err(|error| said(&error))
    }

    #[cfg(test)]
    fn gauge(&self) -> &Gauge {
        &self.gauge
    }
}

/// Why no connection was had; nothing was sent then.
fn not_served(error: PoolError) -> QueryError {
    match error {
        PoolError::Timeout(TimeoutType::Wait | TimeoutType::Create | TimeoutType::Recycle) => QueryError::TimedOut { sent: false },
        PoolError::Backend(error) if error.code() == Some(&SqlState::TOO_MANY_CONNECTIONS) => QueryError::Refused(said(&error)),
        other => QueryError::Failed { sent: false, reason: words(&other) },
    }
}

fn words(error: &PoolError) -> String {
    match error {
        PoolError::Backend(error) => said(error),
        other => other.to_string(),
    }
}

/// The server's own words; the crate's only say `db error`.
fn said(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(told) => told.message().to_owned(),
        None => {
            let cause = std::error::Error::source(error).map(|source| format!(": {source}"));
            format!("{error}{}", cause.unwrap_or_default())
        }
    }
}

/// SQL knows signed numbers only; ours are far below the largest of them.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}
