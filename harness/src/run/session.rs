//! The trials of a run: of one experiment, or of every cell of a matrix in turn.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use redquake_experiments::plan::{Plan, TrialPlan, interleave};
use redquake_experiments::shown;
use redquake_reports::analysis::unread;
use redquake_reports::render::number;
use redquake_reports::result::{Location, Trial, TrialStatus};
use redquake_topologies::runtime::{Refused, Runtime, ServerSource};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::concurrency::{ConcurrencyLimit, Epoch};
use super::judge::{self, Rows};
use super::pool::Pool;
use super::until::{Goal, Progressing};
use super::{Folder, Interrupt, Repeats, RunRecord};
use crate::trial::{Performed, Servers, TrialRequest, perform};
use crate::ui::{Failure, Progress};

/// How long the analysis of a trial may go on after the run was interrupted.
const ANALYSED_WITHIN: Duration = Duration::from_secs(1);

/// One experiment that is being performed: the only one of its run, or a cell of a matrix.
pub struct CellRun {
    /// What is known of it so far.
    pub record: RunRecord,
    /// Where its trials go.
    pub folder: Folder,
    /// The server software, once it is here.
    pub server: Option<ServerSource>,
    /// Where its directives stand in the file.
    pub directives: Vec<Directive>,
    /// Its trials that are analysed.
    pub rows: Rows,
}

/// A directive of an experiment, and where it stands.
pub struct Directive {
    /// Whether it is one of Sentinels.
    pub sentinel: bool,
    /// Its name.
    pub name: String,
    /// Its place.
    pub place: Location,
}

/// What the user is told of a directive that a server refused: the place in the file, where it stands in one.
fn refusal(refused: &Refused, directives: &[Directive]) -> String {
    let meant = |directive: &&Directive| directive.sentinel == refused.sentinel && directive.name.eq_ignore_ascii_case(&refused.name);
    let place = directives.iter().find(meant).map(|directive| &directive.place);
    let place = place.map(|place| format!("{}:{}:{}: ", place.file, place.line, place.column)).unwrap_or_default();
    format!("{place}{refused}; correct the directive, or ask for a server that knows it with `server`")
}

impl CellRun {
    /// Writes what is known of it.
    pub fn save(&self) -> Result<(), Failure> {
        let json = serde_json::to_string_pretty(&self.record).map_err(|error| Failure::environment(error.to_string()))?;
        let failed = |error| Failure::environment(format!("{}: {error}", self.folder.path().display()));
        self.folder.write(RunRecord::FILE, shown::json(&json).as_bytes()).map_err(failed)
    }
}

/// What all trials of a run share.
pub struct Session<'a> {
    /// Where servers run.
    pub runtime: &'a dyn Runtime,
    /// Tells the user how far it is.
    pub progress: &'a Progress,
    /// What signals asked for.
    pub interrupt: &'a Interrupt,
    /// How sure every experiment is to become.
    pub goal: Option<Goal>,
    /// Whether servers may serve several trials.
    pub reuse: bool,
    /// How often trials that proved nothing are repeated.
    pub repeats: Repeats,
}

/// A trial on its way: its place in the order in which trials were asked for, its cell, and what it is.
#[derive(Clone, Copy)]
struct Turn {
    number: u32,
    cell: usize,
    trial: TrialPlan,
}

/// The same, ended.
struct Ended {
    turn: Turn,
    began: Epoch,
    performed: Performed,
    row: Trial,
}

