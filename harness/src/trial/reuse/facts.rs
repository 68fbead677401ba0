//! What can be told of servers from outside, as facts with names, so that two moments of a set can be compared.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use futures_util::future::try_join_all;
use redis::aio::MultiplexedConnection;
use redis::{FromRedisValue, cmd};
use redquake_experiments::spec::Role;
use redquake_topologies::namespace::{Namespace, Zone};
use redquake_topologies::runtime::{Lab, LabNode};
use redquake_topologies::shaping;

use crate::clients::{MASTER_NAME, Timeouts, open};

/// What an idle server on a lab network takes far less for, also on a loaded machine.
pub const TIMEOUTS: Timeouts = Timeouts { connect: Duration::from_secs(1), response: Duration::from_secs(1) };

/// Name of a fact, `redis-1: config maxmemory` for example, and its value.
pub type Facts = BTreeMap<String, String>;

/// Of INFO: who it is, whom it follows, and what would still be going on. What a server does not tell, it does not tell later either.
const INFO: [&str; 16] = [
    "run_id",
    "role",
    "master_host",
    "master_port",
    "master_link_status",
    "master_replid",
    "second_repl_offset",
    "connected_slaves",
    "loading",
    "rdb_bgsave_in_progress",
    "aof_rewrite_in_progress",
    "blocked_clients",
    "number_of_cached_scripts",
    "sentinel_tilt",
    "sentinel_running_scripts",
    "sentinel_simulate_failure_flags",
];

/// Of `SENTINEL MASTER`: how it watches, and how many failovers there were.
const WATCHED: [&str; 11] = [
    "ip",
    "port",
    "runid",
    "flags",
    "config-epoch",
    "num-slaves",
    "num-other-sentinels",
    "quorum",
    "failover-timeout",
    "parallel-syncs",
    "down-after-milliseconds",
];

/// What is known of a set nobody has used yet. At the moment it is ready, connections of those who made it so may still be open.
pub const UNUSED: [(&str, &str); 4] =
    [("keys", "0"), ("number_of_cached_scripts", "0"), ("connections of clients", "0"), ("vote", "for nobody in epoch 0")];

/// Everything at this moment.
pub async fn facts(lab: &dyn Lab, zone: &Zone) -> Result<Facts, String> {
    let servers = try_join_all(lab.nodes().iter().map(|node| of_server(lab, zone, node)));
    let places = try_join_all(places(lab).await?.into_iter().map(|(name, namespace)| async move {
        let listed = shaping::listing(&namespace).await.map_err(|error| error.to_string())?;
        Ok::<_, String>((format!("{name}: links and rules"), listed))
    }));
    let (servers, places) = tokio::try_join!(servers, places)?;
    Ok(servers.into_iter().flatten().chain(places).collect())
}

/// Where something may be in the way of packets.
async fn places(lab: &dyn Lab) -> Result<Vec<(String, Namespace)>, String> {
    let mut places: Vec<(String, Namespace)> = lab.client_namespace().map(|place| ("clients".to_owned(), place)).into_iter().collect();
    for node in lab.nodes() {
        places.push((node.name.clone(), lab.namespace(&node.name).await.map_err(|error| error.to_string())?));
    }
    for zone in lab.zones() {
        places.push((format!("zone {}", zone.name), lab.zone_namespace(&zone.name).await.map_err(|error| error.to_string())?));
    }
    Ok(places)
}

async fn of_server(lab: &dyn Lab, zone: &Zone, node: &LabNode) -> Result<Vec<(String, String)>, String> {
    let servers: Vec<String> = lab.nodes().iter().map(|node| node.address.ip.to_string()).collect();
    let asked = node.clone();
    let told = zone.spawn(async move {
        let mut connection = open(asked.address, TIMEOUTS).await?;
        let mut facts = if asked.role == Role::Sentinel {
            of_sentinel(&mut connection, lab_primary(&servers)).await?
        } else {
            of_data_node(&mut connection).await?
        };
        let info: String = cmd("INFO").query_async(&mut connection).await?;
        let info: HashMap<&str, &str> = info.lines().filter_map(|line| line.trim_end().split_once(':')).collect();
        facts.extend(INFO.iter().filter_map(|name| Some(((*name).to_owned(), (*info.get(name)?).to_owned()))));
        let own: u64 = cmd("CLIENT").arg("ID").query_async(&mut connection).await?;
        let clients: String = cmd("CLIENT").arg("LIST").query_async(&mut connection).await?;
        facts.push(("connections of clients".to_owned(), of_clients(&clients, own, &servers).to_string()));
        redis::RedisResult::Ok(facts)
    });
    let told = told.await.map_err(|error| error.to_string())?.map_err(|error| format!("{}: {error}", node.name))?;
    Ok(told.into_iter().map(|(fact, value)| (format!("{}: {fact}", node.name), value)).collect())
}

