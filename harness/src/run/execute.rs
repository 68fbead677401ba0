//! A run from its order to its reports: of one experiment, or of all cells of a matrix.

use std::path::PathBuf;
use std::sync::Arc;

use redquake_experiments::plan::Plan;
use redquake_experiments::spec::Server;
use redquake_reports::result::{Location, MatrixAxis, Source};
use redquake_topologies::runtime::{Runtime, ServerSource};

use super::judge::Rows;
use super::lanes::{Jobs, Lanes};
use super::matrix::{CellRecord, MatrixRecord};
use super::outcome::{self, Outcome};
use super::record::{FORMAT, RunRecord, UntilRecord};
use super::session::{CellRun, Directive, Session};
use super::until::{self, Goal};
use super::{Folder, Interrupt, Repeats, environment};
use crate::cli::{Exit, Failure, Progress};

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
    let folder = Folder::create(&order.out, &first.experiment.name, first.seed).map_err(unwritable)?;
    folder.write("experiment.yaml", &order.text).map_err(unwritable)?;

    let servers = provide(&order.cells, &*runtime, &progress, &interrupt).await?;
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
    for (mut cell, server) in order.cells.into_iter().zip(servers) {
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
            environment: environment::describe(&runtime.info(), &server),
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
        let run = CellRun { record, folder: own, server, directives: cell.directives, rows: Rows::new() };
        run.save()?;
        cells.push(run);
    }
    // Only now every cell can be read, whatever ends the tool.
    if let Some(matrix) = &matrix {
        matrix.save(&folder)?;
    }

    let cpus = cells.first().map_or(1, |cell| cell.record.environment.cpus as usize);
    let Order { goal, reuse, repeats, .. } = order;
    let session = Session { runtime: &*runtime, progress: &progress, interrupt: &interrupt, goal, reuse, repeats };
    let performed = session.all_trials(&mut cells, Lanes::new(order.jobs, cpus)).await;

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

/// The server software of every cell, in their order; each is provided once.
async fn provide(
    cells: &[CellOrder],
    runtime: &dyn Runtime,
    progress: &Progress,
    interrupt: &Interrupt,
) -> Result<Vec<ServerSource>, Failure> {
    let mut known: Vec<(&Server, ServerSource)> = Vec::new();
    let mut servers = Vec::new();
    for cell in cells {
        let wanted = cell.plan.experiment.topology.server();
        if let Some((_, server)) = known.iter().find(|(server, _)| *server == wanted) {
            servers.push(server.clone());
            continue;
        }
        let provided = interrupt.cancel.run_until_cancelled(runtime.provide(wanted, &progress.announce())).await;
        let server = match provided {
            Some(Ok(server)) => server,
            Some(Err(error)) => return Err(Failure::environment(error.to_string())),
            None => return Err(Failure::told(interrupt.exit().unwrap_or(Exit::Interrupted))),
        };
        if let Some(postgres) = cell.plan.experiment.postgres() {
            let provided = interrupt.cancel.run_until_cancelled(runtime.provide_postgres(&postgres.version, &progress.announce())).await;
            if let Some(Err(error)) = provided {
                return Err(Failure::environment(error.to_string()));
            }
        }
        known.push((wanted, server.clone()));
        servers.push(server);
    }
    Ok(servers)
}
