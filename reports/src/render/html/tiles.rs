//! The key figures at the top of the page.

use crate::analysis::OUTAGE;
use crate::render::harm::{self, Asserted, Done};
use crate::render::{by_shard, facts, felt, number};
use crate::result::Document;

/// One key figure.
pub struct Tile {
    pub label: &'static str,
    pub value: String,
    pub note: String,
    /// `good`, `bad` or empty.
    pub tone: &'static str,
}

/// The key figures: gaps, then harm.
pub fn tiles(document: &Document) -> Vec<Tile> {
    let done = harm::done(document);
    let harm = |kind: &str, metric: &str, count: u64| harm_tone(&done, kind, metric, count);
    let mut tiles = gap_tiles(document);
    if let Some(split) = document.metrics.get(facts::SPLIT_BRAIN).filter(|split| split.max.value() > 0.0) {
        let lost = document.metrics.get(facts::SPLIT_BRAIN_WRITES).map_or(0.0, |writes| writes.total);
        let note = format!("{}; the wrong one took {} writes of clients", facts::spread_text(split), number::count(lost));
        tiles.push(Tile {
            label: "two primaries",
            value: number::sample(split.unit, split.median),
            note,
            tone: harm("failover", "split_brain", 1),
        });
    }
    if let Some(resets) = document.metrics.get(facts::DATA_RESETS).filter(|resets| resets.total > 0.0) {
        let note = "a primary came back without what it had; replicas copied that".to_owned();
        tiles.push(Tile { label: "data wiped", value: number::count(resets.total), note, tone: "bad" });
    }
    if let Some(sets) = facts::sets(document) {
        let note = format!("of {} acknowledged", number::count(sets.acknowledged as f64));
        tiles.push(Tile { label: "writes lost", value: number::count(sets.lost as f64), note, tone: harm("set", "lost", sets.lost) });
    }
    tiles.extend(felt_tiles(document, &done));
    if let Some(locks) = facts::locks(document) {
        let of = format!("of {} acquired", number::count(locks.acquired as f64));
        let held = match locks.double_acquired {
            0 => of.clone(),
            _ => format!("{of}; both held for {} in all", number::duration(locks.double_held_time as f64)),
        };
        let count = |value: u64| number::count(value as f64);
        tiles.push(Tile {
            label: "locks held twice",
            value: count(locks.double_acquired),
            note: held,
            tone: harm("lock", "double_acquired", locks.double_acquired),
        });
        tiles.push(Tile {
            label: "locks lost",
            value: count(locks.lost),
            note: "gone before their lease ended".to_owned(),
            tone: harm("lock", "lost", locks.lost),
        });
        tiles.push(Tile {
            label: "locks stuck",
            value: count(locks.stuck),
            note: "not acquirable after everything was healed".to_owned(),
            tone: harm("lock", "stuck", locks.stuck),
        });
        if locks.updates > 0 {
            let note = format!("of {} guarded updates overwrote one unseen", count(locks.updates));
            tiles.push(Tile {
                label: "updates lost",
                value: count(locks.lost_updates),
                note,
                tone: harm("lock", "lost_updates", locks.lost_updates),
            });
        }
        if locks.fenced_out > 0 || locks.token_regressions > 0 {
            let note = format!(
                "{} of them alone; {} tokens went back or were repeated",
                count(locks.fenced_alone),
                count(locks.token_regressions)
            );
            tiles.push(Tile { label: "holders fenced out", value: count(locks.fenced_out), note, tone: "" });
        }
        if locks.ttl_overrun > 0 {
            let note = "a holder stayed beyond its lease while another had the lock".to_owned();
            tiles.push(Tile { label: "TTL overruns", value: count(locks.ttl_overrun), note, tone: "" });
        }
    }
    tiles.extend(done.iter().filter(|one| !has_tile(one)).map(|one| Tile {
        label: one.harm.label,
        value: one.value(),
        note: note(one),
        tone: harm_tone(&done, one.harm.kind, one.harm.metric, 1),
    }));
    tiles
}

/// What happened, in plain text.
fn note(done: &Done) -> String {
    let words = done.words().replace('`', "");
    if done.asserted == Asserted::Expected { format!("{words}, as this experiment expects") } else { words }
}

