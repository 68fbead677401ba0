//! The life of one trial.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use redquake_experiments::plan::{Plan, TrialPlan};
use redquake_experiments::spec::{Role, Topology};
use redquake_reports::history::{Event, FORMAT_VERSION, Header, Node, NoteKind, PhaseName};
use redquake_reports::render::number;
use redquake_topologies::namespace::Zone;
use redquake_topologies::runtime::{Lab, LabRequest, Refused, Runtime, RuntimeError, ServerSource};
use redquake_topologies::{cluster, sentinel};
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::databases::prepare;
use super::final_read::final_read;
use super::nodes;
use super::reuse::{Servers, Warm, may_be_kept};
use super::settle::{replicating, settle};
use super::zones::{TrialZones, watch};
use crate::clients::Session;
use crate::context::failpoint::reach;
use crate::context::{ActiveOverrides, Budget, Clock, Recorder, Roster, TrialContext, Watch, recorder};
use crate::context::{Live, MachineLoad};
use crate::faults::{Engine, Ledger};
use crate::ui::Progress;
use crate::workloads::Shutdown;
use crate::{observers, probes, workloads};

/// Threads of the runtime of each place where clients live.
pub const CLIENT_THREADS: usize = 2;
/// Beyond hold and timeouts, how long stopped clients may take to finish what is under way.
const FINISH_WITHIN: Duration = Duration::from_secs(2);

/// The same, and for the logs of the servers, once the run was interrupted.
const INTERRUPTED_WITHIN: Duration = Duration::from_millis(500);

/// A loaded machine takes several times the usual second.
const READY_WITHIN: Duration = Duration::from_secs(60);
/// Why servers that were in use are not used again.
const INTERRUPTED: &str = "the run was interrupted";
/// Tasks of a zone end at their next await; blocking ones do not exist.
const ZONE_ENDS_WITHIN: Duration = Duration::from_secs(2);

/// What a trial needs.
pub struct TrialRequest<'a> {
    /// The plan of the run.
    pub plan: &'a Plan,
    /// Which trial of it.
    pub trial: TrialPlan,
    /// What it is called for whoever watches: `trial 2/5`.
    pub name: String,
    /// Where servers run.
    pub runtime: &'a dyn Runtime,
    /// The server software.
    pub server: &'a ServerSource,
    /// Which servers it is to have.
    pub servers: Servers,
    /// Id of the run.
    pub run: &'a str,
    /// Folder of this trial; exists and is empty.
    pub folder: &'a Path,
    /// How much of the disk may be filled.
    pub budget: Budget,
    /// The right to start servers, given back when they are ready: a start must not starve trials that are measuring.
    pub starting: Mutex<Option<OwnedSemaphorePermit>>,
    /// Cancelled when the run is interrupted.
    pub cancel: &'a CancellationToken,
    /// Tells the user how far it is.
    pub progress: &'a Progress,
}

/// What is left to say after a trial whose history is on disk.
pub struct Performed {
    /// Objects that could not be removed.
    pub residue: Vec<String>,
    /// How hard the machine made it to measure.
    pub load: MachineLoad,
    /// Its servers, if they may serve another trial; else why not.
    pub kept: Result<Box<Warm>, String>,
    /// The directive that a server refused at its start, if one did.
    pub refused: Option<Refused>,
}

/// Performs a trial. Whatever goes wrong with the servers is a note in the history; an error is a history that could not be written.
pub async fn perform(mut request: TrialRequest<'_>) -> std::io::Result<Performed> {
    let live = Arc::new(Live::default());
    let clock = Clock::start();
    let header = Header {
        format: FORMAT_VERSION,
        tool: env!("CARGO_PKG_VERSION").to_owned(),
        plan: request.plan.clone(),
        trial: request.trial.index,
        seed: request.trial.seed,
        began: jiff::Timestamp::now().to_string(),
        probe_every: u64::try_from(probes::every(data_nodes(request.plan))[0].as_nanos()).unwrap_or(u64::MAX),
    };
    let (history, observer, budget) = (request.folder.join("history.ndjson.zst"), Arc::clone(&live), request.budget.clone());
    // A disk may take its time, and other trials are being measured.
    let opened = tokio::task::spawn_blocking(move || recorder::open(&history, header, clock, observer, budget)).await;
    let (recorder, writing) = opened.map_err(std::io::Error::other).flatten()?;
    let servers = std::mem::replace(&mut request.servers, Servers::Fresh);
    let mut refused = None;
    let (mut residue, kept) = with_lab(&request, servers, clock, &recorder, Arc::clone(&live), &mut refused).await;
    if request.cancel.is_cancelled() {
        recorder.note(NoteKind::Interrupted, "the run was interrupted by a signal");
    }
    drop(recorder);
    let written = tokio::task::spawn_blocking(|| writing.finish()).await.map_err(std::io::Error::other).flatten();
    // Only now everything that happened is known.
    let clean = if written.is_ok() { live.clean(request.plan) } else { Err("the history could not be written".to_owned()) };
    let kept = match (kept, clean) {
        (Ok(warm), Ok(())) => Ok(warm),
        (Ok(warm), Err(reason)) => {
            residue.extend(warm.close().await);
            Err(reason)
        }
        (Err(reason), _) => Err(reason),
    };
    written?;
    Ok(Performed { residue, load: live.load(), kept, refused })
}

