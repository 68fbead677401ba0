//! Trials that go on until a median is precise enough, or what was allowed is spent.

use std::time::Instant;

use redquake_experiments::plan::Plan;
use redquake_experiments::shown;
use redquake_experiments::spec::{Duration, Until};
use redquake_reports::analysis::stats::{LEAST, precision};
use redquake_reports::result::{EndedBy, Sample, Trial, TrialStatus};

use super::session::CellRun;

/// What is wanted, and what may be spent on it.
#[derive(Debug, Clone)]
pub struct Goal {
    /// The precision.
    pub until: Until,
    /// Time after which no further trial is begun.
    pub budget: Option<Duration>,
    /// Most trials of one experiment, repeats included.
    pub most: u32,
}

impl Goal {
    /// As it is typed.
    pub fn arguments(&self) -> String {
        let budget = self.budget.map(|budget| format!(" --budget {budget}")).unwrap_or_default();
        format!(" --until {}{budget} --max-trials {}", shown::shell_quote(&self.until.to_string()), self.most)
    }
}

/// Plans as many trials as an interval needs. Those are performed whatever the budget, so that there is something to judge.
pub fn at_least(plan: &mut Plan) {
    while plan.trials.len() < LEAST {
        plan.trials.push(plan.next_trial(None));
    }
}

/// How far one experiment is on the way to its goal.
pub struct Progressing {
    goal: Option<Goal>,
    deadline: Option<Instant>,
    samples: Vec<Sample>,
}

impl Progressing {
    /// Nothing was measured yet; the budget counts from here.
    pub fn new(goal: Option<&Goal>) -> Self {
        let deadline = goal.and_then(|goal| goal.budget).map(|budget| Instant::now() + budget.to_std());
        Self { goal: goal.cloned(), deadline, samples: Vec::new() }
    }

    /// Takes in a trial that ended.
    pub fn learn(&mut self, trial: &Trial) {
        let Some(goal) = &self.goal else { return };
        if trial.status == TrialStatus::Conclusive {
            self.samples.extend(trial.metrics.get(&goal.until.metric));
        }
    }

    /// Whether another trial is wanted now. Where none is, the reason is put into the record.
    pub fn goes_on(&self, cell: &mut CellRun, waiting: bool, cancelled: bool) -> bool {
        let Some(goal) = &self.goal else { return false };
        let ended = if precision(&self.samples).is_some_and(|got| got <= goal.until.within) {
            Some(EndedBy::Precision)
        } else if cancelled {
            Some(EndedBy::Other)
        } else if self.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            Some(EndedBy::Time)
        } else if cell.record.plan.trials.len() >= goal.most as usize {
            Some(EndedBy::Trials)
        } else {
            None
        };
        if let Some(until) = &mut cell.record.until {
            until.ended_by = ended;
        }
        ended.is_none() && !waiting
    }
}
