//! Sentinels that the others could not reach: what they published of each other.

use super::Message;

/// The others notice a cut when their pings have gone unanswered for `down-after-milliseconds`, and look ten times a second.
const NOTICED: u64 = 2_000_000_000;

/// Until when a Sentinel was cut off from most of the others at an instant; `None` for one that was not. `others` are the other Sentinels,
/// `messages` are in order of time.
pub fn isolated(address: &str, others: &[u16], at: u64, messages: &[Message]) -> Option<u64> {
    let mut holding: Vec<u16> = Vec::new();
    let most = |holding: &[u16]| holding.len() * 2 > others.len();
    let (mut cut, seen) = (false, at.saturating_add(NOTICED));
    let about = |message: &&Message| others.contains(&message.node) && message.about.as_deref() == Some(address);
    for message in messages.iter().filter(about) {
        if message.at > seen && !cut {
            return None;
        }
        match message.event.as_str() {
            "+sdown" if !holding.contains(&message.node) => holding.push(message.node),
            "-sdown" => holding.retain(|node| *node != message.node),
            _ => {}
        }
        if cut && !most(&holding) {
            if message.at > at {
                return Some(message.at);
            }
            cut = false;
        }
        cut |= most(&holding);
    }
    cut.then_some(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::{Message, isolated};
    use crate::history::SentinelEvent;

    const S: u64 = 1_000_000_000;
    const ONE: &str = "10.0.0.4:26379";

    fn said(at: u64, node: u16, event: &str) -> Message {
        let payload = "sentinel abc 10.0.0.4 26379 @ m 10.0.0.1 6379".to_owned();
        Message::read(&SentinelEvent { at: at * S, node, event: event.to_owned(), payload })
    }

    #[test]
    fn one_is_cut_off_when_more_than_half_of_the_others_hold_it_for_down() {
        let both = [said(6, 4, "+sdown"), said(7, 5, "+sdown"), said(20, 4, "-sdown")];
        assert_eq!(isolated(ONE, &[4, 5], 6 * S, &both), Some(20 * S));
        assert_eq!(isolated(ONE, &[4, 5], 21 * S, &both), None, "one of two holds it still");
        assert_eq!(isolated(ONE, &[4, 5], 4 * S, &both), None, "they noticed later than a cut of then");
        assert_eq!(isolated(ONE, &[4, 5], 8 * S, &both[..2]), Some(u64::MAX));
        assert_eq!(isolated(ONE, &[4, 5], 8 * S, &both[..1]), None, "half is not most");
    }

    #[test]
    fn slow_links_that_nobody_takes_for_down_cut_off_nobody() {
        assert_eq!(isolated(ONE, &[4, 5], 6 * S, &[]), None);
        assert_eq!(isolated("10.0.0.5:26379", &[4, 5], 6 * S, &[said(6, 4, "+sdown"), said(6, 5, "+sdown")]), None);
    }
}
