//! `client-crash`: clients of a workload die, preferably while they hold something. Proved by their connections being gone from both ends.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures_util::future::join_all;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use redquake_experiments::spec::{ClientCrash, Pick};
use redquake_topologies::runtime::LabNode;

use super::ask::{ANSWERS_WITHIN, ask};
use super::injection::{Done, Injection, NotDone};
use crate::clients::{Link, Session};
use crate::context::TrialContext;
use crate::workloads::{ClientPool, ClientState};

/// How long clients that hold something are waited for before others die in their place.
const HOLDERS_WITHIN: Duration = Duration::from_secs(1);
/// A server that still lists a connection after this did not notice that it was closed.
const PROVE_WITHIN: Duration = Duration::from_secs(3);
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// The death of some clients of a workload.
pub struct ClientCrashFault {
    workload: String,
    holds: bool,
    /// Every client of the workload, in the order of the draw.
    clients: Vec<Client>,
    wanted: usize,
    /// Those who died.
    dead: Mutex<Vec<Dead>>,
}

#[derive(Clone)]
struct Client {
    name: String,
    session: Session,
    life: Arc<ClientState>,
}

/// Who died, and the connection that was open then: at which node, under which id, unless it was not known.
#[derive(Clone)]
struct Dead {
    client: Client,
    connection: Option<(LabNode, u64)>,
}

impl ClientCrashFault {
    /// Of clients of one of the workloads; who is drawn first, apart from holders, is decided here.
    pub fn new(spec: &ClientCrash, pools: &[ClientPool], random: &mut ChaCha8Rng) -> Result<Self, NotDone> {
        let pool = pools.iter().find(|pool| pool.name == spec.workload);
        let pool = pool.ok_or_else(|| format!("there is no workload `{}`", spec.workload))?;
        let clients = pool.sessions.iter().zip(&pool.lives).zip(0..);
        let clients = clients.map(|((session, life), number): (_, u32)| Client {
            name: format!("{}/{number}", pool.name),
            session: session.clone(),
            life: Arc::clone(life),
        });
        let mut clients: Vec<Client> = clients.filter(|client| !client.life.crashed.is_cancelled()).collect();
        let wanted = match spec.pick {
            Pick::All => clients.len(),
            Pick::One => 1,
            Pick::Count(count) => count as usize,
        };
        if clients.is_empty() || clients.len() < wanted {
            let alive = format!("{} of the {} clients wanted of `{}` are alive", clients.len(), wanted.max(1), pool.name);
            return Err(NotDone::NoOccasion(alive));
        }
        clients.shuffle(random);
        Ok(Self { workload: pool.name.clone(), holds: pool.holds, clients, wanted, dead: Mutex::default() })
    }

    fn dead(&self) -> Vec<Dead> {
        self.dead.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until as many hold something as are to die, and no longer than the bound.
    async fn holders(&self) {
        let enough = async {
            loop {
                let held = self.clients.first().map(|client| Arc::clone(&client.life.held));
                let Some(held) = held else { return };
                // Registered before the look, so that no hold between look and wait is missed.
                let notified = held.notified();
                if self.clients.iter().filter(|client| client.holding()).count() >= self.wanted {
                    return;
                }
                notified.await;
            }
        };
        let _ = tokio::time::timeout(HOLDERS_WITHIN, enough).await;
    }
}

impl Client {
    fn holding(&self) -> bool {
        self.life.holding.load(Ordering::Relaxed) > 0
    }

    /// Its present connection with the id the server knows it by, asked on that connection.
    async fn identify(&self) -> Option<(Link, u64)> {
        let link = self.session.current().into_iter().next()?;
        let mut connection = link.connection.clone();
        let mut command = redis::cmd("CLIENT");
        command.arg("ID");
        let id = tokio::time::timeout(ANSWERS_WITHIN, command.query_async(&mut connection)).await.ok()?.ok()?;
        Some((link, id))
    }
}

#[async_trait]
impl Injection for ClientCrashFault {
    fn targets(&self) -> Vec<String> {
        let dead = self.dead();
        if dead.is_empty() { vec![self.workload.clone()] } else { dead.into_iter().map(|dead| dead.client.name).collect() }
    }