/// Returns what could not be removed, and the servers if they are up still and may serve another trial.
async fn with_lab(
    request: &TrialRequest<'_>,
    servers: Servers,
    clock: Clock,
    recorder: &Recorder,
    live: Arc<Live>,
    refused: &mut Option<Refused>,
) -> (Vec<String>, Result<Box<Warm>, String>) {
    recorder.phase(PhaseName::Provision);
    reach(PhaseName::Provision);
    let may = if servers.again() { may_be_kept(&request.plan.experiment) } else { Err("nobody asked for it".to_owned()) };
    let (mut residue, mut keep) = (Vec::new(), Keep { may, warm: None, refused: None });
    match servers {
        Servers::Fresh => {}
        Servers::FreshBecause(reason) => recorder.note(NoteKind::Remark, format!("fresh servers: {reason}")),
        Servers::Warm(warm) => match request.cancel.run_until_cancelled(warm.reset_and_verify(&request.plan.experiment.topology)).await {
            Some(Ok(found)) => {
                recorder.note(NoteKind::Remark, format!("the servers of trial {} again, {found}", warm.last));
                keep.warm = Some(warm);
            }
            Some(Err(reason)) => {
                recorder.note(NoteKind::Remark, format!("fresh servers: those of trial {} could not be used again: {reason}", warm.last));
                residue.extend(warm.close().await);
            }
            None => return (warm.close().await, Err(INTERRUPTED.to_owned())),
        },
    }
    let lab = match &keep.warm {
        Some(warm) => warm.lab(),
        None => match open(request).await {
            Ok(lab) => lab,
            Err(error) => {
                recorder.note(NoteKind::Environment, format!("the servers could not be brought up: {error}"));
                return (residue, Err(error));
            }
        },
    };
    if let Err(reason) = on_stage(request, clock, recorder, live, &lab, &mut keep).await {
        recorder.note(NoteKind::Environment, reason);
    }
    soon(request.cancel, save_logs(&*lab, request.folder, &request.budget)).await;
    *refused = keep.refused.take();
    let reason = match (keep.may, keep.warm) {
        _ if request.cancel.is_cancelled() => INTERRUPTED.to_owned(),
        (Ok(()), Some(mut warm)) => {
            warm.last = request.trial.index;
            return (residue, Ok(warm));
        }
        (Ok(()), None) => "they never were ready".to_owned(),
        (Err(reason), _) => reason,
    };
    request.progress.transient("removing the servers");
    residue.extend(lab.close().await);
    (residue, Err(reason))
}

/// Whether the servers may serve another trial as far as is known, and how they were at first once that is known.
struct Keep {
    may: Result<(), String>,
    warm: Option<Box<Warm>>,
    /// What a server refused instead of starting.
    refused: Option<Refused>,
}

/// Makes room for fresh servers.
async fn open(request: &TrialRequest<'_>) -> Result<Arc<dyn Lab>, String> {
    let lab = LabRequest {
        run: request.run.to_owned(),
        trial: request.trial.index,
        server: request.server.clone(),
        nodes: nodes::wanted(request.plan),
        zones: request.plan.experiment.zones(),
    };
    // Not cut short by a signal: a call that is under way must end before what it made can be found and removed.
    request.runtime.open(lab).await.map_err(|error| error.to_string())
}