impl Session<'_> {
    /// Performs every trial, as many at once as the limit allows; those of several cells in rounds, so that what drifts on the machine
    /// meets all cells alike. A trial that proved nothing is repeated, as far as repeats go. What is told of trials is told in the order in which they were asked for.
    pub async fn all_trials(&self, cells: &mut [CellRun], limit: ConcurrencyLimit) -> Result<(), Failure> {
        let mut pool = Pool::new(self.reuse);
        let ended = self.trials_with(&mut pool, cells, limit).await;
        for (cell, residue) in pool.close().await {
            cells[cell].record.residue.extend(residue);
        }
        ended
    }

    async fn trials_with(&self, pool: &mut Pool, cells: &mut [CellRun], mut limit: ConcurrencyLimit) -> Result<(), Failure> {
        let asked: Vec<usize> = cells.iter().map(|cell| cell.record.plan.trials.len()).collect();
        let starting = Arc::new(Semaphore::new(1));
        let mut queue = Queue::new(cells);
        let mut running = FuturesUnordered::new();
        let mut told = OrderedLines::default();
        let (begun, mut ended_trials) = (Instant::now(), 0_u32);
        let mut refusals: Option<String> = None;
        let mut progress: Vec<Progressing> = cells.iter().map(|_| Progressing::new(self.goal.as_ref())).collect();
        loop {
            while running.len() < limit.limit() && !self.interrupt.cancel.is_cancelled() {
                let Some(turn) = queue.waiting.pop_front() else { break };
                let cell = &mut cells[turn.cell];
                // On disk first, so that a trial that nobody hears of again is missed.
                cell.record.begun.get_or_insert_default().push(turn.trial.index);
                cell.save()?;
                let name = named(&turn.trial, asked[turn.cell], cell.record.cell.as_deref());
                let job = Job::new(cell, turn, name, limit.now(), pool.take(turn.cell, &cell.record.plan.experiment));
                running.push(self.one_trial(job, Arc::clone(&starting)));
            }
            let Some(ended) = running.next().await else { break };
            let Ended { turn, began, mut performed, row } = ended?;
            let cell = &mut cells[turn.cell];
            if let Some(refused) = performed.refused.take() {
                // It is the file that is wrong, and every other trial would show the same.
                refusals.get_or_insert_with(|| refusal(&refused, &cell.directives));
                queue.waiting.clear();
            }
            cell.record.residue.extend(performed.residue);
            limit.learn(began, performed.load, row.disturbed);
            let which = named(&turn.trial, asked[turn.cell], cell.record.cell.as_deref());
            let mut line = format!("{which}: {}", in_a_line(&row));
            if row.status == TrialStatus::Inconclusive && !self.interrupt.cancel.is_cancelled() {
                let repeats = cell.record.plan.trials.iter().filter(|trial| trial.repeats.is_some()).count();
                match self.repeats.refusal(asked[turn.cell], repeats, cell.record.plan.experiment.duration) {
                    None => queue.add(cell, turn.cell, Some(turn.trial.index))?,
                    Some(why) => {
                        line.push_str(&format!("; not repeated: {why}"));
                        let told = format!("trial {} proved nothing and was not repeated: {why}", turn.trial.index);
                        cell.record.not_repeated.get_or_insert(told);
                    }
                }
            }
            // What the environment refused once, a configuration that a server does not take for example, it refuses every time.
            if row.status == TrialStatus::Error {
                queue.waiting.retain(|waiting| waiting.cell != turn.cell);
            }
            progress[turn.cell].learn(&row);
            cell.rows.insert(row.index, row);
            let waiting = queue.waiting.iter().any(|waiting| waiting.cell == turn.cell);
            let on = progress[turn.cell].goes_on(cell, waiting, self.interrupt.cancel.is_cancelled());
            if on {
                queue.add(cell, turn.cell, None)?;
            }
            let wanted = queue.waiting.iter().filter(|waiting| waiting.cell == turn.cell).count();
            pool.give(turn.cell, performed.kept, if self.interrupt.cancel.is_cancelled() { 0 } else { wanted });
            ended_trials += 1;
            line.push_str(&left(begun.elapsed(), ended_trials, queue.waiting.len() + running.len()));
            told.tell(turn.number, line, self.progress);
        }
        told.rest(self.progress);
        refusals.map_or(Ok(()), |refusal| Err(Failure::usage(refusal)))
    }

    async fn one_trial(&self, job: Job, starting: Arc<Semaphore>) -> Result<Ended, Failure> {
        let Job { turn, name, began, plan, run, folder, server, servers } = job;
        let permit = starting.acquire_owned().await.ok();
        self.progress.prefix(&name);
        self.progress.transient("bringing up the servers");
        let request = TrialRequest {
            plan: &plan,
            trial: turn.trial,
            name,
            runtime: self.runtime,
            server: server.as_ref().ok_or_else(|| Failure::environment("the server software was not provided"))?,
            servers,
            run: &run,
            folder: &folder.trial(turn.trial.index).map_err(|error| Failure::environment(error.to_string()))?,
            budget: folder.budget().clone(),
            starting: Mutex::new(permit),
            cancel: &self.interrupt.cancel,
            progress: self.progress,
        };
        let performed =
            perform(request).await.map_err(|error| Failure::environment(format!("the history could not be written: {error}")))?;
        let row = self.analysed(plan, turn.trial, folder).await;
        Ok(Ended { turn, began, performed, row })
    }

    /// The row of a trial. A run that is interrupted does not wait for it long: the trial proves nothing any more.
    async fn analysed(&self, plan: Plan, trial: TrialPlan, folder: Folder) -> Trial {
        let (enough, enlisted) = (CancellationToken::new(), plan.clone());
        let stop = enough.clone();
        // On a thread of its own: other trials are being measured.
        let mut reading = tokio::task::spawn_blocking(move || judge::trial(&folder, &enlisted, &trial, || stop.is_cancelled()));
        let interrupted = async {
            self.interrupt.cancel.cancelled().await;
            tokio::time::sleep(ANALYSED_WITHIN).await;
        };
        let read = tokio::select! {
            read = &mut reading => read,
            () = interrupted => {
                enough.cancel();
                reading.await
            }
        };
        let not_analysed = || Trial {
            status: TrialStatus::Inconclusive,
            damage: None,
            ..unread(&plan, &trial, "the run was interrupted before this trial was analysed; `redquake analyze` does it".to_owned())
        };
        match read {
            Ok(row) => row.unwrap_or_else(not_analysed),
            Err(error) => unread(&plan, &trial, format!("the analysis failed: {error}")),
        }
    }
}

