//! The clients of one workload: open-loop arrivals, each carried out by a task of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use redquake_experiments::spec;
use redquake_reports::history::{Outcome, Why};
use redquake_topologies::namespace::Zone;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::arrivals::{Arrivals, stream_of};
use super::behaviour::{ClientState, Common, WorkloadClient};
use super::client::Client;
use super::dispatch::Dispatcher;
use super::laps;
use crate::clients::{Session, Timeouts};
use crate::context::Roster;

/// Operations one client may have under way; one more is recorded as `overload` and not sent.
const MOST_UNDER_WAY: usize = 4096;

/// When the clients of a trial end.
#[derive(Clone)]
pub struct Shutdown {
    /// What is under way is tracked here.
    pub tasks: TaskTracker,
    /// Cancelled when holds are to end.
    pub stop: CancellationToken,
    /// Cancelled when connections are to close.
    pub close: CancellationToken,
}

/// The clients of one workload. Arrivals end when it is dropped.
pub struct ClientPool {
    /// Name of the workload.
    pub name: String,
    /// Whether its clients hold things for a while.
    pub holds: bool,
    /// Each client's connection.
    pub sessions: Vec<Session>,
    /// Each client, as seen from outside.
    pub lives: Vec<Arc<ClientState>>,
    /// What begins operations for as long as it lives: the time, or the end of the operation before.
    _beginning: Box<dyn Send + Sync>,
}

impl ClientPool {
    /// Starts every client; they are dealt out in turn to the threads of the zones, of which there is at least one. A rate without bound,
    /// which only benches ask for, is as fast as the servers answer: each client begins when its previous operation has ended.
    pub fn start<B: WorkloadClient>(
        behaviour: B,
        workload: &spec::Workload,
        common: Common,
        roster: &Arc<Roster>,
        zones: &[&Zone],
        ends: &Shutdown,
    ) -> std::io::Result<Self> {
        let timeouts = Timeouts { connect: workload.connect_timeout.to_std(), response: workload.timeout.to_std() };
        let numbers = 0..u16::try_from(workload.clients).unwrap_or(u16::MAX);
        let held = Arc::default();
        let life = |_| Arc::new(ClientState { crashed: ends.close.child_token(), holding: AtomicUsize::new(0), held: Arc::clone(&held) });
        let lives: Vec<Arc<ClientState>> = numbers.clone().map(life).collect();
        let place = |client: u16| zones[usize::from(client) % zones.len()];
        let session = |(client, life): (u16, &Arc<ClientState>)| match behaviour.independent() {
            true => Session::to_independent(place(client), timeouts, Arc::clone(roster), life.crashed.clone()),
            false => Session::start(place(client), workload.client, timeouts, Arc::clone(roster), life.crashed.clone()),
        };
        let sessions: Vec<Session> = numbers.clone().zip(&lives).map(session).collect();
        let stream = |client: u16| u64::from(common.index) << 32 | u64::from(client);
        let together = behaviour.together();
        let rate = workload.rate.as_per_second() / if together { 1.0 } else { f64::from(workload.clients) };
        let moments = |client: u16| stream(if together { 0 } else { client }) << 1;
        let arrivals = numbers.clone().map(|client| Arrivals::new(common.seed, moments(client), rate)).collect();
        let keys = numbers.clone().map(|client| stream_of(common.seed, stream(client) << 1 | 1));
        let mut clients: Vec<Client> = numbers
            .zip(keys)
            .zip(sessions.iter().zip(&lives))
            .map(|((number, keys), (session, life))| Client {
                number,
                session: session.clone(),
                handle: place(number).handle().clone(),
                life: Arc::clone(life),
                keys,
                turn: 0,
                under_way: Arc::default(),
            })
            .collect();
        let (name, holds) = (workload.name.clone(), behaviour.holds());
        if rate.is_infinite() {
            let laps = laps::run(behaviour, clients, common, ends);
            return Ok(Self { name, holds, sessions, lives, _beginning: Box::new(laps) });
        }
        let (ends, many) = (ends.clone(), u64::from(workload.clients));
        let (behaviour, common) = (Arc::new(behaviour), Arc::new(common));
        let dispatcher = Dispatcher::start(common.clock, arrivals, move |client, intended| {
            let client = &mut clients[client];
            if client.life.crashed.is_cancelled() {
                return;
            }
            let key = match together {
                true => u32::try_from(client.turn).unwrap_or(u32::MAX),
                false => behaviour.key(&mut client.keys),
            };
            let turn = client.turn(&common, many, key, intended, &ends.stop);
            if client.under_way.fetch_add(1, Ordering::Relaxed) >= MOST_UNDER_WAY {
                client.under_way.fetch_sub(1, Ordering::Relaxed);
                let now = common.clock.now();
                turn.record(behaviour.first(), [intended, now, now], Outcome::Fail, Some(Why::Overload), None);
                return;
            }
            let (under_way, behaviour) = (Arc::clone(&client.under_way), Arc::clone(&behaviour));
            client.handle.spawn(ends.tasks.track_future(async move {
                behaviour.run(&turn).await;
                under_way.fetch_sub(1, Ordering::Relaxed);
            }));
        })?;
        Ok(Self { name, holds, sessions, lives, _beginning: Box::new(dispatcher) })
    }
}
