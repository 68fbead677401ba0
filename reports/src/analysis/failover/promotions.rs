//! Which nodes became primary, and whether a fault explains it.

use super::Message;
use crate::history::NodeRole;

/// A node that became primary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Promotion {
    /// When it was first told, by a Sentinel or by the node.
    pub at: u64,
    /// Address of the node that was primary before, where a Sentinel named it.
    pub old: Option<String>,
    /// Address of the new primary.
    pub new: String,
}

/// The promotions in order, from the switches the Sentinels announced and from nodes that told a new role.
///
/// Every Sentinel announces the same switch, some late; one counts only while the primary it replaces is the current one.
/// `told` are the changes of role by (time, address, role), `first` is the address of the primary at the start.
pub fn promotions(messages: &[Message], told: &[(u64, String, NodeRole)], first: &str) -> Vec<Promotion> {
    let mut found: Vec<Promotion> = Vec::new();
    let mut current = first.to_owned();
    for message in messages.iter().filter(|message| message.event == "+switch-master") {
        let (Some(old), Some(new)) = (&message.about, &message.promoted) else { continue };
        if *old == current && *new != current {
            found.push(Promotion { at: message.at, old: Some(old.clone()), new: new.clone() });
            current.clone_from(new);
        }
    }
    // A node may say that it is a primary and never be announced: the trial ended first, or it promoted itself.
    let mut last: Vec<(&str, NodeRole)> = vec![(first, NodeRole::Primary)];
    for (at, address, role) in told {
        if *role == NodeRole::Unreachable {
            continue;
        }
        let before = last.iter().rposition(|(known, _)| known == address);
        let was = before.map(|index| last[index].1);
        if let Some(index) = before {
            last.swap_remove(index);
        }
        last.push((address, *role));
        let became = *role == NodeRole::Primary && was == Some(NodeRole::Replica);
        if became && !found.iter().any(|promotion| promotion.new == *address) {
            found.push(Promotion { at: *at, old: None, new: address.clone() });
        }
    }
    found.sort_by(|one, other| one.at.cmp(&other.at).then_with(|| one.new.cmp(&other.new)));
    found
}

/// The promotions no fault explains. Each fault explains one: `faults` are (injected, addresses of the nodes it killed;
/// `None` for a fault that may have cut off any). A kill explains a promotion when it took the primary of that time.
pub fn unexplained<'a>(promotions: &'a [Promotion], faults: &[(u64, Option<Vec<String>>)], first: &str) -> Vec<&'a Promotion> {
    let mut used = vec![false; faults.len()];
    let mut primary = first.to_owned();
    let mut rest = Vec::new();
    for promotion in promotions {
        let old = promotion.old.clone().unwrap_or_else(|| primary.clone());
        let explains =
            |(at, killed): &(u64, Option<Vec<String>>)| *at <= promotion.at && killed.as_ref().is_none_or(|killed| killed.contains(&old));
        match (0..faults.len()).find(|index| !used[*index] && explains(&faults[*index])) {
            Some(index) => used[index] = true,
            None => rest.push(promotion),
        }
        primary.clone_from(&promotion.new);
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::{Message, NodeRole, promotions, unexplained};
    use crate::history::SentinelEvent;

    fn switch(at: u64, old: &str, new: &str) -> Message {
        let payload = format!("m {old} 1 {new} 1");
        Message::read(&SentinelEvent { at, node: 3, event: "+switch-master".to_owned(), payload })
    }

    fn role(at: u64, node: &str, role: NodeRole) -> (u64, String, NodeRole) {
        (at, format!("{node}:1"), role)
    }

    #[test]
    fn a_switch_told_by_three_sentinels_is_one_promotion() {
        let messages = [switch(10, "a", "b"), switch(11, "a", "b"), switch(30, "b", "c"), switch(31, "a", "b"), switch(32, "b", "c")];
        let found = promotions(&messages, &[], "a:1");
        assert_eq!(found.iter().map(|one| (one.at, one.new.as_str())).collect::<Vec<_>>(), [(10, "b:1"), (30, "c:1")]);
    }

    #[test]
    fn a_replica_that_says_it_is_a_primary_was_promoted_even_if_nobody_announced_it() {
        let told = [role(1, "b", NodeRole::Replica), role(9, "b", NodeRole::Primary), role(20, "c", NodeRole::Replica)];
        assert_eq!(promotions(&[], &told, "a:1").len(), 1);
        assert_eq!(promotions(&[switch(10, "a", "b")], &told, "a:1").len(), 1, "told twice, counted once");
    }

    #[test]
    fn a_promotion_without_a_fault_that_took_the_primary_is_unexplained() {
        let found = promotions(&[switch(10, "a", "b"), switch(30, "b", "c")], &[], "a:1");
        let kill = |at, node: &str| (at, Some(vec![format!("{node}:1")]));
        assert_eq!(unexplained(&found, &[kill(5, "a")], "a:1").len(), 1);
        assert!(unexplained(&found, &[kill(5, "a"), kill(20, "b")], "a:1").is_empty());
        assert_eq!(unexplained(&found, &[kill(5, "a"), kill(20, "c")], "a:1").len(), 1, "the kill took a replica");
        assert!(unexplained(&found, &[kill(5, "a"), (20, None)], "a:1").is_empty());
    }
}
