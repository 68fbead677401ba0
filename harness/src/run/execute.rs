//! A run from its order to its reports: of one experiment, or of all cells of a matrix.

use std::path::PathBuf;
use std::sync::Arc;

use redquake_experiments::plan::Plan;
use redquake_experiments::spec::Server;
use redquake_reports::render::number;
use redquake_reports::result::{Location, MatrixAxis, Source};
use redquake_topologies::runtime::{Runtime, RuntimeError, ServerSource};

use super::concurrency::{ConcurrencyLimit, Jobs};
use super::judge::Rows;
use super::matrix::{CellRecord, MatrixRecord};
use super::outcome::{self, Outcome};
use super::record::{FORMAT, RunRecord, UntilRecord};
use super::session::{CellRun, Directive, Session};
use super::until::{self, Goal};
use super::{Folder, Interrupt, Repeats, environment};
use crate::context::Budget;
use crate::ui::{Failure, Progress};

/// What is to be run.
pub struct Order {
    /// The experiments: one, or the cells of a matrix.
    pub cells: Vec<CellOrder>,
    /// What the matrix varies; nothing for one experiment.
    pub axes: Vec<MatrixAxis>,
    /// The file they came from.
    pub source: Source,
    /// Its bytes, kept beside the results.
    pub text: Vec<u8>,
    /// Command that repeats the run.
    pub repro: String,
    /// Folder that holds the results folders.
    pub out: PathBuf,
    /// How many trials go on at once.
    pub jobs: Jobs,
    /// How sure it is to become.
    pub goal: Option<Goal>,
    /// Whether servers may serve several trials.
    pub reuse: bool,
    /// How often trials that proved nothing are repeated.
    pub repeats: Repeats,
    /// What may be written to disk; unasked, what the disk has room for.
    pub budget: Option<Budget>,
}

/// One experiment of it.
pub struct CellOrder {
    /// Id every object of its trials is labelled with.
    pub run: String,
    /// Which cell of a matrix it is.
    pub cell: Option<CellRecord>,
    /// The plan.
    pub plan: Plan,
    /// Where each assertion stands in the file.
    pub locations: Vec<Option<Location>>,
    /// Where each directive stands in the file.
    pub directives: Vec<Directive>,
}

