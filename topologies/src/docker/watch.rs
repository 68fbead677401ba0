//! Watching the parts of a lab: first processes and links in `/proc`, and what the engine tells of containers.

use std::collections::HashMap;
use std::fs;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bollard::Docker;
use bollard::models::EventMessage;
use bollard::query_parameters::EventsOptionsBuilder;
use futures_util::StreamExt;
use tokio::task::AbortHandle;

use super::labels::Filter;
use super::place::Place;
use super::process::Process;
use super::raise::State;
use crate::runtime::{Ending, ObjectKind, ObjectState, OutOfMemory, Sight, Task};

/// Longest wait for the engine to say how a process ended, before it is told without.
const TOLD_WITHIN: Duration = Duration::from_secs(3);
/// Pause before the engine is asked for its events again.
const AGAIN_AFTER: Duration = Duration::from_millis(100);
/// Every link of a container is called so.
const LINK: &str = "eth0";

/// What was seen so far.
#[derive(Debug)]
pub(super) struct Watch {
    told: Arc<Mutex<HashMap<String, ContainerNews>>>,
    listening: AbortHandle,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    memory: OutOfMemory,
    /// Whether the bridge was up at some time.
    bridged: bool,
    containers: HashMap<String, Watched>,
}

/// What the engine told of a container.
#[derive(Debug, Default, Clone, Copy)]
struct ContainerNews {
    /// Exit code of its first process, once that has ended.
    died: Option<i64>,
    out_of_memory: bool,
    paused: bool,
    removed: bool,
    /// Started again.
    again: bool,
    /// Somebody asked the engine to send a signal.
    signalled: bool,
}

/// The latest process of a container.
#[derive(Debug)]
struct Watched {
    process: Arc<Process>,
    task: Option<Task>,
    gone: Option<Instant>,
    linked: bool,
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

impl Watch {
    /// Begins to listen to what the engine tells of the containers of a lab.
    pub(super) fn new(engine: &Docker, filter: &Filter) -> Self {
        let told = Arc::new(Mutex::new(HashMap::new()));
        let listening = tokio::spawn(listen(engine.clone(), filter.parameter(), Arc::clone(&told))).abort_handle();
        Self { told, listening, seen: Mutex::default() }
    }

    /// The network with this bridge, and every one of these places as it is now: what it is, its name, whose link it has, if any.
    pub(super) fn look<'a>(
        &self,
        bridge: &str,
        places: impl Iterator<Item = (ObjectKind, String, Option<String>, &'a Place)>,
    ) -> Vec<Sight> {
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.memory.refresh();
        let mut sights = Vec::new();
        for (kind, name, link, place) in places {
            let State::Up(process) = place.process.borrow().clone() else { continue };
            seen.place(&process, told.get(&place.container).copied().unwrap_or_default(), &place.container, |what, state, how, load| {
                let (kind, name) = match (what, &link) {
                    (What::Process, _) => (kind, &name),
                    (What::Link, Some(whose)) => (ObjectKind::Link, whose),
                    (What::Link, None) => return,
                };
                sights.push(Sight { how, load, ..Sight::new(kind, name, state) });
            });
        }
        let network = bridge_state(bridge);
        seen.bridged |= network == ObjectState::Running;
        // Where this process lives in another network namespace than the engine, it is never seen.
        if seen.bridged {
            sights.push(Sight::new(ObjectKind::Network, "", network));
        }
        sights
    }
}

fn bridge_state(bridge: &str) -> ObjectState {
    /// `IFF_UP`
    const UP: u32 = 1;
    match fs::read_to_string(format!("/sys/class/net/{bridge}/flags")) {
        Ok(flags) => {
            let flags = u32::from_str_radix(flags.trim().trim_start_matches("0x"), 16).unwrap_or(UP);
            if flags & UP == UP { ObjectState::Running } else { ObjectState::Stopped }
        }
        Err(_) => ObjectState::Missing,
    }
}

/// Which part of a place is told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Process,
    Link,
}

impl Seen {
    fn place(
        &mut self,
        process: &Arc<Process>,
        told: ContainerNews,
        container: &str,
        mut tell: impl FnMut(What, ObjectState, &'static str, Option<crate::runtime::Load>),
    ) {
        let memory = &self.memory;
        let watched = self.containers.entry(container.to_owned()).or_insert_with(|| Watched::new(process));
        if !Arc::ptr_eq(&watched.process, process) {
            *watched = Watched::new(process);
        }
        if told.removed {
            return tell(What::Process, ObjectState::Missing, "", None);
        }
        let up = watched.task.as_ref().and_then(Task::look);
        let how = if told.signalled { "through the Docker engine" } else { "" };
        let Some((state, load)) = up else {
            watched.task = None;
            let gone = *watched.gone.get_or_insert_with(Instant::now);
            return match told.died {
                // Not by this tool, which would know of the new process.
                None if told.again => tell(What::Process, ObjectState::Running, "through the Docker engine", None),
                Some(code) => tell(What::Process, ObjectState::Ended(ending(code, told.out_of_memory, memory)), how, None),
                None if gone.elapsed() >= TOLD_WITHIN => tell(What::Process, ObjectState::Ended(Ending::default()), how, None),
                None => {}
            };
        };
        match told.paused {
            true => tell(What::Process, ObjectState::Stopped, "`docker pause`", None),
            false => tell(What::Process, state, "", load),
        }
        let link = watched.link();
        // A container that is on its way out loses its link as well.
        if watched.task.as_ref().and_then(Task::look).is_some() && (watched.linked || link == Some(ObjectState::Running)) {
            watched.linked = true;
            link.into_iter().for_each(|link| tell(What::Link, link, "", None));
        }
    }
}

impl Watched {
    fn new(process: &Arc<Process>) -> Self {
        let task = process.id().and_then(Task::open);
        Self { process: Arc::clone(process), task, gone: None, linked: false }
    }