async fn on_stage(
    request: &TrialRequest<'_>,
    clock: Clock,
    recorder: &Recorder,
    live: Arc<Live>,
    lab: &Arc<dyn Lab>,
    keep: &mut Keep,
) -> Result<(), String> {
    let zone = |name: &str, threads| {
        Zone::open(name, lab.client_namespace(), threads)
            .map_err(|error| format!("threads could not be placed on the lab network: {error}"))
    };
    let (control, prober) = (zone("control", 1)?, zone("probes", 1)?);
    let mut places = vec![(None, zone("clients", CLIENT_THREADS)?)];
    for there in lab.zones() {
        let namespace = lab.zone_namespace(&there.name).await.map_err(|error| error.to_string())?;
        let opened = Zone::open(&there.name, Some(namespace), CLIENT_THREADS);
        places.push((Some(there.name.clone()), opened.map_err(|error| format!("clients could not be placed in a zone: {error}"))?));
    }
    let roster = Arc::new(Roster::new(lab.nodes(), &request.plan.experiment.topology));
    let context = TrialContext {
        seed: request.trial.seed,
        clock,
        recorder: recorder.clone(),
        roster,
        live,
        lab: Arc::clone(lab),
        control,
        standing: ActiveOverrides::default(),
    };
    let zones = TrialZones { prober, places, watch: Watch::new(clock, recorder.clone()) };

    let objects = observers::objects(&context).map_err(|error| format!("the lab could not be watched: {error}"))?;
    let ended = match request.cancel.run_until_cancelled(bring_up(request, &context, keep)).await {
        Some(Ok(())) => play(request, &context, &zones).await,
        Some(Err(reason)) => Err(reason),
        // What was being started is found and removed with the lab.
        None => Ok(()),
    };
    zones.watch.end().await;
    objects.end().await;
    // Threads leave the lab network before it goes, so that no packet can be sent to addresses that are no longer ours.
    let TrialContext { control, .. } = context;
    let zones = zones.places.into_iter().map(|(_, zone)| zone).chain([zones.prober, control]);
    futures_util::future::join_all(zones.map(|zone| zone.close(ZONE_ENDS_WITHIN))).await;
    ended
}

fn data_nodes(plan: &Plan) -> usize {
    plan.nodes.iter().filter(|node| node.role != Role::Sentinel).count()
}

async fn bring_up(request: &TrialRequest<'_>, context: &TrialContext, keep: &mut Keep) -> Result<(), String> {
    let (lab, zone) = (&*context.lab, &context.control);
    let nodes = match (&keep.warm, &request.plan.experiment.topology) {
        (Some(warm), _) => Ok(warm.nodes().to_vec()),
        (None, Topology::Sentinel(topology)) => sentinel::bring_up(lab, zone, topology, READY_WITHIN).await.map(|set| set.nodes),
        (None, Topology::Cluster(topology)) => cluster::bring_up(lab, zone, topology, READY_WITHIN).await.map(|set| set.nodes),
    };
    let at = context.clock.now();
    let nodes = nodes.map_err(|error| {
        if let RuntimeError::Refused(refused) = &error {
            keep.refused = Some(refused.clone());
        }
        error.to_string()
    })?;
    for node in nodes.clone() {
        let address = node.address.to_string();
        let event = Node { at, name: node.name, role: node.role, address, run_id: node.run_id, version: node.version };
        context.recorder.record(Event::Node(event));
    }
    drop(request.starting.lock().unwrap_or_else(PoisonError::into_inner).take());
    if keep.may.is_ok() && keep.warm.is_none() {
        match Warm::new(&context.lab, zone, &nodes, request.trial.index).await {
            Ok(warm) => keep.warm = Some(Box::new(warm)),
            Err(reason) => keep.may = Err(reason),
        }
    }
    Ok(())
}

