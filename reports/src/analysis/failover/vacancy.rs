//! Why Sentinels promoted no replica in the place of a primary that was gone, or only later: from what they published and what the replicas
//! told of themselves. Conditions: sentinel.c, `sentinelSelectSlave`, `sentinelGetLeader`, `sentinelCheckTiltCondition`.

use super::{Message, Obstacle};
use crate::analysis::replicas::Replicas;
use crate::analysis::settings::Settings;
use crate::analysis::silence::Silences;
use crate::analysis::words::{count, instant, span};

/// Sentinels ask replicas of a primary that is down for `INFO` every second; five of its periods without an answer rule a replica out.
const PINGS_MISSED: u64 = 5;
const LONGEST_PING: u64 = 1_000_000_000;
const LINK_FACTOR: u64 = 10;

/// A node is asked for its role every 20 ms, of many nodes less often: one whose latest answer is younger is there.
const ANSWERS_WITHIN: u64 = 250_000_000;

/// A primary that took no writes for a while.
pub struct Vacancy<'a> {
    /// The primary: its index and its address.
    pub old: (u16, &'a str),
    /// The other data nodes of the set, by index.
    pub replicas: &'a [u16],
    pub sentinels: &'a [u16],
    /// Names of the nodes, by index.
    pub names: &'a [String],
    /// Last acknowledged write, and the first one after it with the node that took it.
    pub from: u64,
    pub to: Option<(u64, u16)>,
    /// Zero of the schedule and end of the trial.
    pub zero: u64,
    pub end: u64,
    pub settings: &'a Settings,
    pub replica_facts: &'a Replicas,
    pub silences: &'a Silences,
    /// Until when a Sentinel that a fault had taken at an instant was gone or cut off; `None` for one that was there.
    pub gone: &'a dyn Fn(u16, u64) -> Option<u64>,
}

/// How far the Sentinels came.
struct Course<'a> {
    /// Of each Sentinel the first time it held the primary for down.
    down: Vec<(u16, u64)>,
    agreed: bool,
    tried: usize,
    elected: bool,
    aborted: Vec<&'a Message>,
}

/// `None` where a replica was promoted at the first attempt, or where the primary was never held for down and came back. `messages` are in
/// order of time.
pub fn vacancy(scene: &Vacancy<'_>, messages: &[Message]) -> Option<Obstacle> {
    let until = scene.to.map_or(scene.end, |to| to.0);
    let replaced = scene.to.is_some_and(|to| to.1 != scene.old.0);
    let course = course(scene, messages, until);
    let tilt = tilt(scene, messages, until);
    let absent = absent(scene, until);
    let failed = !course.aborted.is_empty();
    if replaced && !failed && tilt.is_none() {
        return None;
    }
    if scene.to.is_some() && !replaced && course.down.is_empty() && tilt.is_none() && absent.is_none() {
        return None;
    }
    let main = if replaced && !failed { None } else { Some(reason(scene, &course, until)) };
    let why: Vec<String> = absent.into_iter().chain(tilt).chain(main).collect();
    let said =
        course.aborted.last().map(|last| format!("{} said {} at {}", name(scene, last.node), last.event, instant(last.at, scene.zero)));
    Some(Obstacle { why: why.join("; "), said })
}

fn course<'a>(scene: &Vacancy<'_>, messages: &'a [Message], until: u64) -> Course<'a> {
    let within = |message: &&Message| message.at >= scene.from && message.at <= until;
    let about = |event: &'static str| messages.iter().filter(within).filter(move |message| message.tells(event, Some(scene.old.1)));
    let mut down: Vec<(u16, u64)> = Vec::new();
    for message in about("+sdown") {
        if !down.iter().any(|(node, _)| *node == message.node) {
            down.push((message.node, message.at));
        }
    }
    Course {
        down,
        agreed: about("+odown").next().is_some(),
        tried: about("+try-failover").count(),
        elected: about("+elected-leader").next().is_some(),
        aborted: messages.iter().filter(within).filter(|message| message.event.starts_with("-failover-abort")).collect(),
    }
}

