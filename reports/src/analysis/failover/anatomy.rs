//! A gap told in parts that add up to it.
//!
//! Every part ends with an event somebody saw. An event nobody saw leaves no part: the time until the next one seen is
//! told as one part that says so. Parts never run backwards: an event that came before the one it should follow ends
//! a part of length zero.

use super::Message;
use crate::analysis::words::count;
use crate::result::FailoverPart;

/// Sentinels that see the primary down ask for votes within a moment of each other. A failed attempt is followed by
/// another one after twice the `failover-timeout`, which is longer than this wherever it is in use.
const RIVALS_WITHIN: u64 = 1_000_000_000;

/// What is known of an outage from outside.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// Last acknowledged write.
    pub from: u64,
    /// When the fault was injected, if one was.
    pub fault: Option<u64>,
    /// First acknowledged write after it; `None` when the outage was still open at the end.
    pub writable: Option<u64>,
    /// First answer to a client after it; `None` without clients or when there was none before the end.
    pub rediscovered: Option<u64>,
    /// End of the trial.
    pub end: u64,
    /// Whether there are clients whose gap is told as well.
    pub clients: bool,
    /// Address of the old primary.
    pub old: Option<&'a str>,
    /// Address of the new one.
    pub new: Option<&'a str>,
    /// Name of the new one.
    pub new_name: &'a str,
    /// Names of the nodes, by index.
    pub nodes: &'a [String],
}

/// A gap in parts.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Anatomy {
    /// In order of time, without holes.
    pub parts: Vec<FailoverPart>,
    /// Names of parts that are what their name says: nothing unseen was merged into them, and they ended.
    pub pure: Vec<String>,
    /// Name of the part that was under way when the trial ended, if nothing unseen was merged into it.
    pub open: Option<String>,
}

/// An event that ends a part.
pub(super) struct Step {
    pub(super) name: &'static str,
    /// The event in words, for when it was not seen.
    pub(super) event: &'static str,
    pub(super) seen: Option<(u64, String)>,
}

/// Tells an outage in parts. `messages` are in order of time.
pub fn anatomy(known: &Known<'_>, messages: &[Message]) -> Anatomy {
    compose(known, steps(known, messages), |from| {
        let given_up = messages.iter().filter(|message| message.at >= from && message.event.starts_with("-failover-abort"));
        let given_up = given_up.map(|message| message.event.as_str()).next_back();
        given_up.map(|event| format!("; the last attempt ended with {event}")).unwrap_or_default()
    })
}

/// Parts from the steps that end them. `given_up` says of an attempt under way since an instant how it ended, if it did.
pub(super) fn compose(known: &Known<'_>, steps: Vec<Step>, given_up: impl Fn(u64) -> String) -> Anatomy {
    let mut told = Anatomy::default();
    let mut from = known.from;
    let mut unseen: Vec<&Step> = Vec::new();
    for step in &steps {
        let Some((at, by)) = &step.seen else {
            unseen.push(step);
            continue;
        };
        let to = (*at).max(from);
        let missing =
            unseen.iter().map(|step| format!("; {} was not seen, so this includes {}", step.event, step.name)).collect::<String>();
        if unseen.is_empty() {
            told.pure.push(step.name.to_owned());
        }
        told.parts.push(FailoverPart { name: step.name.to_owned(), from, to, ended_by: format!("{by}{missing}") });
        unseen.clear();
        from = to;
    }
    if let Some(step) = unseen.first() {
        let ended_by = format!("nothing: {} was not seen before the trial ended{}", step.event, given_up(from));
        told.open = Some(step.name.to_owned());
        told.parts.push(FailoverPart { name: step.name.to_owned(), from, to: known.end.max(from), ended_by });
    }
    told
}

