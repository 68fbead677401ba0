//! What holds for every trial.

use std::collections::BTreeMap;

use proptest::prelude::*;
use redquake_reports::analysis::{analyze_events, assemble};
use redquake_reports::history::{Event, Header};
use redquake_reports::result::{Failover, Trial};
use redquake_reports::testing::{FailoverParams, assembly, failover_history, trial};

const MS: u64 = 1_000_000;

fn analysed(events: &[Event]) -> Trial {
    let Some(Event::Header(header)) = events.first() else { panic!("the first event is the header") };
    analyze_events(header, events)
}

/// Trials as they may come: failovers quick and slow, with and without loss, retried, never ended.
fn any_params() -> impl Strategy<Value = FailoverParams> {
    let times = (200..3000_u64, 1..12_u64, 1500..5000_u64);
    let locks = (1..60_u32, 20..2000_u64, 500..6000_u64, 0..500_u64);
    (any::<u64>(), times, locks, 0..3_u32, prop::bool::weighted(0.85)).prop_map(
        |(seed, (down_after, probe_every, kill_at), (keys, hold, ttl, lag), failed_attempts, recovers)| FailoverParams {
            seed,
            kill_at: kill_at * MS,
            duration: 12_000 * MS,
            down_after: down_after * MS,
            failover_timeout: 800 * MS,
            failed_attempts,
            recovers,
            probe_every: probe_every * MS,
            rate: 80,
            keys,
            hold: hold * MS,
            ttl: ttl * MS,
            lag: lag * MS,
            ..FailoverParams::default()
        },
    )
}

fn shifted(events: &[Event], by: u64) -> Vec<Event> {
    let mut events = events.to_vec();
    for event in &mut events {
        match event {
            Event::Header(_) => {}
            Event::Node(node) => node.at += by,
            Event::Started(started) => started.at = started.at.map(|at| at + by),
            Event::Phase(phase) => phase.at += by,
            Event::Op(op) => op.at = op.at.map(|at| at + by),
            Event::Probe(probe) => probe.at = probe.at.map(|at| at + by),
            Event::Fault(step) => step.at += by,
            Event::Sentinel(message) => message.at += by,
            Event::Cluster(news) => news.at += by,
            Event::Role(sample) => sample.at = sample.at.map(|at| at + by),
            Event::Stall(stall) => stall.at += by,
            Event::Object(event) => event.at = event.at.map(|at| at + by),
            Event::ServerStall(stall) => stall.at = stall.at.map(|at| at + by),
            Event::Final(last) => last.at += by,
            Event::Members(members) => members.at += by,
            Event::Decision(decision) => decision.at = decision.at.map(|at| at + by),
            Event::Keys(keys) => keys.at += by,
            Event::Query(query) => (query.at, query.began) = (query.at.map(|at| at + by), query.began.map(|at| at + by)),
            Event::Read(read) => read.at = read.at.map(|at| at + by),
            Event::Vote(vote) => vote.at = vote.at.map(|at| at + by),
            Event::Access(access) => {
                access.lock = access.lock.map(|at| at + by);
                access.read[0] += by;
                access.wrote = access.wrote.map(|[at, version]| [at + by, version]);
            }
            Event::Payment(payment) => {
                payment.looked = payment.looked.map(|at| at + by);
                payment.lock = payment.lock.map(|lock| lock.map(|at| at + by));
                payment.charged = payment.charged.map(|charged| charged.map(|at| at + by));
            }
            Event::Paid(paid) => paid.at += by,
            Event::Slots(left) => left.at += by,
            Event::Exchange(exchange) => exchange.at = exchange.at.map(|at| at + by),
            Event::Value(value) => value.at = value.at.map(|at| at + by),
            Event::Note(note) => note.at += by,
            Event::End(end) => end.at += by,
        }
    }
    events
}

