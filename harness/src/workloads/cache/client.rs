//! One read through the cache.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use redquake_experiments::spec::CacheAsideWorkload;
use redquake_reports::history::{Event, OpKind, Outcome, Queried, Query, Read, ReadFrom};

use super::super::arrivals::stream_of;
use super::super::behaviour::{Asked, Common, Request, WorkloadClient};
use super::breaker::Breaker;
use super::flight::{Flights, Seat, arrival};
use super::popularity::Popularity;
use crate::databases::{Database, QueryError};

/// The name of a cached item on the server.
pub fn cache_key(workload: u16, key: u32) -> String {
    format!("cache:{workload}:{key}")
}

/// What the clients of a cache-aside workload do.
pub struct CacheAside {
    spec: CacheAsideWorkload,
    database: Option<Arc<dyn Database>>,
    popularity: Popularity,
    breaker: Breaker,
    flights: Flights,
    /// What was seen last of each item.
    old: Mutex<HashMap<u32, i64>>,
    jitter: Mutex<ChaCha8Rng>,
}

impl CacheAside {
    pub fn new(spec: CacheAsideWorkload, common: &Common) -> Self {
        Self {
            database: common.database.clone(),
            popularity: Popularity::new(spec.access, spec.keys),
            breaker: Breaker::new(spec.breaker),
            flights: Flights::default(),
            old: Mutex::default(),
            // A stream no client has: theirs are numbered by the client in the lower half.
            jitter: Mutex::new(stream_of(common.seed, u64::from(common.index) << 32 | u64::from(u32::MAX))),
            spec,
        }
    }

    /// Asks the database, unless the breaker is open or somebody is asking already.
    async fn load(&self, turn: &Request) -> (Option<i64>, ReadFrom) {
        let pilot = match self.spec.single_flight.then(|| self.flights.board(turn.key)) {
            Some(Seat::Passenger(told)) => return (arrival(told).await, ReadFrom::Shared),
            Some(Seat::Pilot(pilot)) => Some(pilot),
            None => None,
        };
        let answer = self.query(turn).await;
        if let Some(pilot) = pilot {
            pilot.land(answer);
        }
        (answer, ReadFrom::Database)
    }

    async fn query(&self, turn: &Request) -> Option<i64> {
        let database = self.database.as_ref()?;
        let clock = turn.common.clock;
        if !self.breaker.allows(clock.now()) {
            return None;
        }
        let query = database.lookup(turn.key).await;
        let out = match &query.answer {
            Ok(_) => Queried::Ok,
            Err(QueryError::Refused(_)) => Queried::Refused,
            Err(QueryError::TimedOut { .. }) => Queried::Timeout,
            Err(QueryError::Failed { .. }) => Queried::Failed,
        };
        let at = [clock.at(query.asked), clock.at(query.ended)];
        self.breaker.learn(at[1], out == Queried::Ok);
        let began = query.began.map(|began| clock.at(began));
        let (w, c, id, key) = (turn.common.index, turn.client, turn.id, turn.key);
        turn.common.recorder.record(Event::Query(Query { w, c, id, key, at, began, out }));
        query.answer.ok().flatten()
    }

    fn remember(&self, key: u32, value: i64) {
        if self.spec.stale_if_error {
            self.old.lock().unwrap_or_else(PoisonError::into_inner).insert(key, value);
        }
    }

    fn old(&self, key: u32) -> Option<i64> {
        self.old.lock().unwrap_or_else(PoisonError::into_inner).get(&key).copied()
    }

    /// A lifetime, ms.
    fn lifetime(&self) -> u64 {
        let (ttl, jitter) = (self.spec.ttl.as_millis(), self.spec.jitter.as_millis());
        if jitter == 0 {
            return ttl.max(1);
        }
        let mut random = self.jitter.lock().unwrap_or_else(PoisonError::into_inner);
        random.random_range(ttl.saturating_sub(jitter)..=ttl + jitter).max(1)
    }
}

impl WorkloadClient for CacheAside {
    fn first(&self) -> OpKind {
        OpKind::Get
    }

    fn keys(&self) -> u32 {
        self.spec.keys
    }

    fn key(&self, random: &mut ChaCha8Rng) -> u32 {
        self.popularity.draw(random)
    }

    async fn run(&self, turn: &Request) {
        let (index, clock, name) =
            (turn.common.index, turn.common.clock, turn.common.keys.name(cache_key(turn.common.index, turn.key), turn.key));
        let tell = |from: ReadFrom| {
            let at = [turn.intended, clock.now()];
            turn.common.recorder.record(Event::Read(Read { w: index, c: turn.client, id: turn.id, key: turn.key, at, from }));
        };
        let get = redis::cmd("GET").arg(&name).take();
        let asked = turn.call::<Option<i64>>(OpKind::Get, turn.intended, Asked::Command(&get), |_| (Outcome::Ok, None)).await;
        let Some(reply) = asked else { return };
        if let Some(value) = reply.value.flatten() {
            self.remember(turn.key, value);
            return tell(ReadFrom::Cache);
        }
        let (answer, from) = self.load(turn).await;
        match answer {
            None if self.spec.stale_if_error && self.old(turn.key).is_some() => tell(ReadFrom::Stale),
            None => tell(ReadFrom::Nowhere),
            Some(value) => {
                self.remember(turn.key, value);
                tell(from);
                // Who shared a query shares its filling too.
                if from == ReadFrom::Database {
                    let put = redis::cmd("SET").arg(&name).arg(value).arg("PX").arg(self.lifetime()).take();
                    turn.perform::<()>(OpKind::Put, clock.now(), &put, |()| (Outcome::Ok, None)).await;
                }
            }
        }
    }
}
