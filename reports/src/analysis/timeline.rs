//! Everything on one axis, in bounded size, for the chart.

use super::gap::Acks;
use crate::history::{ClusterEvent, ClusterNews, NodeRole, Op, Outcome, RoleSample, SentinelEvent, Why};
use crate::result::{OpBucket, RoleSpan, SentinelMark};

/// Narrowest bucket, ns.
pub const BUCKET: u64 = 100_000_000;
/// Buckets a workload may have; a longer trial gets wider ones.
pub const MOST_BUCKETS: usize = 4_096;
/// Messages and spans a chart can still show.
const MOST_MARKS: usize = 400;
const MOST_SPANS: usize = 2_000;

/// Messages that matter for a failover.
const TELLING: [&str; 24] = [
    "+sdown",
    "-sdown",
    "+odown",
    "-odown",
    "+new-epoch",
    "+try-failover",
    "+vote-for-leader",
    "+elected-leader",
    "+failover-state-select-slave",
    "+selected-slave",
    "+failover-state-send-slaveof-noone",
    "+failover-state-wait-promotion",
    "+promoted-slave",
    "+failover-state-reconf-slaves",
    "+failover-end",
    "+failover-end-for-timeout",
    "+switch-master",
    "+config-update-from",
    "+convert-to-slave",
    "+role-change",
    "-role-change",
    "+tilt",
    "-tilt",
    "+reboot",
];

/// Operations of one workload by intended start.
#[derive(Debug)]
pub struct Buckets {
    width: u64,
    buckets: Vec<OpBucket>,
}

impl Default for Buckets {
    fn default() -> Self {
        Self { width: BUCKET, buckets: Vec::new() }
    }
}

impl Buckets {
    /// Takes in one attempt.
    pub fn op(&mut self, op: &Op) {
        while op.at[0] / self.width >= MOST_BUCKETS as u64 {
            self.widen();
        }
        let index = (op.at[0] / self.width) as usize;
        if self.buckets.len() <= index {
            self.buckets.resize_with(index + 1, OpBucket::default);
        }
        let latency = op.at[2].saturating_sub(op.at[0]);
        let mut one = OpBucket { at: 0, ok: 0, fail: 0, held: 0, info: 0, min: latency, max: latency };
        match (op.out, op.why) {
            (Outcome::Ok, _) => one.ok = 1,
            (Outcome::Fail, Some(Why::Held)) => one.held = 1,
            (Outcome::Fail, _) => one.fail = 1,
            (Outcome::Info, _) => one.info = 1,
        }
        add(&mut self.buckets[index], &one);
    }

    fn widen(&mut self) {
        self.width *= 2;
        let halves = std::mem::take(&mut self.buckets);
        self.buckets = halves
            .chunks(2)
            .map(|pair| {
                let mut sum = pair[0].clone();
                if let Some(other) = pair.get(1) {
                    add(&mut sum, other);
                }
                sum
            })
            .collect();
    }

    /// Width of the buckets, ns.
    pub fn width(&self) -> u64 {
        self.width
    }

    /// The buckets that have any operation, at least as wide as `width`.
    pub fn finish(mut self, width: u64) -> Vec<OpBucket> {
        while self.width < width {
            self.widen();
        }
        let width = self.width;
        let placed = self.buckets.into_iter().zip(0..).map(|(bucket, index)| OpBucket { at: index * width, ..bucket });
        placed.filter(|bucket| total(bucket) > 0).collect()
    }
}

fn total(bucket: &OpBucket) -> u32 {
    bucket.ok + bucket.fail + bucket.held + bucket.info
}

fn add(sum: &mut OpBucket, other: &OpBucket) {
    if total(other) == 0 {
        return;
    }
    sum.min = if total(sum) == 0 { other.min } else { sum.min.min(other.min) };
    sum.max = sum.max.max(other.max);
    sum.ok += other.ok;
    sum.fail += other.fail;
    sum.held += other.held;
    sum.info += other.info;
}

/// Roles a node told, as they come in.
#[derive(Debug, Default)]
pub struct Roles(Vec<RoleSpan>);

impl Roles {
    /// Takes in one sample.
    pub fn sample(&mut self, sample: &RoleSample) {
        let at = sample.at[1];
        match self.0.last_mut() {
            Some(last) if last.role == sample.role => last.to = last.to.max(at),
            last => {
                if let Some(last) = last {
                    last.to = at;
                }
                if self.0.len() < MOST_SPANS {
                    self.0.push(RoleSpan { from: at, to: at, role: sample.role });
                }
            }
        }
    }

    /// Whether any sample between two instants, both included, found the node without an answer.
    pub fn silent(&self, [from, to]: [u64; 2]) -> bool {
        // A role lasts until the next one was told.
        let next = |index: usize| self.0.get(index + 1).map_or(u64::MAX, |span| span.from);
        let mut spans = self.0.iter().enumerate();
        spans.any(|(index, span)| span.role == NodeRole::Unreachable && span.from <= to && next(index) > from)
    }

    /// Whether the node gave no answer when it was asked last.
    pub fn gone(&self) -> bool {
        self.0.last().is_some_and(|span| span.role == NodeRole::Unreachable)
    }

    /// When each role was first told.
    pub fn changes(&self) -> impl Iterator<Item = (u64, NodeRole)> {
        self.0.iter().map(|span| (span.from, span.role))
    }

    /// The spans.
    pub fn spans(self) -> Vec<RoleSpan> {
        self.0
    }
}

