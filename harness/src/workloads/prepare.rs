//! What must be there before the clients of a workload start: its database, and a warm cache.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::RngExt;
use redquake_experiments::spec::{CacheAsideWorkload, Database as Wanted, Role, Workload, WorkloadKind};
use redquake_topologies::namespace::Zone;
use redquake_topologies::runtime::NodeAddress;

use super::arrivals::stream_of;
use super::cache::{Popularity, cache_key};
use crate::clients::{Timeouts, open};
use crate::context::{Keys, TrialContext};
use crate::databases::{Database, Postgres, Server, Sqlite};

/// A database cluster is made in about a second; a loaded machine takes several times as long.
const READY_WITHIN: Duration = Duration::from_secs(60);
/// Pause between two attempts to reach a server that is starting.
const AGAIN_AFTER: Duration = Duration::from_millis(25);
/// Longest waits while a cache is warmed.
const TIMEOUTS: Timeouts = Timeouts { connect: Duration::from_secs(2), response: Duration::from_secs(5) };
/// Items written in one round trip.
const CHUNK: usize = 1_000;

/// Makes the database of a workload and warms its cache. `file` is where an embedded database lies; `postgres` the server, where there is one.
pub async fn prepare(
    workload: &Workload,
    index: u16,
    context: &TrialContext,
    zone: &Zone,
    file: &Path,
    postgres: Option<&Server>,
) -> Result<Option<Arc<dyn Database>>, String> {
    let Some(wanted) = workload.kind.database() else { return Ok(None) };
    let items = match &workload.kind {
        WorkloadKind::CacheAside(cache) => cache.keys,
        _ => 0,
    };
    let pool = *wanted.pool();
    let database: Arc<dyn Database> = match wanted {
        Wanted::Sqlite(_) => {
            let file = file.to_owned();
            let making = zone.handle().spawn_blocking(move || Sqlite::create(&file, items, pool));
            let made = making.await.map_err(|error| error.to_string())?;
            Arc::new(made.map_err(|error| error.to_string())?)
        }
        Wanted::Postgres(_) => {
            let server = postgres.ok_or("there is no PostgreSQL server")?.clone();
            let making = zone.spawn(async move {
                let deadline = Instant::now() + READY_WITHIN;
                loop {
                    match Postgres::create(&server, index, items, pool).await {
                        Ok(database) => return Ok(database),
                        Err(error) if Instant::now() > deadline => return Err(error),
                        Err(_) => tokio::time::sleep(AGAIN_AFTER).await,
                    }
                }
            });
            Arc::new(making.await.map_err(|error| error.to_string())??)
        }
    };
    if let WorkloadKind::CacheAside(cache) = &workload.kind {
        for primary in context.roster.data().filter(|member| member.node.role == Role::Primary) {
            let (keys, rate) = (context.roster.keys.only(primary.shard), workload.rate.as_per_second());
            let warming = zone.spawn(warm(primary.node.address, index, keys, cache.clone(), rate, context.seed));
            warming.await.map_err(|error| error.to_string())?.map_err(|error| format!("the cache could not be warmed: {error}"))?;
        }
    }
    Ok(Some(database))
}

/// Fills the cache as it would be after long use: an item that is read `r` times in its lifetime is there with probability `r / (1 + r)`, with
/// a rest of its lifetime that is drawn evenly.
async fn warm(primary: NodeAddress, index: u16, names: Keys, cache: CacheAsideWorkload, rate: f64, seed: u64) -> redis::RedisResult<()> {
    let popularity = Popularity::new(cache.access, cache.keys);
    let mut random = stream_of(seed, u64::from(index) << 32 | u64::from(u32::MAX - 1));
    let lifetime = cache.ttl.as_nanos() as f64 / 1e9;
    let mut connection = open(primary, TIMEOUTS).await?;
    let keys: Vec<u32> = (0..cache.keys).filter(|key| names.cover(*key)).collect();
    for chunk in keys.chunks(CHUNK) {
        let mut pipeline = redis::pipe();
        for key in chunk {
            let reads = rate * popularity.share(*key) * lifetime;
            let rest = random.random_range(1..=cache.ttl.as_millis().max(1));
            if random.random_bool(reads / (1.0 + reads)) {
                pipeline.cmd("SET").arg(names.name(cache_key(index, *key), *key)).arg(*key).arg("PX").arg(rest).ignore();
            }
        }
        pipeline.query_async::<()>(&mut connection).await?;
    }
    Ok(())
}