fn steps(known: &Known<'_>, messages: &[Message]) -> Vec<Step> {
    let node = |index: u16| known.nodes.get(usize::from(index)).map_or("a Sentinel", String::as_str);
    let said = |message: &Message| (message.at, format!("{} said {}", node(message.node), message.event));
    let since = known.fault.unwrap_or(known.from).min(known.from);
    let until = known.writable.unwrap_or(known.end);
    let about = |event: &'static str| messages.iter().filter(move |message| message.at >= since && message.tells(event, known.old));
    let before = |event: &'static str, limit: u64| about(event).filter(move |message| message.at <= limit);

    // The Sentinel that leads knows of its election before anyone can be promoted, so the last one counts.
    let elected = before("+elected-leader", until).next_back();
    let tried: Vec<&Message> = before("+try-failover", elected.map_or(until, |message| message.at)).collect();
    let mut steps = vec![
        Step { name: "detection", event: "+sdown", seen: before("+sdown", until).next().map(said) },
        Step { name: "agreement", event: "+odown", seen: before("+odown", until).next().map(said) },
    ];
    if let Some((last, failed)) = retried(&tried, messages, elected.map(|message| message.node)) {
        let aborted: Vec<String> = messages
            .iter()
            .filter(|message| message.event.starts_with("-failover-abort") && message.at >= since && message.at <= last.at)
            .map(|message| said(message).1)
            .collect();
        let why = if aborted.is_empty() { String::new() } else { format!(" ({})", aborted.join(", ")) };
        let (at, by) = said(last);
        let by = format!("{by} again after {}{why}", count(failed as u64, "failed attempt"));
        steps.push(Step { name: "retry", event: "+try-failover", seen: Some((at, by)) });
    }
    steps.push(Step { name: "election", event: "+elected-leader", seen: elected.map(said) });
    let writable = known.writable.map(|at| (at, format!("{} acknowledged a probe write", known.new_name)));
    let open = writable.is_none();
    steps.push(Step { name: "promotion", event: "a write acknowledged by a new primary", seen: writable });
    // Without a new primary there is nothing to announce.
    if !known.clients || open {
        return steps;
    }
    // A client that was answered before the next probe write waited for nothing more.
    if known.rediscovered.is_some_and(|at| at <= until) {
        return steps;
    }
    let begun = elected.map_or(since, |message| message.at);
    let announced = messages
        .iter()
        .filter(|message| message.at >= begun && message.at <= known.rediscovered.unwrap_or(known.end))
        .find(|message| message.promoted.is_some() && known.new.is_none_or(|new| message.promoted.as_deref() == Some(new)));
    steps.push(Step { name: "announcement", event: "+promoted-slave or +switch-master", seen: announced.map(said) });
    let answered = known.rediscovered.map(|at| (at, "a client of the workload was answered".to_owned()));
    steps.push(Step { name: "rediscovery", event: "an answer to a client", seen: answered });
    steps
}

/// The attempt that counts, and how many failed before it; `None` where none failed. The attempt that counts is that of
/// the Sentinel that was elected, else the last one.
///
/// Sentinels that stand at the same time are rivals in one attempt: one of them wins, and nothing was tried again. An
/// attempt failed when it was aborted, when the same Sentinel tries again, or when it is older than any rivalry.
fn retried<'a>(tried: &[&'a Message], messages: &[Message], elected: Option<u16>) -> Option<(&'a Message, usize)> {
    let by_winner = tried.iter().rev().find(|message| elected.is_none_or(|node| message.node == node));
    let last: &'a Message = by_winner.or(tried.last())?;
    let aborted = |message: &Message| {
        let before = |other: &&Message| (message.at..=last.at).contains(&other.at) && other.node == message.node;
        messages.iter().filter(before).any(|other| other.event.starts_with("-failover-abort"))
    };
    let failed = tried
        .iter()
        .filter(|message| message.at < last.at)
        .filter(|message| message.node == last.node || last.at.saturating_sub(message.at) >= RIVALS_WITHIN || aborted(message));
    let failed = failed.count();
    (failed > 0).then_some((last, failed))
}

#[cfg(test)]
mod tests {
    use super::{Anatomy, Known, Message, anatomy};
    use crate::history::SentinelEvent;

    const OLD: &str = "10.0.0.1:6379";
    const NEW: &str = "10.0.0.2:6379";

    fn message(at: u64, node: u16, event: &str) -> Message {
        let payload = match event {
            "+switch-master" => "m 10.0.0.1 6379 10.0.0.2 6379",
            "+promoted-slave" => "slave 10.0.0.2:6379 10.0.0.2 6379 @ m 10.0.0.1 6379",
            _ => "master m 10.0.0.1 6379",
        };
        Message::read(&SentinelEvent { at, node, event: event.to_owned(), payload: payload.to_owned() })
    }

    fn usual() -> Vec<Message> {
        [
            (1079, "+sdown"),
            (1138, "+odown"),
            (1138, "+try-failover"),
            (1194, "+elected-leader"),
            (2180, "+promoted-slave"),
            (2286, "+switch-master"),
        ]
        .map(|(at, event)| message(at, 0, event))
        .to_vec()
    }