/// Performs a run and writes its reports; returns the result and where it lies.
pub async fn execute(
    order: Order,
    runtime: Arc<dyn Runtime>,
    progress: Progress,
    interrupt: Interrupt,
) -> Result<(Outcome, Folder), Failure> {
    let unwritable = |error: std::io::Error| {
        Failure::usage(format!("the results cannot be written to {}: {error}; choose another folder with --out", order.out.display()))
    };
    let Some(first) = order.cells.first().map(|cell| cell.plan.clone()) else { return Err(Failure::usage("nothing to perform")) };
    let folder = Folder::create(&order.out, &first.experiment.name, first.seed, order.budget.clone()).map_err(unwritable)?;
    folder.write("experiment.yaml", &order.text).map_err(unwritable)?;

    let started_at = jiff::Timestamp::now().to_string();
    let mut matrix = (!order.axes.is_empty()).then(|| MatrixRecord {
        format: FORMAT,
        name: first.experiment.name.clone(),
        description: first.experiment.description.clone(),
        source: order.source.clone(),
        seed: first.seed,
        repro: order.repro.clone(),
        axes: order.axes.clone(),
        cells: order.cells.iter().filter_map(|cell| cell.cell.clone()).collect(),
        started_at: started_at.clone(),
        ended_at: None,
    });
    let mut cells = Vec::new();
    for mut cell in order.cells {
        if order.goal.is_some() {
            until::at_least(&mut cell.plan);
        }
        let own = match &cell.cell {
            None => folder.clone(),
            Some(cell) => {
                folder.within(&cell.folder).map_err(|error| Failure::environment(format!("{}: {error}", folder.path().display())))?
            }
        };
        let record = RunRecord {
            format: FORMAT,
            run: cell.run,
            cell: cell.cell.map(|cell| cell.label),
            until: order.goal.as_ref().map(|goal| UntilRecord { target: goal.until.to_string(), ended_by: None }),
            environment: environment::describe(&runtime.info()),
            plan: cell.plan,
            source: order.source.clone(),
            locations: cell.locations,
            repro: order.repro.clone(),
            started_at: started_at.clone(),
            ended_at: None,
            interrupted: None,
            residue: Vec::new(),
            begun: Some(Vec::new()),
            not_repeated: None,
        };
        let run = CellRun { record, folder: own, server: None, directives: cell.directives, rows: Rows::new() };
        run.save()?;
        cells.push(run);
    }
    // Only now every cell can be read, whatever ends the tool: before anything is fetched or started.
    if let Some(matrix) = &matrix {
        matrix.save(&folder)?;
    }

    let trials: usize = cells.iter().map(|cell| cell.record.plan.trials.len()).sum();
    let each = first.experiment.duration.as_nanos() as f64;
    progress.line(&format!(
        "{}: {} of {}{} on {}; results in {}",
        first.experiment.name,
        number::plural(trials as u64, "trial", "trials"),
        number::duration(each),
        if cells.len() > 1 { format!(" in {} cells", cells.len()) } else { String::new() },
        runtime.info().version,
        folder.path().display()
    ));
    let provided = provide(&mut cells, &*runtime, &progress, &interrupt).await;
    let cpus = cells.first().map_or(1, |cell| cell.record.environment.cpus as usize);
    let Order { goal, reuse, repeats, .. } = order;
    let session = Session { runtime: &*runtime, progress: &progress, interrupt: &interrupt, goal, reuse, repeats };
    let performed = match provided {
        Ok(()) => session.all_trials(&mut cells, ConcurrencyLimit::new(order.jobs, cpus)).await,
        // There are no servers, and so no trials. What is left to say is that the run was interrupted, or why there are none.
        Err(_) if interrupt.exit().is_some() => Ok(()),
        Err(failure) => Err(failure),
    };

    let ended_at = jiff::Timestamp::now().to_string();
    for cell in &mut cells {
        cell.record.ended_at = Some(ended_at.clone());
        cell.record.interrupted = interrupt.name().map(str::to_owned);
        cell.save()?;
    }
    if let Some(matrix) = &mut matrix {
        matrix.ended_at = Some(ended_at);
        matrix.save(&folder)?;
    }
    progress.transient("analysing");
    let rows = cells.into_iter().map(|cell| cell.rows).collect();
    // On a thread of its own, so that a second signal is seen meanwhile.
    let results = folder.clone();
    let outcome = tokio::task::spawn_blocking(move || outcome::conclude(&results, rows)).await;
    let outcome = outcome.map_err(|error| Failure::environment(error.to_string()))?.map_err(Failure::environment)?;
    // What there is to report is reported first.
    performed?;
    Ok((outcome, folder))
}

/// Fetches the server software of every cell; each is provided once.
async fn provide(cells: &mut [CellRun], runtime: &dyn Runtime, progress: &Progress, interrupt: &Interrupt) -> Result<(), Failure> {
    let announce = progress.announce();
    let mut known: Vec<(Server, ServerSource)> = Vec::new();
    for cell in cells {
        let experiment = &cell.record.plan.experiment;
        let wanted = experiment.topology.server();
        let server = match known.iter().find(|(server, _)| server == wanted) {
            Some((_, server)) => server.clone(),
            None => {
                let failed = |error: RuntimeError| Failure::environment(error.to_string());
                let provided = interrupt.unless(async { runtime.provide(wanted, &announce).await.map_err(failed) }).await?;
                if let Some(postgres) = experiment.postgres() {
                    interrupt.unless(async { runtime.provide_postgres(&postgres.version, &announce).await.map_err(failed) }).await?;
                }
                known.push((wanted.clone(), provided.clone()));
                provided
            }
        };
        cell.record.environment.server_source.clone_from(&server.description);
        cell.server = Some(server);
        cell.save()?;
    }
    Ok(())
}
