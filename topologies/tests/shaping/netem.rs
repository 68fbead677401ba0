//! The tree for netem, as far as a kernel without netem takes it: all of it but the leaves.

use redquake_topologies::shaping::{Exchange, measure};

use super::{Ends, FEW, said, said_to, state};

/// The tree of the unit test that shows what is made.
const SNAPSHOT: &str = include_str!(
    "../../src/shaping/tc/snapshots/redquake_topologies__shaping__tc__tree__tests__delays_of_one_peer_add_up_and_the_slowest_rate_holds_for_all.snap"
);

pub async fn all(ends: &Ends) {
    ends.left_as_they_were(|| async {
        let near = &ends.near.namespace;
        let (_, trees) = SNAPSHOT.split_once("\n---\n").unwrap();
        let (tree, _) = trees.split_once("---\n").unwrap();
        let tree = tree.replace("10.64.1.12", &ends.far.address.to_string()).replace("10.64.1.13", &ends.other.address.to_string());
        let before = state(near);
        let length = said(near, "ip", &["-oneline", "link", "show", "eth0"]);

        // netem itself is asked for in words `tc` knows, whether or not the kernel has it.
        let leaf = tree.lines().find(|line| line.contains("netem")).unwrap();
        let alone = leaf.replace("parent 7ed1:10", "root");
        match said_to(near, "tc", &["-batch", "-"], &alone) {
            Ok(_) => drop(said(near, "tc", &["qdisc", "del", "dev", "eth0", "root"])),
            Err(reason) => assert!(reason.contains("Specified qdisc kind is unknown"), "{reason}"),
        }

        let (head, options) = leaf.split_once("netem").unwrap();
        assert!(head.ends_with("7ed1:10 ") && options.contains("delay 55000us 10000us"), "{leaf}");
        let simpler: String = tree
            .lines()
            .map(|line| line.split_once(" netem ").map_or_else(|| format!("{line}\n"), |(head, _)| format!("{head} bfifo limit 1000000\n")))
            .collect();
        said_to(near, "tc", &["-batch", "-"], &simpler).unwrap();
        let link = ends.measured(FEW).await;
        assert_eq!(link.there.received, FEW.datagrams);
        let few: Exchange = Exchange { datagrams: 100, ..FEW };
        measure(&ends.near, &ends.other, few).await.unwrap();
        // Each peer's packets went through the class made for it.
        for (class, packets) in [("7ed1:10", FEW.datagrams), ("7ed1:13", few.datagrams), ("7ed1:11", 0)] {
            // In words, since not every `tc` tells classes as JSON.
            let classes = said(near, "tc", &["-s", "class", "show", "dev", "eth0"]);
            let (_, class) = classes.split_once(&format!("class htb {class} ")).unwrap();
            let sent = class.lines().nth(1).unwrap();
            assert!(sent.contains(&format!(" bytes {packets} pkt ")), "{sent}");
        }
        said(near, "tc", &["qdisc", "del", "dev", "eth0", "root"]);
        let length = length.split("qlen ").nth(1).map_or("0", |rest| rest.split(['\\', ' ']).next().unwrap());
        said(near, "ip", &["link", "set", "eth0", "txqueuelen", length]);
        assert_eq!(state(near), before);
    })
    .await;
}
