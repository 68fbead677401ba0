//! `CLUSTER NODES`: what one node says of all of them.

use redquake_experiments::spec::SlotRanges;

/// A node as another one (or itself) knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownNode {
    /// Its identity, 40 hexadecimal digits.
    pub id: String,
    /// `ip:port`.
    pub address: String,
    /// `myself`, `master`, `slave`, `fail?`, `fail`, `handshake`, ...
    pub flags: Vec<String>,
    /// Identity of the primary it follows.
    pub primary: Option<String>,
    /// Epoch of its claim to its slots.
    pub epoch: u64,
    /// Whether the asked node has a connection to it.
    pub connected: bool,
    /// The slots it serves; slots on their way to or from another node are left out.
    pub slots: SlotRanges,
    /// Slots on their way to or from it; a node tells only its own.
    pub moving: Vec<MovingSlot>,
}

/// A slot on its way, as one of the two nodes concerned holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MovingSlot {
    /// The slot.
    pub slot: u16,
    /// Whether it leaves the node (`[slot->-other]`); else it arrives (`[slot-<-other]`).
    pub leaving: bool,
    /// Identity of the other node.
    pub other: String,
}

impl KnownNode {
    /// Whether it has a flag.
    pub fn is(&self, flag: &str) -> bool {
        self.flags.iter().any(|known| known == flag)
    }
}

/// Reads the answer to `CLUSTER NODES`; lines that are none of a node are left out.
pub fn known_nodes(text: &str) -> Vec<KnownNode> {
    text.lines().filter_map(read).collect()
}

fn read(line: &str) -> Option<KnownNode> {
    let mut fields = line.split_ascii_whitespace();
    let id = fields.next()?.to_owned();
    // `ip:port@bus,hostname,shard-id=...`
    let address = fields.next()?.split(['@', ',']).next()?.to_owned();
    let flags = fields.next()?.split(',').map(str::to_owned).collect();
    let primary = Some(fields.next()?).filter(|primary| *primary != "-").map(str::to_owned);
    let (_ping, _pong) = (fields.next()?, fields.next()?);
    let epoch = fields.next()?.parse().ok()?;
    let connected = fields.next()? == "connected";
    let (moving, ranges): (Vec<&str>, Vec<&str>) = fields.partition(|range| range.starts_with('['));
    let ranges = ranges.into_iter().filter_map(|range| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        Some((first.parse().ok()?, last.parse().ok()?))
    });
    let moving = moving.into_iter().filter_map(on_its_way).collect();
    Some(KnownNode { id, address, flags, primary, epoch, connected, slots: SlotRanges::new(ranges.collect()), moving })
}

fn on_its_way(text: &str) -> Option<MovingSlot> {
    let text = text.strip_prefix('[')?.strip_suffix(']')?;
    let leaving = text.split_once("->-");
    let (slot, other) = leaving.or_else(|| text.split_once("-<-"))?;
    Some(MovingSlot { slot: slot.parse().ok()?, leaving: leaving.is_some(), other: other.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_servers_print_is_read() {
        let text = "\
07c37df 127.0.0.1:30004@31004,hostname4 slave e7d1eec 0 1426238317239 4 connected\r\n\
67ed2db 127.0.0.1:30002@31002,,shard-id=69bc080733d1355567173199cff4a6a039a2f024 master,fail? - 5 1426238316232 2 disconnected 5461-5470 7\r\n\
e7d1eec 127.0.0.1:30001@31001 myself,master - 0 0 1 connected 0-5460 [5461-<-67ed2db] [3->-07c37df]\r\n";
        let nodes = known_nodes(text);
        assert_eq!(nodes.len(), 3);
        assert_eq!((nodes[0].address.as_str(), nodes[0].primary.as_deref()), ("127.0.0.1:30004", Some("e7d1eec")));
        assert!(nodes[1].is("fail?") && !nodes[1].is("fail") && !nodes[1].connected);
        assert_eq!((nodes[1].slots.to_string(), nodes[1].epoch), ("5461-5470,7".to_owned(), 2));
        assert_eq!(nodes[2].slots.to_string(), "0-5460");
        assert!(nodes[2].is("myself"));
        let moving: Vec<(u16, bool, &str)> = nodes[2].moving.iter().map(|one| (one.slot, one.leaving, one.other.as_str())).collect();
        assert_eq!(moving, [(5461, false, "67ed2db"), (3, true, "07c37df")]);
        assert!(nodes[0].moving.is_empty() && nodes[1].moving.is_empty());
    }
}
