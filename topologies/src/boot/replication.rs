//! Data nodes: whether the replicas are linked and have everything the primary has.

use super::info::Info;

/// What keeps a primary from being ready, in words.
pub(crate) fn primary_lacks(info: &Info, replicas: usize) -> Option<String> {
    if info.get("role") != "master" {
        return Some(format!("its role is `{}` instead of `master`", info.get("role")));
    }
    if info.get("loading") == "1" {
        return Some("it is loading its data".to_owned());
    }
    let online = (0..replicas).filter(|index| info.get(&format!("slave{index}")).contains("state=online")).count();
    (info.get("connected_slaves") != replicas.to_string() || online != replicas)
        .then(|| format!("{online} of {replicas} replicas are online ({} connected)", info.get("connected_slaves")))
}

/// What keeps a replica of `primary` from being in sync, in words.
pub(crate) fn replica_lacks(info: &Info, primary: &Info) -> Option<String> {
    if info.get("role") != "slave" {
        return Some(format!("its role is `{}` instead of `slave`", info.get("role")));
    }
    if info.get("master_link_status") != "up" {
        return Some(format!("its link to the primary is `{}`", info.get("master_link_status")));
    }
    let (has, wanted) = (info.get("slave_repl_offset"), primary.get("master_repl_offset"));
    (has != wanted).then(|| format!("its offset is {has} and the primary's {wanted}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRIMARY: &str = "# Replication\r\nrole:master\r\nconnected_slaves:2\r\n\
        slave0:ip=10.0.0.2,port=6379,state=online,offset=14,lag=0\r\nslave1:ip=10.0.0.3,port=6379,state=online,offset=14,lag=0\r\n\
        master_repl_offset:14\r\n";
    const REPLICA: &str = "role:slave\r\nmaster_link_status:up\r\nslave_repl_offset:14\r\n";

    #[test]
    fn a_linked_set_with_equal_offsets_lacks_nothing() {
        let primary = Info::parse(PRIMARY);
        assert_eq!(primary_lacks(&primary, 2), None);
        assert_eq!(replica_lacks(&Info::parse(REPLICA), &primary), None);
    }

    #[test]
    fn a_replica_that_still_synchronises_is_told() {
        let waiting = Info::parse(&PRIMARY.replace("state=online,offset=14,lag=0\r\nm", "state=wait_bgsave,offset=0,lag=0\r\nm"));
        assert_eq!(primary_lacks(&waiting, 2).unwrap(), "1 of 2 replicas are online (2 connected)");
        let down = Info::parse(&REPLICA.replace("up", "down"));
        assert_eq!(replica_lacks(&down, &waiting).unwrap(), "its link to the primary is `down`");
        let behind = Info::parse(&REPLICA.replace("14", "0"));
        assert_eq!(replica_lacks(&behind, &waiting).unwrap(), "its offset is 0 and the primary's 14");
    }
}
