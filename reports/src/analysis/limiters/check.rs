//! One limiter workload of a trial: its requests taken in, judged and told.

use std::collections::BTreeMap;

use redquake_experiments::spec::{FixedWindowWorkload, SlidingBy, SlidingWindowWorkload};

use super::request::{By, Executed, LimiterFindings, Request};
use super::{Worst, fixed_window, sliding_window};
use crate::analysis::check::Checked;
use crate::analysis::found::Found;
use crate::analysis::locks::Names;
use crate::analysis::packed::Packed;
use crate::analysis::words::{instant, span};
use crate::history::{DecidedBy, Decision, Keys, Outcome};
use crate::result::{Anomaly, AnomalyKind, LimiterResult};

/// Takes in what the clients of a limiter decided, and says at the end whether it kept its limit.
#[derive(Debug)]
pub struct Limiters {
    rules: Rules,
    /// Requests by subject: see [`Request::record`].
    requests: BTreeMap<u32, Packed<5>>,
    keys: Option<Keys>,
}

#[derive(Debug, Clone, Copy)]
enum Rules {
    Fixed { limit: u64, window: u64 },
    Sliding { limit: u64, window: u64, drift: u64, denied_count: bool },
}

impl Limiters {
    /// A fixed-window limiter.
    pub fn fixed(spec: &FixedWindowWorkload) -> Self {
        Self::new(Rules::Fixed { limit: spec.limit.into(), window: spec.window.as_nanos() })
    }

    /// A sliding-window limiter.
    pub fn sliding(spec: &SlidingWindowWorkload) -> Self {
        let (limit, window, drift) = (spec.limit.into(), spec.window.as_nanos(), spec.drift());
        Self::new(Rules::Sliding { limit, window, drift, denied_count: spec.by == SlidingBy::Multi })
    }

    fn new(rules: Rules) -> Self {
        Self { rules, requests: BTreeMap::new(), keys: None }
    }

    /// Takes in one decision.
    pub fn decision(&mut self, decision: &Decision) {
        let request = Request {
            subject: decision.key,
            window: decision.window,
            invoked: decision.at[0],
            completed: decision.at[1].max(decision.at[0]),
            decision: if decision.admit { super::Decision::Admitted } else { super::Decision::Denied },
            by: match decision.by {
                DecidedBy::Redis => By::Redis,
                DecidedBy::Policy => By::Policy,
                DecidedBy::Local => By::Local,
            },
            value: decision.value,
            executed: match decision.ran {
                Outcome::Ok => Executed::Yes,
                Outcome::Fail => Executed::No,
                Outcome::Info => Executed::Maybe,
            },
        };
        self.requests.entry(request.subject).or_default().push(request.record());
    }

    /// Takes in what was left on the server.
    pub fn keys(&mut self, keys: &Keys) {
        // One for each shard.
        let sum = self.keys.get_or_insert(Keys { keys: 0, subjects: 0, immortal: 0, bytes: 0, ..*keys });
        sum.keys += keys.keys;
        sum.subjects += keys.subjects;
        sum.immortal += keys.immortal;
        sum.bytes += keys.bytes;
    }

    /// Judges.
    pub(in crate::analysis) fn finish(self, names: &Names<'_>, evidence: &mut Found<'_>) -> Checked {
        // One subject after the other, in memory for one: what one does says nothing of another.
        let mut found = LimiterFindings::default();
        for (subject, requests) in &self.requests {
            let mut requests: Vec<Request> = requests.iter().map(|record| Request::of(*subject, record)).collect();
            found.add(match self.rules {
                Rules::Fixed { limit, window } => fixed_window(&mut requests, limit, window),
                Rules::Sliding { limit, window, drift, denied_count } => sliding_window(&mut requests, limit, window, drift, denied_count),
            });
        }
        let found = found.sorted();
        let counts = found.counts;
        let immortal = self.keys.map(|keys| keys.immortal);
        let bytes = self.keys.filter(|keys| keys.subjects > 0).map(|keys| keys.bytes as f64 / keys.subjects as f64);
        let (limit, window, peak_bound) = match self.rules {
            Rules::Fixed { limit, window } => (limit, window, 2 * limit),
            Rules::Sliding { limit, window, .. } => (limit, window, limit),
        };
        let mut metrics = vec![
            ("admitted", (counts.admitted_redis + counts.admitted_open + counts.admitted_local) as f64),
            ("denied", (counts.denied_redis + counts.denied_error + counts.denied_local) as f64),
            ("admitted_open", counts.admitted_open as f64),
            ("admitted_local", counts.admitted_local as f64),
            ("denied_error", counts.denied_error as f64),
            ("over_admitted", counts.over_admitted as f64),
            ("over_admitted_redis", counts.over_admitted_redis as f64),
            ("peak", counts.peak as f64),
            ("rolled_back", counts.rolled_back as f64),
            ("lost_counts", counts.lost_counts as f64),
            ("wrongly_denied", counts.wrongly_denied as f64),
            ("ghosts", counts.ghosts as f64),
        ];
        metrics.extend(immortal.map(|immortal| ("immortal", immortal as f64)));
        metrics.extend(bytes.map(|bytes| ("bytes_per_subject", bytes)));
        self.tell(&found, limit, names, evidence);
        Checked {
            metrics,
            limiter: Some(LimiterResult {
                limit,
                peak_bound,
                window,
                most_offered: found.most_offered,
                admitted_redis: counts.admitted_redis,
                admitted_open: counts.admitted_open,
                admitted_local: counts.admitted_local,
                denied_redis: counts.denied_redis,
                denied_error: counts.denied_error,
                denied_local: counts.denied_local,
                over_admitted: counts.over_admitted,
                over_admitted_redis: counts.over_admitted_redis,
                peak: counts.peak,
                rolled_back: counts.rolled_back,
                lost_counts: counts.lost_counts,
                wrongly_denied: counts.wrongly_denied,
                ghosts: counts.ghosts,
                immortal,
                bytes_per_subject: bytes,
            }),
            ..Checked::default()
        }
    }

    fn tell(&self, found: &LimiterFindings, limit: u64, names: &Names<'_>, evidence: &mut Found<'_>) {
        let overrun = |worst: &Worst| Anomaly {
            kind: AnomalyKind::OverAdmitted,
            workload: names.workload.to_owned(),
            key: worst.subject,
            from: worst.from,
            to: Some(worst.to),
            text: format!(
                "subject {}: {} requests were admitted from {} on within {}, {} more than the limit of {limit}",
                worst.subject,
                worst.admitted,
                instant(worst.from, names.zero),
                span(worst.to.saturating_sub(worst.from)),
                worst.admitted - limit,
            ),
        };
        found.worst.iter().for_each(|worst| evidence.ranked(overrun(worst), 1, worst.admitted));
        if let Some(keys) = self.keys.filter(|keys| keys.immortal > 0) {
            let text = format!(
                "{} of {} keys of the limiter never expire: counted, and their `PEXPIRE` did not follow or was lost",
                keys.immortal, keys.keys
            );
            let workload = names.workload.to_owned();
            let one = Anomaly { kind: AnomalyKind::ImmortalKey, workload, key: 0, from: keys.at, to: None, text };
            evidence.ranked(one, keys.immortal, keys.immortal);
        }
    }
}