async fn play(request: &TrialRequest<'_>, context: &TrialContext, zones: &TrialZones) -> Result<(), String> {
    let experiment = &request.plan.experiment;
    let cancel = request.cancel;
    let _pace = watch(context, zones).map_err(|error| format!("the probes could not be started: {error}"))?;

    let ready = context.recorder.phase(PhaseName::Settle);
    reach(PhaseName::Settle);
    request.progress.transient("waiting for the steady state");
    let ends = Shutdown { tasks: TaskTracker::new(), stop: CancellationToken::new(), close: CancellationToken::new() };
    let mut pools = Vec::new();
    let Some(databases) = cancel.run_until_cancelled(prepare(request, context, zones)).await else { return Ok(()) };
    let databases = databases?;
    let replicas = context.roster.data().count().saturating_sub(context.roster.shards().count());
    // Nobody answers `WAIT` before, and a client whose `WAIT` takes too long leaves behind what it does not know it has.
    if experiment.workloads.iter().any(|workload| workload.kind.wait() > 0) {
        replicating(context, replicas, cancel).await;
    }
    for (workload, index) in experiment.workloads.iter().zip(0u16..) {
        let database = databases.get(usize::from(index)).cloned().flatten();
        let (clock, recorder) = (context.clock, context.recorder.clone());
        let (timeout, keys) = (workload.timeout.to_std(), context.roster.keys.clone());
        let common = workloads::Common { index, seed: context.seed, clock, recorder, timeout, keys, database };
        let started = workloads::start(workload, common, &context.roster, &zones.places(workload.zone.as_ref())?, &ends);
        pools.push(started.map_err(|error| format!("the load could not be started: {error}"))?);
    }
    let sessions: Vec<Session> = pools.iter().flat_map(|pool| pool.sessions.iter().cloned()).collect();
    let steady = settle(context, &sessions, replicas, cancel).await;
    if steady.is_ok() {
        // Servers count their seconds from their own start: where in them the schedule begins is up to the plan, not to how quickly they started.
        let wait = request.plan.wait(&request.trial, context.clock.now().saturating_sub(ready));
        cancel.run_until_cancelled(tokio::time::sleep(Duration::from_nanos(wait))).await;
    }

    match steady {
        Err(reason) => context.recorder.note(NoteKind::NotSteady, reason),
        Ok(()) if cancel.is_cancelled() => {}
        Ok(()) => {
            let zero = context.clock.instant(context.recorder.phase(PhaseName::Baseline));
            reach(PhaseName::Baseline);
            let ledger = Ledger::create(&request.folder.join("ledger.ndjson"))
                .map_err(|error| format!("the ledger could not be created: {error}"))?;
            request.progress.transient("baseline and faults");
            let (progress, name, clock) = (request.progress.clone(), request.name.clone(), context.clock);
            let say = Box::new(move |at, text: &str| {
                progress.line(&format!("{name}: {} {text}", number::instant(clock.at(at), clock.at(zero))));
            });
            let injected = Engine::new(context, request.plan, ledger, &pools, cancel, say).perform(zero).await;
            context.recorder.phase(PhaseName::Recovery);
            reach(PhaseName::Recovery);
            request.progress.transient("recovery");
            cancel.run_until_cancelled(tokio::time::sleep_until((zero + experiment.duration.to_std()).into())).await;
            for injection in injected {
                if let Some(Some(text)) = soon(cancel, injection.aftermath(context)).await {
                    context.recorder.note(NoteKind::Remark, text);
                }
            }
        }
    }

    context.recorder.phase(PhaseName::Stop);
    drop(pools);
    ends.stop.cancel();
    ends.tasks.close();
    let longest = experiment.workloads.iter().map(workloads::longest_operation).max().unwrap_or_default();
    let finished = tokio::time::timeout(longest + FINISH_WITHIN, ends.tasks.wait());
    if soon(cancel, finished).await.is_none_or(|finished| finished.is_err()) {
        context.recorder.note(NoteKind::Remark, "some client operations did not end in time and are missing from the history");
    }
    ends.close.cancel();
    context.recorder.phase(PhaseName::FinalRead);
    if !cancel.is_cancelled() {
        final_read(context, &experiment.workloads, &databases).await;
        if context.roster.cluster {
            observers::cluster_logs(context).await;
        }
        let linked = context.live.linked_replicas();
        if linked < replicas {
            context
                .recorder
                .note(NoteKind::Remark, format!("at the end {linked} of {replicas} replicas were linked (killed nodes are not restarted)"));
        }
    }
    Ok(())
}

/// The outcome of what is worth waiting for, but not long once the run is interrupted.
async fn soon<T>(cancel: &CancellationToken, work: impl Future<Output = T>) -> Option<T> {
    let late = async {
        cancel.cancelled().await;
        tokio::time::sleep(INTERRUPTED_WITHIN).await;
    };
    tokio::select! {
        biased;
        ended = work => Some(ended),
        () = late => None,
    }
}

async fn save_logs(lab: &dyn Lab, folder: &Path, budget: &Budget) {
    let logs = folder.join("logs");
    // Logs help to explain a result; none depends on them.
    if tokio::fs::create_dir_all(&logs).await.is_err() {
        return;
    }
    let fetched =
        futures_util::future::join_all(lab.nodes().iter().map(|node| async { (node.name.clone(), lab.logs(&node.name).await) })).await;
    for (name, text) in fetched {
        if let Ok(text) = text
            && budget.take(text.len()).is_ok()
        {
            let _ = tokio::fs::write(logs.join(format!("{name}.log")), text).await;
        }
    }
}