/// Operations at the same millisecond, in another order.
fn reordered(events: &[Event], seed: u64) -> [Vec<Event>; 2] {
    let mut one = events.to_vec();
    for event in &mut one {
        if let Event::Op(op) = event {
            op.at = op.at.map(|at| at / (5 * MS) * (5 * MS));
        }
    }
    let mut other = one.clone();
    let places: Vec<usize> = (0..one.len()).filter(|index| matches!(one[*index], Event::Op(_))).collect();
    let completed = |index: &usize| if let Event::Op(op) = &one[*index] { op.at[2] } else { 0 };
    for tied in places.chunk_by(|first, next| completed(first) == completed(next)) {
        for (turn, index) in tied.iter().enumerate() {
            let with = tied[(turn + seed as usize % tied.len()) % tied.len()];
            other[*index] = one[with].clone();
        }
    }
    [one, other]
}

fn parts(failover: &Failover) -> (u64, u64) {
    let length = |server: bool| {
        let of = failover.parts.iter().filter(|part| !server || !["announcement", "rediscovery"].contains(&part.name.as_str()));
        of.map(|part| part.to - part.from).sum::<u64>()
    };
    (length(true), length(false))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn the_parts_of_an_outage_follow_each_other_and_add_up_to_its_gaps(params in any_params()) {
        let trial = trial(&params);
        for failover in trial.failovers.iter().filter(|failover| !failover.parts.is_empty()) {
            let (write, client) = (failover.write_gap.as_ref().unwrap(), failover.client_gap.as_ref().unwrap());
            prop_assert_eq!(failover.parts[0].from, write.from);
            prop_assert!(failover.parts.windows(2).all(|pair| pair[0].to == pair[1].from && pair[0].from <= pair[0].to));
            let (server, all) = parts(failover);
            prop_assert_eq!(server as f64, write.length.value());
            prop_assert_eq!(all as f64, client.length.value().max(write.length.value()));
        }
    }

    #[test]
    fn another_zero_of_the_clock_changes_no_metric(params in any_params(), by in 1..10_000_000_000_u64) {
        let events = failover_history(&params);
        let (here, there) = (analysed(&events), analysed(&shifted(&events, by)));
        prop_assert_eq!(&here.metrics, &there.metrics);
        prop_assert_eq!(&here.reasons, &there.reasons);
        let mut moved = here.workloads.clone();
        for reason in moved.iter_mut().flat_map(|workload| &mut workload.reasons) {
            (reason.first, reason.last) = (reason.first + by, reason.last + by);
        }
        prop_assert_eq!(&moved, &there.workloads);
        let texts = |trial: &Trial| trial.anomalies.iter().map(|anomaly| anomaly.text.clone()).collect::<Vec<_>>();
        prop_assert_eq!(texts(&here), texts(&there));
        let begin = |trial: &Trial| trial.failovers.iter().filter_map(|failover| failover.write_gap.as_ref()).map(|gap| gap.from).collect::<Vec<_>>();
        prop_assert_eq!(begin(&here).into_iter().map(|at| at + by).collect::<Vec<_>>(), begin(&there));
    }

    #[test]
    fn the_buckets_of_each_reason_add_up_to_its_counts(params in any_params()) {
        let trial = trial(&params);
        for (result, series) in trial.workloads.iter().zip(&trial.timeline.workloads) {
            let mut counts = BTreeMap::new();
            for reason in &result.reasons {
                let seen = counts.entry(reason.why).or_insert((0, u64::MAX, 0));
                *seen = (seen.0 + reason.count, seen.1.min(reason.first), seen.2.max(reason.last));
            }
            prop_assert_eq!(series.classes.len(), counts.len());
            for class in &series.classes {
                let (count, first, last) = counts[&class.why];
                prop_assert_eq!(class.buckets.iter().map(|[_, count]| count).sum::<u64>(), count);
                let bucket = |at: u64| at / trial.timeline.bucket * trial.timeline.bucket;
                prop_assert_eq!(class.buckets.first().map(|bucket| bucket[0]), Some(bucket(first)));
                prop_assert_eq!(class.buckets.last().map(|bucket| bucket[0]), Some(bucket(last)));
                prop_assert!(trial.zero <= first && last <= trial.end);
                // A bucket of a reason is one of the outcomes' buckets, and no fuller.
                for [at, count] in &class.buckets {
                    let all = series.buckets.iter().find(|bucket| bucket.at == *at).unwrap();
                    prop_assert!(*count <= u64::from(all.ok + all.fail + all.held + all.info));
                }
            }
        }
    }

    #[test]
    fn without_the_loss_there_is_no_anomaly(params in any_params()) {
        let locks = trial(&FailoverParams { lag: 0, ..params }).workloads.remove(0).locks.unwrap();
        prop_assert_eq!((locks.double_acquired, locks.double_held_time, locks.lost, locks.stuck), (0, 0, 0, 0));
    }

    #[test]
    fn the_order_of_operations_that_end_together_does_not_matter(params in any_params(), seed in any::<u64>()) {
        let [one, other] = reordered(&failover_history(&params), seed);
        prop_assert_eq!(analysed(&one), analysed(&other));
    }

    #[test]
    fn the_same_histories_give_the_same_bytes(params in any_params()) {
        let document = || serde_json::to_vec(&assemble(assembly(&params, 2))).unwrap();
        prop_assert_eq!(document(), document());
    }

    #[test]
    fn a_history_that_ends_anywhere_can_be_analysed(params in any_params(), at in any::<prop::sample::Index>()) {
        let events = failover_history(&params);
        let trial = analysed(&events[..=at.index(events.len() - 1)]);
        prop_assert!(!trial.reasons.is_empty());
    }

    #[test]
    fn hostile_times_do_not_panic(params in any_params(), at in any::<prop::sample::Index>(), time in any::<u64>()) {
        let mut events = failover_history(&FailoverParams { duration: 3000 * MS, kill_at: 1000 * MS, ..params });
        let at = 1 + at.index(events.len() - 1);
        match &mut events[at] {
            Event::Op(op) => op.at = [time, time / 2, time / 3],
            Event::Probe(probe) => probe.at = [time, time / 2, time],
            Event::Role(sample) => sample.at = [time; 2],
            Event::Fault(step) => step.at = time,
            Event::Started(started) => started.at = [time, time / 2],
            Event::Phase(phase) => phase.at = time,
            Event::Sentinel(message) => message.at = time,
            Event::Cluster(news) => news.at = time,
            Event::Object(object) => object.at = [time, time / 2],
            Event::ServerStall(stall) => (stall.at, stall.waited) = ([time, time / 2], time),
            Event::Final(last) => last.at = time,
            Event::Members(members) => members.at = time,
            Event::Decision(decision) => decision.at = [time, time / 2],
            Event::Keys(keys) => keys.at = time,
            Event::Query(query) => (query.at, query.began) = ([time, time / 2], Some(time)),
            Event::Read(read) => read.at = [time, time / 2],
            Event::Vote(vote) => vote.at = [time, time / 2],
            Event::Access(access) => (access.lock, access.read, access.wrote) = ([time; 2], [time; 2], Some([time / 2; 2])),
            Event::Payment(payment) => (payment.lock, payment.looked, payment.charged) = (Some([time; 2]), [time; 2], Some([time; 2])),
            Event::Paid(paid) => paid.at = time,
            Event::Slots(left) => left.at = time,
            Event::Exchange(exchange) => exchange.at = [time, time / 2],
            Event::Value(value) => value.at = [time, time / 2],
            Event::Node(node) => node.at = time,
            Event::Note(_) | Event::Stall(_) | Event::Header(_) | Event::End(_) => {}
        }
        analysed(&events);
    }
}

#[test]
fn the_header_is_all_that_analysis_needs_beside_the_events() {
    let events = failover_history(&FailoverParams::default());
    let Event::Header(header) = &events[0] else { panic!() };
    let again: Header = serde_json::from_str(&serde_json::to_string(header).unwrap()).unwrap();
    assert_eq!(analyze_events(&again, &events[1..]), analysed(&events));
}