/// What stood in the way at the stage that was reached.
fn reason(scene: &Vacancy<'_>, course: &Course<'_>, until: u64) -> String {
    let settings = scene.settings;
    let old = name(scene, scene.old.0);
    let ended = |event: &str| course.aborted.iter().filter(|message| message.event == event).count() as u64;
    let last = course.aborted.last().map(|message| message.event.as_str());
    match last {
        Some("-failover-abort-no-good-slave") => {
            let times = count(ended("-failover-abort-no-good-slave"), "attempt");
            return format!("no replica was fit to be promoted in {times} (-failover-abort-no-good-slave): {}", unfit(scene, course));
        }
        Some("-failover-abort-not-elected") => {
            let times = count(ended("-failover-abort-not-elected"), "attempt");
            let needed = (settings.sentinels / 2 + 1).max(settings.quorum);
            return format!(
                "no Sentinel was elected in {times} (-failover-abort-not-elected): {needed} of {} votes are needed, and {}",
                settings.sentinels,
                present(scene, until)
            );
        }
        Some("-failover-abort-slave-timeout") => {
            return format!(
                "the chosen replica did not become primary within failover-timeout, {} (-failover-abort-slave-timeout)",
                span(settings.failover_timeout)
            );
        }
        Some(other) => return format!("the last attempt ended with {other}"),
        None => {}
    }
    if course.elected {
        return "the failover was still under way".to_owned();
    }
    if course.tried > 0 {
        return format!("no Sentinel had been elected yet, and {}", present(scene, until));
    }
    if course.agreed {
        return "no Sentinel had stood for election yet; one that voted waits for twice the failover-timeout".to_owned();
    }
    if !course.down.is_empty() {
        let held = course.down.len();
        return format!(
            "{held} of {} Sentinels held {old} for down, and {} must agree; {}",
            settings.sentinels,
            settings.quorum,
            present(scene, until)
        );
    }
    if scene.sentinels.iter().all(|node| (scene.gone)(*node, until).is_some()) {
        return "no Sentinel was there".to_owned();
    }
    if scene.silences.last_before(scene.old.0, until).is_some_and(|last| until.saturating_sub(last) <= ANSWERS_WITHIN) {
        return format!("no Sentinel held {old} for down: it answered and took no writes");
    }
    let waited = until.saturating_sub(scene.from);
    if waited < settings.down_after {
        return format!("down-after-milliseconds is {}, and the outage had lasted {} in the end", span(settings.down_after), span(waited));
    }
    format!("no Sentinel held {old} for down")
}

/// Of each replica why it could not be chosen when the last attempt looked for one.
fn unfit(scene: &Vacancy<'_>, course: &Course<'_>) -> String {
    let Some(last) = course.aborted.last() else { return String::new() };
    let (at, down_after) = (last.at, scene.settings.down_after);
    // That of the Sentinel that looked; else of any.
    let own = course.down.iter().find(|(node, _)| *node == last.node).or(course.down.first());
    let since_down = own.map_or(0, |(_, down)| at.saturating_sub(*down));
    let limit = down_after.saturating_mul(LINK_FACTOR).saturating_add(since_down);
    let patience = down_after.min(LONGEST_PING).saturating_mul(PINGS_MISSED);
    let (mut told, mut too_long) = (Vec::new(), false);
    for replica in scene.replicas {
        let mut facts = Vec::new();
        if scene.replica_facts.priority(*replica) == Some(0) {
            facts.push("its priority is 0".to_owned());
        }
        let silent = scene.silences.last_before(*replica, at).map(|last| at.saturating_sub(last));
        // One whose connection broke is passed over at once (sentinel.c, `link->disconnected`).
        if silent.is_none_or(|silent| silent > ANSWERS_WITHIN.min(patience)) {
            facts.push(silent.map_or("it never answered".to_owned(), |silent| format!("it had given no answer for {}", span(silent))));
        }
        if silent.is_some_and(|silent| silent <= patience)
            && let Some(down) = scene.replica_facts.down_since(*replica, at).map(|since| at.saturating_sub(since))
        {
            too_long |= down > limit;
            let against = if down > limit { "longer than" } else { "within" };
            facts.push(format!("its link to the primary had been down for {}, {against} the limit of {}", span(down), span(limit)));
        }
        if facts.is_empty() {
            facts.push("it answered, and its link was up".to_owned());
        }
        told.push(format!("{}: {}", name(scene, *replica), facts.join(", ")));
    }
    if told.is_empty() {
        return "the set has no replica".to_owned();
    }
    let rule = format!("; the limit is {LINK_FACTOR} times down-after-milliseconds and the {} since +sdown", span(since_down));
    format!("{}{}", told.join(", "), if too_long { rule } else { String::new() })
}

/// How many Sentinels were there.
fn present(scene: &Vacancy<'_>, at: u64) -> String {
    let there = scene.sentinels.iter().filter(|node| (scene.gone)(**node, at).is_none()).count();
    format!("{there} of {} Sentinels were there", scene.settings.sentinels)
}