    async fn inject(&self, context: &TrialContext) -> Result<Vec<Done>, NotDone> {
        // Before the choice: after it, a holder might give back what it holds while it is asked.
        let known = join_all(self.clients.iter().map(Client::identify)).await;
        if self.holds && self.wanted < self.clients.len() {
            self.holders().await;
        }
        let mut order: Vec<(&Client, Option<(Link, u64)>)> = self.clients.iter().zip(known).collect();
        order.sort_by_key(|(client, _)| !client.holding());
        let at = Instant::now();
        let (mut dead, mut holding) = (Vec::new(), 0);
        for (client, known) in order.into_iter().take(self.wanted) {
            // A connection that was replaced since it was asked for its id is not known by it.
            let known = known.filter(|(link, _)| client.session.current().iter().any(|now| now.same(link)));
            // Before the end, which drops what is held.
            holding += usize::from(client.holding());
            client.life.crashed.cancel();
            let connection = known.and_then(|(link, id)| {
                let node = context.roster.all().find(|member| Some(member.index) == link.node)?.node;
                Some((node, id))
            });
            dead.push(Dead { client: client.clone(), connection });
        }
        dead.sort_by(|one, other| one.client.name.cmp(&other.client.name));
        *self.dead.lock().unwrap_or_else(PoisonError::into_inner) = dead;
        let held = if self.holds { format!("; {holding} of them held something") } else { String::new() };
        let detail = format!("{} clients of `{}` died{held}", self.wanted, self.workload);
        Ok(vec![Done { at, targets: self.targets(), detail }])
    }

    async fn prove(&self, context: &TrialContext, _: &[Arc<dyn Injection>]) -> Result<String, String> {
        let (since, dead) = (Instant::now(), self.dead());
        while let Some(open) = dead.iter().find(|dead| !dead.client.session.current().is_empty()) {
            look_again(since, || format!("the connection of {} was still open", open.client.name)).await?;
        }
        let mut listed: BTreeMap<String, (LabNode, Vec<u64>)> = BTreeMap::new();
        for (node, id) in dead.iter().filter_map(|dead| dead.connection.as_ref()) {
            listed.entry(node.name.clone()).or_insert_with(|| (node.clone(), Vec::new())).1.push(*id);
        }
        let mut words = vec!["their ends are closed".to_owned()];
        for (node, ids) in listed.into_values() {
            words.push(forgotten(context, &node, &ids, since).await?);
        }
        let unknown = dead.iter().filter(|dead| dead.connection.is_none()).count();
        if unknown > 0 {
            words.push(format!("{unknown} had no connection that a server could be asked about"));
        }
        Ok(words.join("; "))
    }
}

/// Asks a server until it no longer lists the connections. One whose process is gone has none.
async fn forgotten(context: &TrialContext, node: &LabNode, ids: &[u64], since: Instant) -> Result<String, String> {
    loop {
        let mut list = redis::cmd("CLIENT");
        list.arg("LIST").arg("ID").arg(ids);
        let why = match ask::<String>(context, node, list).await {
            Ok(listed) if listed.trim().is_empty() => {
                let took = since.elapsed().as_secs_f64() * 1e3;
                return Ok(format!("{} no longer lists their {} connections, {took:.1} ms after", node.name, ids.len()));
            }
            Ok(listed) => format!("{} still listed {} of their connections", node.name, listed.lines().count()),
            Err(_) if !context.lab.alive(&node.name).await.unwrap_or(true) => {
                return Ok(format!("{} is gone with their connections", node.name));
            }
            Err(error) => format!("the server could not be asked ({error})"),
        };
        look_again(since, || why.clone()).await?;
    }
}

async fn look_again(since: Instant, what: impl Fn() -> String) -> Result<(), String> {
    if since.elapsed() > PROVE_WITHIN {
        return Err(format!("{} {PROVE_WITHIN:?} after the clients died", what()));
    }
    tokio::time::sleep(LOOK_EVERY).await;
    Ok(())
}