/// Intervals in which a node acknowledged probe writes. Acknowledgements closer than 25 intervals between probes, or
/// 50 ms, are told as one: the chart cannot show less, and a busy machine hiccups that much.
pub fn writable(acks: &Acks, node: u16, probe_every: u64) -> Vec<[u64; 2]> {
    let mut times = acks.of(node).to_vec();
    times.sort_unstable();
    let mut apart = probe_every.saturating_mul(25).max(50_000_000);
    loop {
        let spans: Vec<[u64; 2]> =
            times.chunk_by(|one, next| next - one <= apart).filter_map(|run| Some([*run.first()?, *run.last()?])).collect();
        if spans.len() <= MOST_SPANS {
            return spans;
        }
        apart = apart.saturating_mul(2);
    }
}

/// Intervals in which a node of a Cluster said `cluster_state:fail`, until `end` where it never said otherwise. `news` are in order of time.
pub fn down(news: &[ClusterEvent], node: u16, end: u64) -> Vec<[u64; 2]> {
    let mut spans: Vec<[u64; 2]> = Vec::new();
    let mut since = None;
    for event in news.iter().filter(|event| event.node == node) {
        match event.news {
            ClusterNews::StateFail => since = since.or(Some(event.at)),
            ClusterNews::StateOk => spans.extend(since.take().map(|from| [from, event.at])),
            _ => {}
        }
    }
    spans.extend(since.filter(|from| *from < end).map(|from| [from, end]));
    spans.truncate(MOST_SPANS);
    spans
}

/// The messages worth a mark, in order of time: of Sentinels, or of the nodes of a Cluster. `names` are those of the nodes.
pub fn marks(events: &[SentinelEvent], news: &[ClusterEvent], names: &[String]) -> Vec<SentinelMark> {
    let name = |node: u16| names.get(usize::from(node)).cloned().unwrap_or_default();
    let telling = events.iter().filter(|event| TELLING.contains(&event.event.as_str()) || event.event.starts_with("-failover-abort"));
    let of_sentinels = telling.map(|event| SentinelMark {
        at: event.at,
        node: name(event.node),
        event: event.event.clone(),
        payload: event.payload.clone(),
    });
    // What was asked is told by the log as well, and there to the millisecond; only doubts are told nowhere else.
    let of_nodes = news.iter().filter(|event| event.log.is_some() || event.news == ClusterNews::Pfail).map(|event| SentinelMark {
        at: event.at,
        node: name(event.node),
        event: news_word(event.news).to_owned(),
        payload: event.log.clone().unwrap_or_else(|| event.about.map(name).unwrap_or_default()),
    });
    of_sentinels.chain(of_nodes).take(MOST_MARKS).collect()
}

/// A piece of news as the servers' own words have it.
fn news_word(news: ClusterNews) -> &'static str {
    match news {
        ClusterNews::Pfail => "fail?",
        ClusterNews::Fail => "fail",
        ClusterNews::Cleared => "fail cleared",
        ClusterNews::Delayed => "election delayed",
        ClusterNews::Standing => "asks for votes",
        ClusterNews::Voted => "votes",
        ClusterNews::Refused => "refuses its vote",
        ClusterNews::Won => "won",
        ClusterNews::TookOver => "takes over",
        ClusterNews::Expired => "election expired",
        ClusterNews::Unable => "may not stand",
        ClusterNews::StateOk => "state ok",
        ClusterNews::StateFail => "state fail",
        ClusterNews::Owner => "other owner",
    }
}

#[cfg(test)]
mod tests {
    use super::{BUCKET, Buckets, ClusterEvent, ClusterNews, MOST_BUCKETS, Op, Outcome, down};
    use crate::history::OpKind;

    fn op(intended: u64, took: u64) -> Op {
        let at = [intended, intended, intended + took];
        Op { w: 0, c: 0, op: OpKind::Acquire, id: 0, key: 0, at, out: Outcome::Ok, why: None, node: None }
    }

    #[test]
    fn operations_fall_into_the_bucket_of_their_intended_start() {
        let mut buckets = Buckets::default();
        for (intended, took) in [(0, 5), (BUCKET - 1, BUCKET), (3 * BUCKET, 7)] {
            buckets.op(&op(intended, took));
        }
        let told: Vec<(u64, u32, u64, u64)> = buckets.finish(BUCKET).iter().map(|one| (one.at, one.ok, one.min, one.max)).collect();
        assert_eq!(told, [(0, 2, 5, BUCKET), (3 * BUCKET, 1, 7, 7)]);
    }

    #[test]
    fn a_node_is_down_from_the_first_time_it_says_so_until_it_says_otherwise() {
        let said = |at, node, news| ClusterEvent { at, node, news, about: None, epoch: None, delay: None, rank: None, log: None };
        use ClusterNews::{StateFail, StateOk};
        // Its log and its answers tell the same state, one after the other.
        let news = [said(1, 0, StateOk), said(5, 0, StateFail), said(6, 1, StateOk), said(7, 0, StateFail), said(9, 0, StateOk)];
        assert_eq!(down(&news, 0, 20), [[5, 9]]);
        assert_eq!(down(&[said(8, 1, StateFail)], 1, 20), [[8, 20]], "it never was whole again");
        assert!(down(&news, 1, 20).is_empty());
    }

    #[test]
    fn a_long_trial_gets_wider_buckets_and_loses_no_operation() {
        let mut buckets = Buckets::default();
        let last = 3 * MOST_BUCKETS as u64;
        (0..=last).for_each(|index| buckets.op(&op(index * BUCKET, index)));
        assert_eq!(buckets.width(), 4 * BUCKET);
        let told = buckets.finish(0);
        assert!(told.len() <= MOST_BUCKETS);
        assert_eq!(told.iter().map(|one| u64::from(one.ok)).sum::<u64>(), last + 1);
        assert_eq!((told[0].min, told[0].max), (0, 3));
    }
}