/// Sentinels that faults had taken when they should have noticed, where that left too few of them.
fn absent(scene: &Vacancy<'_>, until: u64) -> Option<String> {
    let at = scene.from.saturating_add(scene.settings.down_after).min(until);
    let gone: Vec<u64> = scene.sentinels.iter().filter_map(|node| (scene.gone)(*node, at)).collect();
    let needed = (scene.settings.sentinels / 2 + 1).max(scene.settings.quorum) as usize;
    if gone.is_empty() || scene.sentinels.len() - gone.len() >= needed {
        return None;
    }
    let back = gone.iter().min().copied().filter(|back| *back < until);
    let long = back.map_or("to the end".to_owned(), |back| format!("until {}", instant(back, scene.zero)));
    Some(format!("{} of {} Sentinels were gone or cut off {long}", gone.len(), scene.sentinels.len()))
}

/// Sentinels whose clock or process had stood still do nothing for a while.
fn tilt(scene: &Vacancy<'_>, messages: &[Message], until: u64) -> Option<String> {
    let mut spans: Vec<(u16, u64, Option<u64>)> = Vec::new();
    for message in messages.iter().filter(|message| message.at <= until) {
        let open = spans.iter_mut().find(|(node, _, to)| *node == message.node && to.is_none());
        match (message.event.as_str(), open) {
            ("+tilt", None) => spans.push((message.node, message.at, None)),
            ("-tilt", Some(span)) => span.2 = Some(message.at),
            _ => {}
        }
    }
    spans.retain(|(_, _, to)| to.is_none_or(|to| to > scene.from));
    let mut who: Vec<u16> = spans.iter().map(|(node, ..)| *node).collect();
    who.sort_unstable();
    who.dedup();
    // Fewer leave the others to act.
    let needed = (scene.settings.sentinels / 2 + 1).max(scene.settings.quorum) as usize;
    if scene.sentinels.len().saturating_sub(who.len()) >= needed {
        return None;
    }
    let from = spans.iter().map(|(_, from, _)| *from).min()?;
    let ended = spans.iter().map(|(.., to)| *to).collect::<Option<Vec<u64>>>().and_then(|ends| ends.into_iter().max());
    let to = ended.map_or("the end".to_owned(), |to| instant(to, scene.zero));
    let names: Vec<&str> = who.iter().map(|node| name(scene, *node)).collect();
    let verb = if names.len() == 1 { "was" } else { "were" };
    Some(format!("{} {verb} in TILT from {} to {to} and failed nobody over", names.join(", "), instant(from, scene.zero)))
}

fn name<'a>(scene: &Vacancy<'a>, node: u16) -> &'a str {
    scene.names.get(usize::from(node)).map_or("a node", String::as_str)
}

#[cfg(test)]
mod tests {
    use super::{Message, Replicas, Settings, Silences, Vacancy, vacancy};
    use crate::history::{NodeRole, RoleSample, SentinelEvent};

    const MS: u64 = 1_000_000;
    const S: u64 = 1_000 * MS;
    const OLD: &str = "10.0.0.1:6379";

    fn message(at: u64, node: u16, event: &str) -> Message {
        let payload = if event.ends_with("tilt") { "#tilt mode entered" } else { "master m 10.0.0.1 6379" };
        Message::read(&SentinelEvent { at: at * MS, node, event: event.to_owned(), payload: payload.to_owned() })
    }

    fn settings() -> Settings {
        Settings {
            down_after: S,
            failover_timeout: 5 * S,
            sentinels: 3,
            quorum: 2,
            refuses_after: None,
            full_coverage: false,
            failover_within: 0,
        }
    }