/// The first node of a Sentinel set is laid out as its primary.
fn lab_primary(servers: &[String]) -> String {
    servers.first().cloned().unwrap_or_default()
}

async fn of_data_node(connection: &mut MultiplexedConnection) -> redis::RedisResult<Vec<(String, String)>> {
    let keys: u64 = cmd("DBSIZE").query_async(connection).await?;
    let config: BTreeMap<String, String> = cmd("CONFIG").arg("GET").arg("*").query_async(connection).await?;
    let config = config.into_iter().map(|(name, value)| (format!("config {name}"), value));
    Ok(config.chain([("keys".to_owned(), keys.to_string())]).collect())
}

async fn of_sentinel(connection: &mut MultiplexedConnection, primary: String) -> redis::RedisResult<Vec<(String, String)>> {
    let fields: HashMap<String, String> = cmd("SENTINEL").arg("MASTER").arg(MASTER_NAME).query_async(connection).await?;
    let mut facts: Vec<(String, String)> =
        WATCHED.iter().map(|name| ((*name).to_owned(), fields.get(*name).cloned().unwrap_or_default())).collect();
    // Asked for its vote in an epoch that is over before the first, a Sentinel changes nothing and tells its latest vote, which it
    // keeps for good: whether there ever was an election, also one that failed and now holds the next one back.
    let mut question = cmd("SENTINEL");
    question.arg("IS-MASTER-DOWN-BY-ADDR").arg(primary).arg(fields.get("port").map_or("", String::as_str)).arg(0).arg("nobody");
    let answer: Vec<redis::Value> = question.query_async(connection).await?;
    let word = |value: Option<&redis::Value>| value.and_then(|value| String::from_redis_value_ref(value).ok()).unwrap_or_default();
    let leader = word(answer.get(1));
    let leader = if leader == "*" { "nobody".to_owned() } else { leader };
    facts.push(("vote".to_owned(), format!("for {leader} in epoch {}", word(answer.get(2)))));
    Ok(facts)
}

/// Connections of a `CLIENT LIST` that are neither the asker's nor another server's.
fn of_clients(list: &str, own: u64, servers: &[String]) -> usize {
    let own = format!("id={own}");
    let foreign = |line: &&str| {
        let mut words = line.split(' ');
        let address = words.clone().find_map(|word| word.strip_prefix("addr=")?.split(':').next());
        !words.any(|word| word == own) && !address.is_some_and(|address| servers.iter().any(|server| server == address))
    };
    list.lines().filter(|line| !line.trim().is_empty()).filter(foreign).count()
}

/// The first fact in which two moments differ, in words.
pub fn difference(before: &Facts, now: &Facts) -> Option<String> {
    let names = before.keys().chain(now.keys().filter(|name| !before.contains_key(*name)));
    let mut different = names.filter(|name| before.get(*name) != now.get(*name));
    let name = different.next()?;
    let value = |facts: &Facts| facts.get(name).map_or("unknown".to_owned(), |value| format!("`{value}`"));
    Some(format!("{name} is {} instead of {}", value(now), value(before)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(pairs: &[(&str, &str)]) -> Facts {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_fact_that_changed_came_or_went_is_a_difference() {
        let before = facts(&[("redis-1: keys", "0"), ("redis-1: run_id", "a")]);
        assert_eq!(difference(&before, &before), None);
        let used = facts(&[("redis-1: keys", "3"), ("redis-1: run_id", "a")]);
        assert_eq!(difference(&before, &used).unwrap(), "redis-1: keys is `3` instead of `0`");
        assert_eq!(difference(&before, &facts(&[("redis-1: keys", "0")])).unwrap(), "redis-1: run_id is unknown instead of `a`");
        assert_eq!(difference(&facts(&[("redis-1: keys", "0")]), &before).unwrap(), "redis-1: run_id is `a` instead of unknown");
    }

    #[test]
    fn connections_of_servers_and_of_the_asker_are_not_those_of_clients() {
        let list = "id=3 addr=10.0.0.2:51000 laddr=10.0.0.1:6379 fd=8\nid=7 addr=10.0.0.9:40000 fd=9\nid=8 addr=10.0.0.9:40001 fd=10\n";
        assert_eq!(of_clients(list, 8, &["10.0.0.2".to_owned()]), 1);
        assert_eq!(of_clients("", 8, &[]), 0);
    }
}
