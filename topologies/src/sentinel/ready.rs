//! Sentinels: whether each of them sees the whole set and could fail over.

use std::collections::HashMap;

use redis::FromRedisValue;
use redis::aio::MultiplexedConnection;

use crate::config::MASTER;

type Fields = HashMap<String, String>;

/// What one Sentinel says.
#[derive(Debug, Clone)]
pub(super) struct View {
    primary: Fields,
    replicas: Vec<Fields>,
    peers: Vec<Fields>,
    /// The answer to CKQUORUM.
    quorum: Result<String, String>,
}

impl View {
    /// Asks a Sentinel.
    pub(super) async fn of(connection: &MultiplexedConnection) -> Result<Self, String> {
        let (primary, replicas, peers, quorum) = tokio::join!(
            ask(connection, "MASTER"),
            ask(connection, "REPLICAS"),
            ask(connection, "SENTINELS"),
            ask::<String>(connection, "CKQUORUM"),
        );
        Ok(Self { primary: primary?, replicas: replicas?, peers: peers?, quorum })
    }

    /// What keeps the set from being ready as this Sentinel sees it, in words.
    pub(super) fn lacks(&self, replicas: usize, peers: usize) -> Option<String> {
        let flags = |fields: &Fields| fields.get("flags").cloned().unwrap_or_default();
        let unclean = |what: &str, wanted: &str, seen: &[Fields]| {
            let odd = seen.iter().find(|fields| flags(fields) != wanted)?;
            Some(format!("it sees {what} {} as `{}`", odd.get("name").map_or("?", String::as_str), flags(odd)))
        };
        if flags(&self.primary) != "master" {
            return Some(format!("it sees the primary as `{}`", flags(&self.primary)));
        }
        if self.replicas.len() != replicas {
            return Some(format!("it sees {} of {replicas} replicas", self.replicas.len()));
        }
        if self.peers.len() != peers {
            return Some(format!("it sees {} of {peers} other Sentinels", self.peers.len()));
        }
        let linked = |fields: &&Fields| fields.get("master-link-status").is_some_and(|status| status == "ok");
        unclean("replica", "slave", &self.replicas)
            .or_else(|| unclean("Sentinel", "sentinel", &self.peers))
            .or_else(|| {
                let up = self.replicas.iter().filter(linked).count();
                (up != replicas).then(|| format!("it has seen {up} of {replicas} replicas linked to the primary"))
            })
            .or_else(|| match &self.quorum {
                Ok(answer) if answer.starts_with("OK") => None,
                Ok(answer) | Err(answer) => Some(format!("CKQUORUM says `{answer}`")),
            })
    }
}

async fn ask<T: FromRedisValue>(connection: &MultiplexedConnection, question: &str) -> Result<T, String> {
    redis::cmd("SENTINEL").arg(question).arg(MASTER).query_async(&mut connection.clone()).await.map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(pairs: &[(&str, &str)]) -> Fields {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn ready() -> View {
        View {
            primary: fields(&[("flags", "master")]),
            replicas: vec![fields(&[("name", "10.0.0.2:6379"), ("flags", "slave"), ("master-link-status", "ok")])],
            peers: vec![fields(&[("name", "peer"), ("flags", "sentinel")])],
            quorum: Ok("OK 2 usable Sentinels. Quorum and failover authorization can be reached".to_owned()),
        }
    }

    #[test]
    fn a_sentinel_that_sees_everything_clean_lacks_nothing() {
        assert_eq!(ready().lacks(1, 1), None);
    }

    #[test]
    fn each_thing_that_is_missing_is_told() {
        type Spoil = fn(&mut View);
        let cases: [(Spoil, &str); 6] = [
            (|view| view.primary = fields(&[("flags", "master,s_down")]), "it sees the primary as `master,s_down`"),
            (|view| view.replicas.clear(), "it sees 0 of 1 replicas"),
            (|view| view.peers.clear(), "it sees 0 of 1 other Sentinels"),
            (
                |view| view.peers[0] = fields(&[("name", "peer"), ("flags", "sentinel,disconnected")]),
                "it sees Sentinel peer as `sentinel,disconnected`",
            ),
            (
                |view| view.replicas[0].insert("master-link-status".to_owned(), "err".to_owned()).map(drop).unwrap_or_default(),
                "it has seen 0 of 1 replicas linked to the primary",
            ),
            (|view| view.quorum = Err("NOQUORUM 1 usable Sentinels".to_owned()), "CKQUORUM says `NOQUORUM 1 usable Sentinels`"),
        ];
        for (spoil, lack) in cases {
            let mut view = ready();
            spoil(&mut view);
            assert_eq!(view.lacks(1, 1).as_deref(), Some(lack));
        }
    }
}