    /// redis-1 is gone from 3 s on, the trial ends at 50 s. The links of redis-2 and redis-3 are down from 3 s on.
    fn why(messages: &[Message], change: impl FnOnce(&mut Vacancy<'_>)) -> Option<String> {
        let names = ["redis-1", "redis-2", "redis-3", "sentinel-1", "sentinel-2", "sentinel-3"].map(str::to_owned);
        let (mut silences, mut facts) = (Silences::default(), Replicas::default());
        for at in (0..50_000).step_by(20) {
            (0..3).filter(|node| *node > 0 || at < 3_000).for_each(|node| silences.answer(node, at * MS));
        }
        for node in [1, 2] {
            let follows = String::new();
            let priority = Some(if node == 2 { 0 } else { 100 });
            let said = |at, link| RoleSample {
                at: [at * MS; 2],
                node,
                role: NodeRole::Replica,
                offset: 0,
                link,
                follows: follows.clone(),
                syncing: false,
                priority,
            };
            [said(1_000, true), said(3_010, false)].iter().for_each(|sample| facts.sample(sample));
        }
        let settings = settings();
        let mut scene = Vacancy {
            old: (0, OLD),
            replicas: &[1, 2],
            sentinels: &[3, 4, 5],
            names: &names,
            from: 3 * S,
            to: None,
            zero: 0,
            end: 50 * S,
            settings: &settings,
            replica_facts: &facts,
            silences: &silences,
            gone: &|_, _| None,
        };
        change(&mut scene);
        vacancy(&scene, messages).map(|found| found.why)
    }

    fn agreed() -> Vec<Message> {
        vec![message(4_060, 3, "+sdown"), message(4_070, 4, "+sdown"), message(4_100, 3, "+odown"), message(4_100, 3, "+try-failover")]
    }

    #[test]
    fn no_good_replica_is_told_with_the_facts_of_each_and_the_limit() {
        let late = [(22_000, "+sdown"), (22_050, "+odown"), (22_060, "+try-failover"), (22_110, "+elected-leader")];
        let mut messages: Vec<Message> = late.iter().map(|(at, event)| message(*at, 3, event)).collect();
        messages.push(message(22_210, 3, "-failover-abort-no-good-slave"));
        let told = why(&messages, |_| ()).unwrap();
        assert_eq!(
            told,
            "no replica was fit to be promoted in 1 attempt (-failover-abort-no-good-slave): redis-2: its link to the primary had been \
             down for 19.2 s, longer than the limit of 10.2 s, redis-3: its priority is 0, its link to the primary had been down for \
             19.2 s, longer than the limit of 10.2 s; the limit is 10 times down-after-milliseconds and the 210 ms since +sdown"
        );
        let told = why(&messages, |scene| scene.gone = &|_, at| (at < 21 * S).then_some(21 * S)).unwrap();
        assert!(told.starts_with("3 of 3 Sentinels were gone or cut off until T+21.000 s; no replica was fit"), "{told}");
    }

    #[test]
    fn tilt_is_told_from_when_to_when_beside_what_came_after_it() {
        let mut messages: Vec<Message> = [3, 4, 5].map(|node| message(2_500 + u64::from(node), node, "+tilt")).to_vec();
        let open = why(&messages, |_| ()).unwrap();
        assert!(open.starts_with("sentinel-1, sentinel-2, sentinel-3 were in TILT from T+2.503 s to the end"), "{open}");
        messages.extend([3, 4, 5].map(|node| message(33_000 + u64::from(node), node, "-tilt")));
        messages.extend([message(33_010, 3, "+sdown"), message(33_300, 3, "-failover-abort-no-good-slave")]);
        let told = why(&messages, |_| ()).unwrap();
        assert!(told.contains("to T+33.005 s and failed nobody over; no replica was fit to be promoted"), "{told}");
        // A failover that came late all the same.
        messages.truncate(6);
        let late = why(&messages, |scene| scene.to = Some((34 * S, 1))).unwrap();
        assert!(late.ends_with("to T+33.005 s and failed nobody over"), "{late}");
    }

    #[test]
    fn votes_that_did_not_come_are_told_with_the_sentinels_that_were_there() {
        let mut messages = agreed();
        messages.push(message(9_200, 3, "-failover-abort-not-elected"));
        let told = why(&messages, |scene| scene.gone = &|node, _| (node == 5).then_some(u64::MAX)).unwrap();
        assert_eq!(
            told,
            "no Sentinel was elected in 1 attempt (-failover-abort-not-elected): 2 of 3 votes are needed, and 2 of 3 Sentinels were there"
        );
        let late = why(&messages, |scene| scene.to = Some((15 * S, 1))).unwrap();
        assert!(late.starts_with("no Sentinel was elected in 1 attempt"), "a later attempt succeeded: {late}");
        assert_eq!(why(&agreed(), |scene| scene.to = Some((5 * S, 1))), None, "the first attempt succeeded");
    }

    #[test]
    fn a_quorum_that_was_not_reached_and_sentinels_that_are_gone_are_counted() {
        let gone: &'static dyn Fn(u16, u64) -> Option<u64> = &|node, _| (node > 3).then_some(u64::MAX);
        let told = why(&agreed()[..1], |scene| scene.gone = gone).unwrap();
        assert_eq!(
            told,
            "2 of 3 Sentinels were gone or cut off to the end; 1 of 3 Sentinels held redis-1 for down, and 2 must agree; \
             1 of 3 Sentinels were there"
        );
        let told = why(&[], |scene| scene.gone = &|_, _| Some(u64::MAX)).unwrap();
        assert_eq!(told, "3 of 3 Sentinels were gone or cut off to the end; no Sentinel was there");
    }

    #[test]
    fn nobody_is_promoted_before_down_after_has_passed_or_while_the_primary_answers() {
        let told = why(&[], |scene| scene.end = 3_500 * MS).unwrap();
        assert_eq!(told, "down-after-milliseconds is 1.00 s, and the outage had lasted 500 ms in the end");
        let told = why(&[], |scene| scene.old.0 = 1).unwrap();
        assert_eq!(told, "no Sentinel held redis-2 for down: it answered and took no writes");
        assert_eq!(why(&[], |scene| scene.to = Some((3_600 * MS, 0))), None, "it came back before anybody held it for down");
    }
}
