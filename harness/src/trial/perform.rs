//! The life of one trial.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use redquake_experiments::plan::{Plan, TrialPlan};
use redquake_experiments::spec::{Topology, Workload};
use redquake_reports::history::{Event, FORMAT_VERSION, Header, Node, NoteKind, PhaseName, ProbeKind};
use redquake_topologies::namespace::Zone;
use redquake_topologies::runtime::{Lab, LabRequest, NodeSpec, Runtime, ServerSource};
use redquake_topologies::sentinel;
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::failpoint::reach;
use super::final_read::final_read;
use super::live::{Live, Strain};
use super::settle::settle;
use super::{Clock, Recorder, Roster, Stage, Watch, recorder};
use crate::cli::Progress;
use crate::faults::{Engine, Ledger};
use crate::workloads::LockLoad;
use crate::{observers, probes};

/// Threads of the clients' runtime.
const CLIENT_THREADS: usize = 2;
/// Beyond hold and timeouts, how long stopped clients may take to finish what is under way.
const FINISH_WITHIN: Duration = Duration::from_secs(2);

/// A loaded machine takes several times the usual second.
const READY_WITHIN: Duration = Duration::from_secs(60);
/// Tasks of a zone end at their next await; blocking ones do not exist.
const ZONE_ENDS_WITHIN: Duration = Duration::from_secs(2);

/// What a trial needs.
pub struct TrialRequest<'a> {
    /// The plan of the run.
    pub plan: &'a Plan,
    /// Which trial of it.
    pub trial: TrialPlan,
    /// Where servers run.
    pub runtime: &'a dyn Runtime,
    /// The server software.
    pub server: &'a ServerSource,
    /// Id of the run.
    pub run: &'a str,
    /// Folder of this trial; exists and is empty.
    pub folder: &'a Path,
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
    pub strain: Strain,
}

/// Performs a trial. Whatever goes wrong with the servers is a note in the history; an error is a history that could not be written.
pub async fn perform(request: TrialRequest<'_>) -> std::io::Result<Performed> {
    let live = Arc::new(Live::default());
    let clock = Clock::start();
    let (recorder, writing) = recorder::open(&request.folder.join("history.ndjson.zst"), clock, Arc::clone(&live))?;
    recorder.record(Event::Header(Box::new(Header {
        format: FORMAT_VERSION,
        tool: env!("CARGO_PKG_VERSION").to_owned(),
        plan: request.plan.clone(),
        trial: request.trial.index,
        seed: request.trial.seed,
        began: jiff::Timestamp::now().to_string(),
        probe_every: u64::try_from(probes::WRITE_EVERY.as_nanos()).unwrap_or(u64::MAX),
    })));
    let residue = with_lab(&request, clock, &recorder, Arc::clone(&live)).await;
    if request.cancel.is_cancelled() {
        recorder.note(NoteKind::Interrupted, "the run was interrupted by a signal");
    }
    drop(recorder);
    tokio::task::spawn_blocking(|| writing.finish()).await.map_err(std::io::Error::other)??;
    Ok(Performed { residue, strain: live.strain() })
}

async fn with_lab(request: &TrialRequest<'_>, clock: Clock, recorder: &Recorder, live: Arc<Live>) -> Vec<String> {
    recorder.phase(PhaseName::Provision);
    reach(PhaseName::Provision);
    let nodes = request.plan.nodes.iter().map(|node| NodeSpec { name: node.name.clone(), role: node.role }).collect();
    let lab = LabRequest { run: request.run.to_owned(), trial: request.trial.index, server: request.server.clone(), nodes };
    // Not cut short by a signal: a call that is under way must end before what it made can be found and removed.
    let lab = match request.runtime.open(lab).await {
        Ok(lab) => lab,
        Err(error) => {
            recorder.note(NoteKind::Environment, format!("the servers could not be brought up: {error}"));
            return Vec::new();
        }
    };
    if let Err(reason) = on_stage(request, clock, recorder, live, &lab).await {
        recorder.note(NoteKind::Environment, reason);
    }
    request.progress.transient("removing the servers");
    save_logs(&*lab, request.folder).await;
    lab.close().await
}

async fn on_stage(
    request: &TrialRequest<'_>,
    clock: Clock,
    recorder: &Recorder,
    live: Arc<Live>,
    lab: &Arc<dyn Lab>,
) -> Result<(), String> {
    let zone = |name: &str, threads| {
        Zone::open(name, lab.client_namespace(), threads)
            .map_err(|error| format!("threads could not be placed on the lab network: {error}"))
    };
    let (control, prober, clients) = (zone("control", 1)?, zone("probes", 1)?, zone("clients", CLIENT_THREADS)?);
    let roster = Arc::new(Roster::new(lab.nodes()));
    let stage = Stage { seed: request.trial.seed, clock, recorder: recorder.clone(), roster, live, lab: Arc::clone(lab), control };
    let crew = Crew { prober, clients, watch: Watch::new(clock, recorder.clone()) };

    let ended = match request.cancel.run_until_cancelled(bring_up(request, &stage)).await {
        Some(Ok(())) => play(request, &stage, &crew).await,
        Some(Err(reason)) => Err(reason),
        // What was being started is found and removed with the lab.
        None => Ok(()),
    };
    crew.watch.end().await;
    // Threads leave the lab network before it goes, so that no packet can be sent to addresses that are no longer ours.
    let Stage { control, .. } = stage;
    for zone in [crew.clients, crew.prober, control] {
        zone.close(ZONE_ENDS_WITHIN).await;
    }
    ended
}

/// The threads and tasks around the servers.
struct Crew {
    prober: Zone,
    clients: Zone,
    watch: Watch,
}