    /// What has become of its link, seen from its own end; `None` where this process may not look.
    fn link(&self) -> Option<ObjectState> {
        let root = self.process.root()?;
        match fs::read_to_string(format!("{root}/sys/class/net/{LINK}/operstate")) {
            Ok(state) if state.trim() == "up" => Some(ObjectState::Running),
            Ok(_) => Some(ObjectState::Stopped),
            // Where others can be looked at, this one is gone.
            Err(_) if fs::metadata(format!("{root}/sys/class/net/lo")).is_ok() => Some(ObjectState::Missing),
            Err(_) => None,
        }
    }
}

/// The engine adds 128 to the number of a signal.
fn ending(code: i64, told: bool, memory: &OutOfMemory) -> Ending {
    let code = i32::try_from(code).unwrap_or(i32::MAX);
    let signal = code.checked_sub(128).filter(|signal| (1..65).contains(signal));
    let out_of_memory = told || (signal == Some(9) && memory.struck());
    Ending { signal, code: Some(code).filter(|_| signal.is_none()), out_of_memory }
}

/// Listens until it is aborted; an engine that breaks off is asked for what it told meanwhile.
async fn listen(engine: Docker, mut filters: HashMap<String, Vec<String>>, told: Arc<Mutex<HashMap<String, ContainerNews>>>) {
    filters.insert("type".to_owned(), vec!["container".to_owned()]);
    let mut since: Option<i64> = None;
    loop {
        let mut options = EventsOptionsBuilder::new().filters(&filters);
        if let Some(since) = since {
            options = options.since(&since.to_string());
        }
        let mut events = engine.events(Some(options.build()));
        while let Some(Ok(event)) = events.next().await {
            since = event.time.or(since);
            take(&event, &mut told.lock().unwrap_or_else(PoisonError::into_inner));
        }
        tokio::time::sleep(AGAIN_AFTER).await;
    }
}

fn take(event: &EventMessage, told: &mut HashMap<String, ContainerNews>) {
    let attributes = event.actor.as_ref().and_then(|actor| actor.attributes.as_ref());
    let attribute = |name: &str| attributes.and_then(|attributes| attributes.get(name));
    let (Some(name), Some(action)) = (attribute("name"), event.action.as_deref()) else { return };
    let container = told.entry(name.clone()).or_default();
    match action {
        // A new process: of the one before it, nothing holds any more.
        "start" => *container = ContainerNews { again: container.died.is_some(), ..ContainerNews::default() },
        "die" => container.died = attribute("exitCode").and_then(|code| code.parse().ok()),
        "oom" => container.out_of_memory = true,
        "kill" => container.signalled = true,
        "pause" => container.paused = true,
        "unpause" => container.paused = false,
        "destroy" => container.removed = true,
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use bollard::models::EventActor;

    use super::*;

    fn event(action: &str, exit: Option<&str>) -> EventMessage {
        let mut attributes = HashMap::from([("name".to_owned(), "c".to_owned())]);
        attributes.extend(exit.map(|code| ("exitCode".to_owned(), code.to_owned())));
        let actor = EventActor { attributes: Some(attributes), ..EventActor::default() };
        EventMessage { action: Some(action.to_owned()), actor: Some(actor), ..EventMessage::default() }
    }

    #[test]
    fn what_the_engine_told_of_a_process_is_forgotten_when_another_one_starts() {
        let mut told = HashMap::new();
        for event in [event("kill", None), event("die", Some("137")), event("oom", None)] {
            take(&event, &mut told);
        }
        assert!(told["c"].signalled && told["c"].out_of_memory);
        assert_eq!(told["c"].died, Some(137));
        take(&event("start", None), &mut told);
        assert_eq!((told["c"].died, told["c"].signalled), (None, false));
        take(&event("pause", None), &mut told);
        assert!(told["c"].paused);
        take(&event("unpause", None), &mut told);
        assert!(!told["c"].paused);
    }

    #[test]
    fn an_exit_code_of_the_engine_is_a_signal_or_a_code() {
        let memory = OutOfMemory::default();
        assert_eq!(ending(139, false, &memory), Ending { signal: Some(11), code: None, out_of_memory: false });
        assert_eq!(ending(1, false, &memory), Ending { signal: None, code: Some(1), out_of_memory: false });
        assert!(ending(137, true, &memory).out_of_memory);
    }
}