/// The gaps. What is shorter than an outage is called no outage, and a Cluster's gap is that of a shard.
fn gap_tiles(document: &Document) -> Vec<Tile> {
    let sharded = by_shard::by_shard(document).is_some();
    let [write, read] = match sharded {
        false => ["no data node acknowledged a write", "the primary answered no read"],
        true => [
            "no node of the shard that was down longest acknowledged a write",
            "the primary of the shard that was out longest answered no read",
        ],
    };
    let gaps = [
        ("server write gap", facts::WRITE_GAP, write, "no outage: the longest pause between two writes"),
        ("client gap", facts::CLIENT_GAP, "those clients who waited longest were not answered", "no outage: the longest wait of a client"),
        ("library cost", facts::LIBRARY_COST, "client gap minus server gap", "client gap minus server gap"),
        ("server read gap", facts::READ_GAP, read, "no outage: the longest pause between two reads"),
        (
            "blast radius",
            facts::BLAST_RADIUS,
            "longest write gap of a shard that no fault took hold of",
            "no shard was down but those that a fault took hold of",
        ),
    ];
    let tile = |(label, name, outage, none): (&'static str, &str, &str, &str)| {
        let metric = document.metrics.get(name)?;
        let meaning = if metric.max.value() >= OUTAGE as f64 { outage } else { none };
        let note = format!("{}; {meaning}", facts::spread_text(metric));
        Some(Tile { label, value: number::sample(metric.unit, metric.median), note, tone: tone(document, name) })
    };
    gaps.into_iter().filter_map(tile).collect()
}

/// Whether some harm has a key figure of its own, which tells more than its number.
fn has_tile(done: &Done) -> bool {
    let own: &[&str] = match done.harm.kind {
        "failover" => &["split_brain", "split_brain_writes", "data_resets"],
        "set" | "counter" => &["lost"],
        "limiter" => &["over_admitted"],
        "payment-job" => &["charged_twice"],
        "cache-aside" => &["db_peak_multiplier"],
        "lock" => &["double_acquired", "lost", "stuck", "lost_updates", "fenced_out", "fenced_alone", "token_regressions", "ttl_overrun"],
        _ => &[],
    };
    own.contains(&done.harm.metric)
}

/// What users of counters, limiters, payments and caches felt.
fn felt_tiles(document: &Document, done: &[Done]) -> Vec<Tile> {
    let harm = |kind: &str, metric: &str, count: u64| harm_tone(done, kind, metric, count);
    let count = |value: u64| number::count(value as f64);
    let mut tiles = Vec::new();
    if let Some([acknowledged, lost]) = facts::counters(document) {
        let note = format!("of {} acknowledged", count(acknowledged));
        tiles.push(Tile { label: "increments lost", value: count(lost), note, tone: harm("counter", "lost", lost) });
    }
    if let Some(limits) = felt::limits(document) {
        let note = format!("of {} admitted; {} of them by Redis itself", count(limits.admitted), count(limits.over_redis));
        tiles.push(Tile {
            label: "requests beyond limits",
            value: count(limits.over),
            note,
            tone: harm("limiter", "over_admitted", limits.over),
        });
    }
    if let Some(payments) = felt::payments(document) {
        let note = format!("payments beyond the first of their job; {} jobs paid", count(payments.paid));
        tiles.push(Tile {
            label: "charged twice",
            value: count(payments.twice),
            note,
            tone: harm("payment-job", "charged_twice", payments.twice),
        });
    }
    if let Some(load) = felt::fallback(document) {
        let note = format!("{} at the peak behind {}, {} before", number::rate(load.peak), load.workload, number::rate(load.baseline));
        let tone = tone(document, &format!("{}.db_peak_multiplier", load.workload));
        tiles.push(Tile { label: "database load", value: format!("× {:.1}", load.times()), note, tone });
    }
    tiles
}

/// What should never happen is good where it did not, and no surprise where the experiment expects it.
fn harm_tone(done: &[Done], kind: &str, metric: &str, count: u64) -> &'static str {
    let mut all = done.iter().filter(|one| one.harm.kind == kind && one.harm.metric == metric).peekable();
    match count {
        0 => "good",
        _ if all.peek().is_some() && all.all(|one| one.asserted == Asserted::Expected) => "warn",
        _ => "bad",
    }
}

/// Whether the assertions on a metric hold.
fn tone(document: &Document, metric: &str) -> &'static str {
    let words: Vec<_> = document.assertions.iter().filter(|one| one.metric == metric).map(facts::verdict_word).collect();
    match words.as_slice() {
        [] => "",
        words if words.contains(&"fail") => "bad",
        words if words.contains(&"warn") => "warn",
        words if words.iter().all(|word| *word == "pass") => "good",
        _ => "",
    }
}