/// A trial with all it needs of its cell, so that the cell's record can go on changing.
struct Job {
    turn: Turn,
    name: String,
    began: Epoch,
    plan: Plan,
    run: String,
    folder: Folder,
    server: Option<ServerSource>,
    servers: Servers,
}

impl Job {
    fn new(cell: &CellRun, turn: Turn, name: String, began: Epoch, servers: Servers) -> Self {
        let CellRun { record, folder, server, .. } = cell;
        let (plan, run) = (record.plan.clone(), record.run.clone());
        Self { turn, name, began, plan, run, folder: folder.clone(), server: server.clone(), servers }
    }
}

/// What is still to be done, in order.
struct Queue {
    waiting: VecDeque<Turn>,
    last: u32,
}

impl Queue {
    fn new(cells: &[CellRun]) -> Self {
        let plan = |cell: usize| &cells[cell].record.plan;
        let trials: Vec<u32> = (0..cells.len()).map(|cell| u32::try_from(plan(cell).trials.len()).unwrap_or(u32::MAX)).collect();
        let order = interleave(cells.first().map_or(0, |cell| cell.record.plan.seed), &trials);
        let turns = order.into_iter().filter_map(|(cell, index)| Some((cell, *plan(cell).trials.get(index as usize - 1)?)));
        let waiting: VecDeque<Turn> = turns.zip(1..).map(|((cell, trial), number)| Turn { number, cell, trial }).collect();
        Self { last: u32::try_from(waiting.len()).unwrap_or(u32::MAX), waiting }
    }

    /// Adds a trial to a cell's plan and to the end of the queue: one more, or another for one that proved nothing.
    fn add(&mut self, run: &mut CellRun, cell: usize, repeats: Option<u32>) -> Result<(), Failure> {
        let trial = run.record.plan.next_trial(repeats);
        run.record.plan.trials.push(trial);
        run.save()?;
        self.last += 1;
        self.waiting.push_back(Turn { number: self.last, cell, trial });
        Ok(())
    }
}

fn named(trial: &TrialPlan, asked: usize, cell: Option<&str>) -> String {
    let of = cell.map(|cell| format!(" of {cell}")).unwrap_or_default();
    match trial.repeats {
        None if trial.index as usize > asked => format!("trial {}{of}", trial.index),
        None => format!("trial {}/{asked}{of}", trial.index),
        Some(repeated) => format!("trial {}{of} (repeats {repeated})", trial.index),
    }
}

/// Lines about trials, told in their order.
#[derive(Default)]
struct OrderedLines {
    last: u32,
    held_back: BTreeMap<u32, String>,
}

impl OrderedLines {
    fn tell(&mut self, number: u32, line: String, progress: &Progress) {
        self.held_back.insert(number, line);
        while let Some(line) = self.held_back.remove(&(self.last + 1)) {
            progress.line(&line);
            self.last += 1;
        }
    }

    /// What was held back by a trial that never ended.
    fn rest(&mut self, progress: &Progress) {
        for (_, line) in std::mem::take(&mut self.held_back) {
            progress.line(&line);
        }
    }
}

/// How long the rest may take, after so many trials in so much time.
fn left(spent: Duration, ended: u32, remaining: usize) -> String {
    if remaining == 0 {
        return String::new();
    }
    let each = spent.as_secs_f64() / f64::from(ended.max(1));
    format!("; about {:.0} s left", each * remaining as f64)
}

/// The trial in one line, for whoever watches.
fn in_a_line(trial: &Trial) -> String {
    let told = |name: &str| trial.metrics.get(name).map(|sample| format!("{name} {}", number::duration(sample.value())));
    let gaps: Vec<String> = ["failover.write_gap", "failover.client_gap"].into_iter().filter_map(told).collect();
    match trial.status {
        TrialStatus::Conclusive => gaps.join(", "),
        TrialStatus::Inconclusive => format!("inconclusive: {}", trial.reasons.join("; ")),
        TrialStatus::Error => format!("error: {}", trial.reasons.join("; ")),
    }
}