    fn told(messages: &[Message], change: impl FnOnce(&mut Known<'_>)) -> Anatomy {
        let nodes = ["sentinel-1".to_owned(), "sentinel-2".to_owned()];
        let mut known = Known {
            from: 0,
            fault: Some(1),
            writable: Some(1357),
            rediscovered: Some(2300),
            end: 9000,
            clients: true,
            old: Some(OLD),
            new: Some(NEW),
            new_name: "redis-2",
            nodes: &nodes,
        };
        change(&mut known);
        anatomy(&known, messages)
    }

    fn lengths(anatomy: &Anatomy) -> Vec<(&str, u64)> {
        anatomy.parts.iter().map(|part| (part.name.as_str(), part.to - part.from)).collect()
    }

    #[test]
    fn the_parts_of_a_real_failover_add_up_to_the_gap() {
        let told = told(&usual(), |_| ());
        let expected =
            [("detection", 1079), ("agreement", 59), ("election", 56), ("promotion", 163), ("announcement", 823), ("rediscovery", 120)];
        assert_eq!(lengths(&told), expected);
        assert_eq!(told.parts[0].ended_by, "sentinel-1 said +sdown");
        assert_eq!(told.parts[3].ended_by, "redis-2 acknowledged a probe write");
        assert_eq!(told.pure.len(), 6);
    }

    #[test]
    fn an_event_nobody_saw_is_said_to_be_missing_and_not_invented() {
        let messages: Vec<Message> = usual().into_iter().filter(|message| message.event != "+sdown").collect();
        let told = told(&messages, |_| ());
        assert_eq!(lengths(&told)[0], ("agreement", 1138));
        assert_eq!(told.parts[0].ended_by, "sentinel-1 said +odown; +sdown was not seen, so this includes detection");
        assert!(!told.pure.contains(&"agreement".to_owned()));
    }

    #[test]
    fn failed_attempts_are_a_part_of_their_own() {
        let mut messages = usual();
        messages.insert(3, message(6138, 0, "-failover-abort-not-elected"));
        messages.insert(4, message(13_000, 1, "+try-failover"));
        messages.truncate(5);
        messages.push(message(13_060, 1, "+elected-leader"));
        let told = told(&messages, |known| {
            known.writable = Some(13_200);
            known.rediscovered = None;
            known.clients = false;
        });
        assert_eq!(lengths(&told), [("detection", 1079), ("agreement", 59), ("retry", 11_862), ("election", 60), ("promotion", 140)]);
        assert_eq!(
            told.parts[2].ended_by,
            "sentinel-2 said +try-failover again after 1 failed attempt (sentinel-1 said -failover-abort-not-elected)"
        );
    }

    #[test]
    fn sentinels_that_stand_at_the_same_time_are_rivals_and_no_retry() {
        let mut messages = usual();
        messages.insert(3, message(1140, 1, "+try-failover"));
        let expected =
            [("detection", 1079), ("agreement", 59), ("election", 56), ("promotion", 163), ("announcement", 823), ("rediscovery", 120)];
        assert_eq!(lengths(&told(&messages, |_| ())), expected);
    }

    #[test]
    fn an_attempt_of_a_sentinel_that_fell_silent_failed() {
        let mut messages = usual();
        messages.truncate(3);
        let later = 6_000_000_000;
        messages.push(message(later, 1, "+try-failover"));
        messages.push(message(later + 60, 1, "+elected-leader"));
        let told = told(&messages, |known| {
            known.writable = Some(later + 200);
            known.clients = false;
        });
        assert_eq!(lengths(&told)[2], ("retry", later - 1138));
        assert_eq!(told.parts[2].ended_by, "sentinel-2 said +try-failover again after 1 failed attempt");
    }

    #[test]
    fn an_outage_that_never_ended_has_an_open_part() {
        let told = told(&usual()[..3], |known| {
            known.writable = None;
            known.rediscovered = None;
        });
        assert_eq!(lengths(&told), [("detection", 1079), ("agreement", 59), ("election", 7862)]);
        assert_eq!(told.open.as_deref(), Some("election"));
        assert_eq!(told.parts[2].ended_by, "nothing: +elected-leader was not seen before the trial ended");
    }

    #[test]
    fn an_open_part_says_how_the_last_attempt_ended() {
        let mut messages = usual();
        messages.truncate(4);
        messages.push(message(1260, 0, "-failover-abort-no-good-slave"));
        let told = told(&messages, |known| {
            known.writable = None;
            known.rediscovered = None;
        });
        let last = told.parts.last().unwrap();
        assert_eq!(last.name, "promotion");
        assert!(last.ended_by.ends_with("the last attempt ended with -failover-abort-no-good-slave"), "{}", last.ended_by);
    }

    #[test]
    fn an_announcement_before_the_first_write_takes_no_time() {
        let told = told(&usual(), |known| known.writable = Some(2250));
        assert_eq!(lengths(&told)[3..], [("promotion", 1056), ("announcement", 0), ("rediscovery", 50)]);
    }

    #[test]
    fn messages_about_another_instance_end_no_part() {
        let mut messages = usual();
        let payload = "slave 10.0.0.3:6379 10.0.0.3 6379 @ m 10.0.0.1 6379".to_owned();
        messages.insert(0, Message::read(&SentinelEvent { at: 500, node: 0, event: "+sdown".to_owned(), payload }));
        assert_eq!(lengths(&told(&messages, |_| ()))[0], ("detection", 1079));
    }
}
