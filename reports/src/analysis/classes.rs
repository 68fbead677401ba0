//! When attempts ended for each reason, in bounded size: the buckets are those of the outcomes.

use super::timeline::{BUCKET, MOST_BUCKETS};
use crate::history::{Op, Why};
use crate::result::ClassSeries;

/// Attempts of one workload by reason and intended start.
#[derive(Debug)]
pub struct Classes {
    width: u64,
    /// One row a reason, in the order of [`Why::ALL`]; empty until the reason occurs.
    rows: [Vec<u32>; Why::ALL.len()],
}

impl Default for Classes {
    fn default() -> Self {
        Self { width: BUCKET, rows: Default::default() }
    }
}

impl Classes {
    /// Takes in one attempt of the measured time.
    pub fn op(&mut self, op: &Op) {
        let Some(place) = op.why.and_then(|why| Why::ALL.iter().position(|known| *known == why)) else { return };
        while op.at[0] / self.width >= MOST_BUCKETS as u64 {
            self.widen();
        }
        let index = (op.at[0] / self.width) as usize;
        let row = &mut self.rows[place];
        if row.len() <= index {
            row.resize(index + 1, 0);
        }
        row[index] += 1;
    }

    fn widen(&mut self) {
        self.width *= 2;
        for row in &mut self.rows {
            *row = row.chunks(2).map(|pair| pair.iter().sum()).collect();
        }
    }

    /// The reasons that occurred in buckets at least as wide as `width`: errors first, of these the commonest first.
    pub fn finish(mut self, width: u64) -> Vec<ClassSeries> {
        while self.width < width {
            self.widen();
        }
        let width = self.width;
        let series = |(why, row): (Why, Vec<u32>)| {
            let buckets = row.into_iter().zip(0_u64..).filter(|(count, _)| *count > 0);
            ClassSeries {
                why,
                normal: matches!(why, Why::Held | Why::Changed),
                buckets: buckets.map(|(count, index)| [index * width, count.into()]).collect(),
            }
        };
        let mut all: Vec<ClassSeries> =
            Why::ALL.into_iter().zip(self.rows).map(series).filter(|series| !series.buckets.is_empty()).collect();
        let total = |series: &ClassSeries| series.buckets.iter().map(|[_, count]| count).sum::<u64>();
        all.sort_by_key(|series| (series.normal, std::cmp::Reverse(total(series)), series.why));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::super::timeline::Buckets;
    use super::{BUCKET, Classes, MOST_BUCKETS, Op, Why};
    use crate::history::{OpKind, Outcome};

    fn op(intended: u64, why: Why) -> Op {
        let at = [intended, intended, intended + 5];
        Op { w: 0, c: 0, op: OpKind::Acquire, id: 0, key: 0, at, out: Outcome::Fail, why: Some(why), node: None }
    }

    #[test]
    fn each_reason_has_its_own_buckets_and_what_is_normal_comes_last() {
        let mut classes = Classes::default();
        for (intended, why) in [
            (0, Why::Held),
            (1, Why::Held),
            (2, Why::Held),
            (BUCKET, Why::Connect),
            (3 * BUCKET, Why::Timeout),
            (3 * BUCKET + 1, Why::Timeout),
        ] {
            classes.op(&op(intended, why));
        }
        let told: Vec<_> = classes.finish(0).into_iter().map(|one| (one.why, one.normal, one.buckets)).collect();
        assert_eq!(
            told,
            [(Why::Timeout, false, vec![[3 * BUCKET, 2]]), (Why::Connect, false, vec![[BUCKET, 1]]), (Why::Held, true, vec![[0, 3]]),]
        );
    }

    #[test]
    fn buckets_widen_as_those_of_the_outcomes_do_and_lose_no_attempt() {
        let (mut classes, mut buckets) = (Classes::default(), Buckets::default());
        let last = 3 * MOST_BUCKETS as u64;
        for index in 0..=last {
            let op = op(index * BUCKET, if index % 100 == 0 { Why::Reset } else { Why::Connect });
            classes.op(&op);
            buckets.op(&op);
        }
        let told = classes.finish(buckets.width());
        assert!(told.iter().all(|series| series.buckets.len() <= MOST_BUCKETS));
        let mut sums = std::collections::BTreeMap::new();
        for [at, count] in told.iter().flat_map(|series| &series.buckets) {
            *sums.entry(*at).or_insert(0) += count;
        }
        let outcomes: Vec<(u64, u64)> = buckets.finish(0).iter().map(|one| (one.at, u64::from(one.fail))).collect();
        assert_eq!(sums.into_iter().collect::<Vec<_>>(), outcomes);
    }
}
