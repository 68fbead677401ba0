//! Every part of the lab, looked at fifty times a second on a thread of its own: what ends, stops or vanishes, and for how long the machine
//! kept servers waiting.

use std::collections::HashMap;
use std::mem::discriminant;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use redquake_reports::history::{self, Event, ObjectEvent, ServerStall};
use redquake_topologies::runtime::{Lab, Load, ObjectKind, ObjectState, Sight};
use tokio::runtime::Handle;

use super::last_words::{last_words, report};
use crate::context::{Clock, Recorder, TrialContext};

/// Pause between two looks.
const EVERY: Duration = Duration::from_millis(20);
/// Waits from which a server's is recorded, ns; what it means is for the analysis to say.
const WORTH_RECORDING: u64 = 20_000_000;
/// Longest wait for the logs of servers that ended.
const LOGS_WITHIN: Duration = Duration::from_secs(10);

/// The parts of a lab that are being watched.
pub struct Objects {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Seen>,
    lab: Arc<dyn Lab>,
    clock: Clock,
    recorder: Recorder,
}

/// Starts watching.
pub fn start(context: &TrialContext) -> std::io::Result<Objects> {
    let (lab, clock, recorder) = (Arc::clone(&context.lab), context.clock, context.recorder.clone());
    let stop = Arc::new(AtomicBool::new(false));
    let mut seen = Seen::new(Arc::clone(&lab), clock, recorder.clone(), Handle::current());
    let stopped = Arc::clone(&stop);
    let thread = thread::Builder::new().name("objects".to_owned()).spawn(move || {
        let mut due = Instant::now();
        while !stopped.load(Ordering::Acquire) {
            seen.look();
            due = Instant::now().max(due + EVERY);
            thread::sleep(due.saturating_duration_since(Instant::now()));
        }
        // What changed since the last look belongs to the trial.
        seen.look();
        seen
    })?;
    Ok(Objects { stop, thread, lab, clock, recorder })
}

impl Objects {
    /// Ends the watch and records what only logs tell. To be called before anything of the lab is removed.
    pub async fn end(self) {
        let Self { stop, thread, lab, clock, recorder } = self;
        stop.store(true, Ordering::Release);
        let Ok(Ok(seen)) = tokio::task::spawn_blocking(|| thread.join()).await else { return };
        let ends = futures_util::future::join_all(seen.telling);
        let _ = tokio::time::timeout(LOGS_WITHIN, ends).await;
        let running = seen.known.iter().filter(|((kind, _), known)| {
            matches!(kind, ObjectKind::Server | ObjectKind::Database) && matches!(known.state, ObjectState::Running | ObjectState::Stopped)
        });
        let logs = running.map(|((kind, name), _)| {
            let lab = &lab;
            async move { (*kind, name.clone(), lab.logs(name).await) }
        });
        for (kind, name, log) in futures_util::future::join_all(logs).await {
            let lines = log.map(|log| report(&log)).unwrap_or_default();
            if !lines.is_empty() {
                let sight = Sight { kind, name, state: ObjectState::Running, how: "", load: None };
                recorder.record(event(&sight, [0, clock.now()], lines));
            }
        }
    }
}

struct Seen {
    lab: Arc<dyn Lab>,
    clock: Clock,
    recorder: Recorder,
    handle: Handle,
    before: u64,
    known: HashMap<(ObjectKind, String), Known>,
    /// Ends of servers whose logs are being fetched.
    telling: Vec<tokio::task::JoinHandle<()>>,
}

/// An object as it was at the latest look.
struct Known {
    state: ObjectState,
    load: Option<Load>,
    /// Since when every look found it blocked.
    blocked: Option<u64>,
}

impl Seen {
    fn new(lab: Arc<dyn Lab>, clock: Clock, recorder: Recorder, handle: Handle) -> Self {
        Self { lab, clock, recorder, handle, before: clock.now(), known: HashMap::new(), telling: Vec::new() }
    }

    fn look(&mut self) {
        let began = self.clock.now();
        let sights = self.lab.look();
        let at = [self.before, self.clock.now()];
        for sight in sights {
            self.take(&sight, at);
        }
        self.before = began;
    }

    fn take(&mut self, sight: &Sight, at: [u64; 2]) {
        let key = (sight.kind, sight.name.clone());
        let known = self.known.get(&key);
        let changed = known.is_none_or(|known| discriminant(&known.state) != discriminant(&sight.state));
        // What it waited before it was stopped is of no interest any more.
        let before = known.filter(|_| !changed);
        let load = before.and_then(|known| known.load).zip(sight.load).filter(|(before, now)| before.process == now.process);
        if let Some((before, now)) = load {
            let waited = now.waited.saturating_sub(before.waited);
            if waited >= WORTH_RECORDING {
                self.stall(sight, at, waited, 0);
            }
        }
        let was_blocked = before.and_then(|known| known.blocked);
        let is_blocked = sight.load.is_some_and(|load| load.blocked);
        if let Some(since) = was_blocked.filter(|since| !is_blocked && at[0].saturating_sub(*since) >= WORTH_RECORDING) {
            self.stall(sight, [since, at[1]], 0, at[0] - since);
        }
        let blocked = is_blocked.then(|| was_blocked.unwrap_or(at[1]));
        self.known.insert(key, Known { state: sight.state, load: sight.load, blocked });
        if changed {
            self.tell(sight, at);
        }
    }

    fn stall(&self, sight: &Sight, at: [u64; 2], waited: u64, blocked: u64) {
        self.recorder.record(Event::ServerStall(ServerStall { at, node: sight.name.clone(), waited, blocked }));
    }

    fn tell(&mut self, sight: &Sight, at: [u64; 2]) {
        let server = matches!(sight.kind, ObjectKind::Server | ObjectKind::Database);
        if !(server && matches!(sight.state, ObjectState::Ended(_))) {
            return self.recorder.record(event(sight, at, Vec::new()));
        }
        // Looking goes on meanwhile: fetching a log takes its time.
        let (lab, recorder, sight) = (Arc::clone(&self.lab), self.recorder.clone(), sight.clone());
        self.telling.push(self.handle.spawn(async move {
            let log = lab.logs(&sight.name).await.unwrap_or_default();
            recorder.record(event(&sight, at, last_words(&log)));
        }));
    }
}

fn event(sight: &Sight, at: [u64; 2], log: Vec<String>) -> Event {
    let kind = match sight.kind {
        ObjectKind::Server => history::ObjectKind::Server,
        ObjectKind::Database => history::ObjectKind::Database,
        ObjectKind::Clients => history::ObjectKind::Clients,
        ObjectKind::Zone => history::ObjectKind::Zone,
        ObjectKind::Disks => history::ObjectKind::Disks,
        ObjectKind::Link => history::ObjectKind::Link,
        ObjectKind::Network => history::ObjectKind::Network,
    };
    let (state, ending) = match sight.state {
        ObjectState::Running => (history::ObjectState::Running, None),
        ObjectState::Stopped => (history::ObjectState::Stopped, None),
        ObjectState::Ended(ending) => (history::ObjectState::Ended, Some(ending)),
        ObjectState::Missing => (history::ObjectState::Missing, None),
    };
    let ending = ending.unwrap_or_default();
    Event::Object(ObjectEvent {
        at,
        kind,
        name: sight.name.clone(),
        state,
        signal: ending.signal,
        code: ending.code,
        out_of_memory: ending.out_of_memory,
        how: sight.how.to_owned(),
        log,
    })
}
