//! What became of slots that were to move, in numbers and in a sentence.

use super::samples::Samples;
use super::words::count;
use crate::history::{SlotLeft, SlotsLeft, Why};
use crate::result::{Sample, SlotMove, WorkloadResult};

/// Slots of which a sentence tells all; of more it tells the number.
const TOLD: usize = 3;
/// What clients are told while slots move.
const REDIRECTIONS: [(&str, Why); 3] = [("ask", Why::Ask), ("moved", Why::Moved), ("tryagain", Why::Tryagain)];

/// The moves of a trial as results; names of faults and nodes by their index.
pub fn moves(left: &[SlotsLeft], faults: &[String], nodes: &[String]) -> Vec<SlotMove> {
    let name = |names: &[String], index: u16| names.get(usize::from(index)).cloned().unwrap_or_default();
    let result = |one: &SlotsLeft| SlotMove {
        fault: name(faults, one.fault),
        from: name(nodes, one.from),
        to: name(nodes, one.to),
        planned: one.planned,
        moved: one.moved,
        keys: one.keys,
        open: one.left.iter().filter(|slot| slot.is_open()).count() as u32,
        stranded_keys: one.left.iter().map(SlotLeft::stranded).sum(),
        left: one.left.clone(),
    };
    left.iter().map(result).collect()
}

/// Metrics `failover.*` of the moves; none where nothing was to move.
pub fn of_moves(moves: &[SlotMove], workloads: &[WorkloadResult], samples: &mut Samples) {
    if moves.is_empty() {
        return;
    }
    let mut put = |name: &str, value: u64| samples.insert(format!("failover.{name}"), Sample::Exact(value as f64));
    put("slots_moved", moves.iter().map(|one| u64::from(one.moved)).sum());
    put("open_slots", moves.iter().map(|one| u64::from(one.open)).sum());
    put("stranded_keys", moves.iter().map(|one| one.stranded_keys).sum());
    for (name, why) in REDIRECTIONS {
        put(name, answered(workloads, why));
    }
}

fn answered(workloads: &[WorkloadResult], why: Why) -> u64 {
    workloads.iter().flat_map(|workload| &workload.reasons).filter(|one| one.why == why).map(|one| one.count).sum()
}

/// A move in a sentence: how far it came, what was left open and where the keys of that are, and what clients were told.
pub fn told(one: &SlotMove, workloads: &[WorkloadResult], nodes: &[String]) -> String {
    let redirections: Vec<String> =
        REDIRECTIONS.iter().map(|(name, why)| format!("{} {}", name.to_uppercase(), answered(workloads, *why))).collect();
    let clients = format!("clients were told {}", redirections.join(", "));
    let moved = format!(
        "`{}`: {} of {} went from {} to {}, {} with MIGRATE",
        one.fault,
        one.moved,
        count(one.planned.into(), "slot"),
        one.from,
        one.to,
        count(one.keys, "key")
    );
    if one.left.is_empty() {
        return format!("{moved}; none was left open; {clients}");
    }
    let slots: Vec<String> = one.left.iter().take(TOLD).map(|slot| left(slot, nodes)).collect();
    let more = match one.left.len().saturating_sub(TOLD) {
        0 => String::new(),
        more => format!("; and {} more", count(more as u64, "slot")),
    };
    format!("{moved}; {} left open; {}{more}; {clients}", count(one.open.into(), "slot"), slots.join("; "))
}

fn left(slot: &SlotLeft, nodes: &[String]) -> String {
    let name = |node: Option<u16>| node.and_then(|node| nodes.get(usize::from(node))).map_or("a node nobody knows", String::as_str);
    let owner = slot.owner.map_or_else(|| "nobody".to_owned(), |owner| name(Some(owner)).to_owned());
    let mut words = vec![format!("slot {} is served by {owner}", slot.slot)];
    words.extend(slot.leaving.iter().map(|(from, to)| format!("{} holds it for leaving to {}", name(Some(*from)), name(*to))));
    words.extend(slot.arriving.iter().map(|(at, from)| format!("{} holds it for arriving from {}", name(Some(*at)), name(*from))));
    let keys: Vec<String> = slot.keys.iter().map(|(node, keys)| format!("{keys} on {}", name(Some(*node)))).collect();
    words.push(if keys.is_empty() { "it has no keys".to_owned() } else { format!("its keys: {}", keys.join(", ")) });
    let stranded = slot.stranded();
    if stranded > 0 {
        words.push(format!("{stranded} of them {} out of reach", if stranded == 1 { "is" } else { "are" }));
    }
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: [&str; 3]) -> Vec<String> {
        names.map(str::to_owned).to_vec()
    }

    fn open(owner: u16, leaving: &[(u16, Option<u16>)], keys: &[(u16, u64)]) -> SlotLeft {
        SlotLeft { slot: 7, owner: Some(owner), leaving: leaving.to_vec(), arriving: vec![(1, Some(0))], keys: keys.to_vec() }
    }

    fn left(slot: SlotLeft) -> SlotsLeft {
        SlotsLeft { at: 9, fault: 0, from: 0, to: 1, planned: 8, moved: 3, keys: 41, left: vec![slot] }
    }

    #[test]
    fn keys_where_the_owner_sends_clients_are_within_reach() {
        assert_eq!(open(0, &[(0, Some(1))], &[(0, 4), (1, 6)]).stranded(), 0);
    }

    #[test]
    fn keys_at_a_target_the_new_owner_knows_nothing_of_are_out_of_reach() {
        // Node 2 was promoted in place of node 0 and was not told that the slot was on its way.
        assert_eq!(open(2, &[], &[(1, 6)]).stranded(), 6);
        assert_eq!(open(2, &[(2, Some(0))], &[(1, 6)]).stranded(), 6, "it sends them elsewhere");
    }

    #[test]
    fn a_move_that_was_cut_short_is_told_with_the_state_of_its_open_slot() {
        let nodes = names(["redis-1", "redis-2", "redis-4"]);
        let moves = moves(&[left(open(2, &[], &[(1, 6), (2, 1)]))], &["move".to_owned()], &nodes);
        assert_eq!(
            told(&moves[0], &[], &nodes),
            "`move`: 3 of 8 slots went from redis-1 to redis-2, 41 keys with MIGRATE; 1 slot left open; slot 7 is served by redis-4, \
             redis-2 holds it for arriving from redis-1, its keys: 6 on redis-2, 1 on redis-4, 6 of them are out of reach; \
             clients were told ASK 0, MOVED 0, TRYAGAIN 0"
        );
        let mut samples = Samples::new();
        of_moves(&moves, &[], &mut samples);
        let value = |name: &str| samples[&format!("failover.{name}")].value();
        assert_eq!([value("slots_moved"), value("open_slots"), value("stranded_keys")], [3.0, 1.0, 6.0]);
    }

    #[test]
    fn where_nothing_was_to_move_there_is_nothing_to_count() {
        let mut samples = Samples::new();
        of_moves(&[], &[], &mut samples);
        assert!(samples.is_empty());
    }
}
