//! Who is meant, asked at the instant a fault fires.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use futures_util::future::join_all;
use rand::seq::IndexedRandom;
use redquake_experiments::spec::{Pick, Selector, WantedRole};

use super::injection::NotDone;
use super::slots;
use crate::clients::{Claim, claims};
use crate::clients::{MASTER_NAME, Timeouts, open};
use crate::context::{Member, TrialContext};

/// Every node must have answered by then; one that has not is not what it is asked to be.
const TIMEOUTS: Timeouts = Timeouts { connect: Duration::from_millis(150), response: Duration::from_millis(150) };
/// The same where too few did: a busy machine must not look like a set without such a node.
const PATIENT: Timeouts = Timeouts { connect: Duration::from_secs(1), response: Duration::from_secs(1) };

/// Which nodes a role can mean. One named by `node:` is always meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Liveness {
    /// Those whose process exists: what acts on a process has nothing to act on elsewhere.
    Running,
    /// Also those that are gone: they may be started, and their links are still there when they come back.
    Any,
}

/// The nodes a selector means right now. Nothing matched is an error.
pub async fn resolve(
    selector: &Selector,
    among: Liveness,
    context: &TrialContext,
    random: &mut rand_chacha::ChaCha8Rng,
) -> Result<Vec<Member>, NotDone> {
    match resolve_within(selector, among, context, random, TIMEOUTS).await {
        Err(NotDone::NoOccasion(_)) => resolve_within(selector, among, context, random, PATIENT).await,
        told => told,
    }
}

async fn resolve_within(
    selector: &Selector,
    among: Liveness,
    context: &TrialContext,
    random: &mut rand_chacha::ChaCha8Rng,
    timeouts: Timeouts,
) -> Result<Vec<Member>, NotDone> {
    let matching: Vec<Member> = match (&selector.node, selector.role) {
        (Some(name), _) => context.roster.all().filter(|member| member.node.name == *name).collect(),
        (None, Some(WantedRole::Sentinel)) => context.roster.sentinels().collect(),
        (None, Some(WantedRole::Primary)) if context.roster.cluster => owners(context).await,
        (None, Some(WantedRole::Primary)) => primary(context, timeouts).await,
        (None, Some(WantedRole::Replica)) => with_role_within(context, "slave", timeouts).await,
        (None, Some(WantedRole::LeaderSentinel)) => {
            let leader = context.live.leader_sentinel();
            context.roster.sentinels().filter(|member| Some(member.index) == leader).collect()
        }
        (None, Some(WantedRole::Data)) => context.roster.data().collect(),
        (None, Some(WantedRole::Independent)) => context.roster.independent().collect(),
        (None, Some(WantedRole::Any)) => context.roster.all().collect(),
        (None, None) => Vec::new(),
    };
    let shard = match &selector.shard_of {
        Some(key) => Some(slots::shard_serving(context, key).await.map_err(NotDone::NoOccasion)?),
        None => selector.shard,
    };
    let mut matching: Vec<Member> = matching.into_iter().filter(|member| shard.is_none_or(|shard| member.shard == shard)).collect();
    if among == Liveness::Running && selector.node.is_none() {
        let alive = join_all(matching.iter().map(|member| context.lab.alive(&member.node.name))).await;
        // A question that fails keeps the node: the fault itself then tells what is wrong.
        let mut alive = alive.into_iter().map(|answer| answer.unwrap_or(true));
        matching.retain(|_| alive.next().unwrap_or(true));
    }
    let wanted = match selector.pick {
        Pick::All => matching.len(),
        Pick::One => 1,
        Pick::Count(count) => count as usize,
    };
    if matching.is_empty() || matching.len() < wanted {
        let found = format!("the target matched {} of {} nodes wanted", matching.len(), wanted.max(1));
        return Err(NotDone::NoOccasion(found));
    }
    let mut chosen: Vec<Member> = matching.sample(random, wanted).cloned().collect();
    chosen.sort_by_key(|member| member.index);
    Ok(chosen)
}

/// The nodes of a Cluster that serve slots: of those that say they do, the one with the newest claim in each shard.
async fn owners(context: &TrialContext) -> Vec<Member> {
    let mut newest: BTreeMap<u32, Claim> = BTreeMap::new();
    for claim in claims(context).await {
        if newest.get(&claim.member.shard).is_none_or(|known| known.epoch < claim.epoch) {
            newest.insert(claim.member.shard, claim);
        }
    }
    newest.into_values().map(|claim| claim.member).collect()
}

/// The node that says it is the primary; while several do, the one most Sentinels name.
async fn primary(context: &TrialContext, timeouts: Timeouts) -> Vec<Member> {
    let claimants = with_role_within(context, "master", timeouts).await;
    if claimants.len() <= 1 {
        return claimants;
    }
    let asked = context.roster.sentinels().map(|sentinel| {
        context.control.spawn(async move {
            let mut connection = open(sentinel.node.address, timeouts).await.ok()?;
            let mut ask = redis::cmd("SENTINEL");
            ask.arg("GET-MASTER-ADDR-BY-NAME").arg(MASTER_NAME);
            let (host, port): (String, u16) = ask.query_async(&mut connection).await.ok()?;
            Some((host, port))
        })
    });
    let mut votes: HashMap<u16, usize> = HashMap::new();
    for (host, port) in join_all(asked).await.into_iter().flatten().flatten() {
        if let Some(index) = context.roster.at(&host, port) {
            *votes.entry(index).or_default() += 1;
        }
    }
    let favourite = claimants.into_iter().max_by_key(|member| votes.get(&member.index).copied().unwrap_or(0));
    favourite.into_iter().collect()
}

/// The data nodes that say they have this role, in the words of `ROLE`.
pub async fn with_role(context: &TrialContext, role: &'static str) -> Vec<Member> {
    with_role_within(context, role, TIMEOUTS).await
}

async fn with_role_within(context: &TrialContext, role: &'static str, timeouts: Timeouts) -> Vec<Member> {
    let asked = context.roster.data().map(|member| {
        let address = member.node.address;
        let answer = context.control.spawn(async move {
            let mut connection = open(address, timeouts).await.ok()?;
            let reply: redis::Value = redis::cmd("ROLE").query_async(&mut connection).await.ok()?;
            let redis::Value::Array(fields) = reply else { return None };
            redis::from_redis_value::<String>(fields.into_iter().next()?).ok()
        });
        async move { (member, answer.await) }
    });
    let answers = join_all(asked).await;
    answers.into_iter().filter(|(_, said)| matches!(said, Ok(Some(said)) if said == role)).map(|(member, _)| member).collect()
}