async fn bring_up(request: &TrialRequest<'_>, stage: &Stage) -> Result<(), String> {
    let Topology::Sentinel(topology) = &request.plan.experiment.topology;
    let set = sentinel::bring_up(&*stage.lab, &stage.control, topology, READY_WITHIN).await.map_err(|error| error.to_string())?;
    let at = stage.clock.now();
    for node in set.nodes {
        let address = node.address.to_string();
        let event = Node { at, name: node.name, role: node.role, address, run_id: node.run_id, version: node.version };
        stage.recorder.record(Event::Node(event));
    }
    drop(request.starting.lock().unwrap_or_else(PoisonError::into_inner).take());
    Ok(())
}

async fn play(request: &TrialRequest<'_>, stage: &Stage, crew: &Crew) -> Result<(), String> {
    let experiment = &request.plan.experiment;
    let cancel = request.cancel;
    let _pace = watch(stage, crew).map_err(|error| format!("the probes could not be started: {error}"))?;

    stage.recorder.phase(PhaseName::Settle);
    reach(PhaseName::Settle);
    request.progress.transient("waiting for the steady state");
    let (holding, connected, tasks) = (CancellationToken::new(), CancellationToken::new(), TaskTracker::new());
    let (mut sessions, mut dispatchers) = (Vec::new(), Vec::new());
    for (workload, index) in experiment.workloads.iter().zip(0u16..) {
        let Workload::Lock(spec) = workload.clone();
        let (recorder, roster) = (stage.recorder.clone(), Arc::clone(&stage.roster));
        let load = LockLoad { index, spec, seed: stage.seed, clock: stage.clock, recorder, roster };
        let (started, dispatcher) =
            load.start(&crew.clients, &tasks, &holding, &connected).map_err(|error| format!("the load could not be started: {error}"))?;
        sessions.extend(started);
        dispatchers.push(dispatcher);
    }
    let replicas = stage.roster.data().count().saturating_sub(1);
    let steady = settle(stage, &sessions, replicas, cancel).await;

    match steady {
        Err(reason) => stage.recorder.note(NoteKind::NotSteady, reason),
        Ok(()) if cancel.is_cancelled() => {}
        Ok(()) => {
            let zero = stage.clock.instant(stage.recorder.phase(PhaseName::Baseline));
            reach(PhaseName::Baseline);
            let ledger = Ledger::create(&request.folder.join("ledger.ndjson"))
                .map_err(|error| format!("the ledger could not be created: {error}"))?;
            let mut engine = Engine::new(stage, request.plan, ledger);
            request.progress.transient("baseline and faults");
            engine.perform(zero, cancel).await;
            engine.revert_all().await;
            stage.recorder.phase(PhaseName::Recovery);
            reach(PhaseName::Recovery);
            request.progress.transient("recovery");
            cancel.run_until_cancelled(tokio::time::sleep_until((zero + experiment.duration.to_std()).into())).await;
        }
    }

    stage.recorder.phase(PhaseName::Stop);
    drop(dispatchers);
    holding.cancel();
    tasks.close();
    if tokio::time::timeout(longest_operation(&experiment.workloads) + FINISH_WITHIN, tasks.wait()).await.is_err() {
        stage.recorder.note(NoteKind::Remark, "some client operations did not end in time and are missing from the history");
    }
    connected.cancel();
    stage.recorder.phase(PhaseName::FinalRead);
    if !cancel.is_cancelled() {
        final_read(stage, &experiment.workloads).await;
        let linked = stage.live.linked_replicas();
        if linked < replicas {
            stage
                .recorder
                .note(NoteKind::Remark, format!("at the end {linked} of {replicas} replicas were linked (killed nodes are not restarted)"));
        }
    }
    Ok(())
}

/// Starts probes and observers. The beat lasts as long as the returned value.
fn watch(stage: &Stage, crew: &Crew) -> std::io::Result<[probes::Pace; 2]> {
    let paces = [probes::Pace::start(probes::WRITE_EVERY)?, probes::Pace::start(probes::READ_EVERY)?];
    for member in stage.roster.data() {
        for (kind, pace) in [(ProbeKind::Write, &paces[0]), (ProbeKind::Read, &paces[1])] {
            probes::start(&crew.watch, &crew.prober, kind, &member, pace.beats());
        }
        observers::roles(&crew.watch, &stage.control, &member);
    }
    for member in stage.roster.sentinels() {
        observers::sentinels(&crew.watch, &stage.control, &member);
    }
    for (zone, place) in [(&crew.clients, "clients"), (&crew.prober, "probes"), (&stage.control, "control")] {
        observers::stalls(&crew.watch, zone, place);
    }
    Ok(paces)
}

fn longest_operation(workloads: &[Workload]) -> Duration {
    let longest = workloads.iter().map(|workload| {
        let Workload::Lock(lock) = workload;
        // A stopped client gives back what it holds at once: connect, acquire, connect, release.
        (lock.connect_timeout.to_std() + lock.timeout.to_std()) * 2
    });
    longest.max().unwrap_or_default()
}

async fn save_logs(lab: &dyn Lab, folder: &Path) {
    let logs = folder.join("logs");
    // Logs help to explain a result; none depends on them.
    if tokio::fs::create_dir_all(&logs).await.is_err() {
        return;
    }
    let fetched =
        futures_util::future::join_all(lab.nodes().iter().map(|node| async { (node.name.clone(), lab.logs(&node.name).await) })).await;
    for (name, text) in fetched {
        if let Ok(text) = text {
            let _ = tokio::fs::write(logs.join(format!("{name}.log")), text).await;
        }
    }
}
