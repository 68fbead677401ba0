//! A small trial told event by event: nothing happens in it but what a test says.

use redquake_experiments::plan::{self, Capabilities, DelayPath, RuntimeKind};
use redquake_experiments::spec;

use crate::analysis::analyze_events;
use crate::history::{End, Event, FORMAT_VERSION, Header, Node, Phase, PhaseName};
use crate::result::Trial;

/// The header of a trial of an experiment, of which everything after its name is given as the file writes it.
///
/// # Panics
/// When that is no experiment.
pub fn header(rest: &str) -> Header {
    let text = format!("version: 1\nname: forged\n{rest}");
    let loaded = spec::load("forged.yaml", text.as_bytes(), &|_| Err("nothing is read".to_owned()));
    let problems = loaded.render_human(false);
    let experiment = loaded.experiment.unwrap_or_else(|| panic!("{problems}"));
    let able = Capabilities {
        runtime: RuntimeKind::Process,
        enter_namespaces: Ok(()),
        drop_packets: Ok(()),
        lose_packets: Ok(()),
        delay_packets: Ok(DelayPath::Queue),
        limit_bandwidth: Ok(()),
    };
    let plan = plan::plan(&experiment, 1, Some(1), &able).expect("nothing is refused");
    Header { format: FORMAT_VERSION, tool: "test".to_owned(), plan, trial: 1, seed: 1, began: String::new(), probe_every: 1_000_000 }
}

/// A trial in the making. Events may be told in any order; of those of one instant the one told first comes first.
#[derive(Debug, Clone)]
pub struct Story {
    header: Header,
    events: Vec<(u64, Event)>,
}

impl Story {
    /// All nodes of the plan are up, and the measured time is from one instant to another.
    pub fn new(header: Header, [zero, end]: [u64; 2]) -> Self {
        let node = |(name, number): (&plan::NodePlan, usize)| Node {
            at: 0,
            name: name.name.clone(),
            role: name.role,
            address: format!("10.0.0.{number}:6379"),
            run_id: String::new(),
            version: String::new(),
        };
        let mut events: Vec<(u64, Event)> = header.plan.nodes.iter().zip(1..).map(|each| (0, Event::Node(node(each)))).collect();
        for (at, name) in [(zero, PhaseName::Baseline), (end, PhaseName::Recovery), (end, PhaseName::Stop)] {
            events.push((at, Event::Phase(Phase { at, name })));
        }
        Self { header, events }
    }

    /// The nodes that come up.
    pub fn nodes(&self) -> Vec<Event> {
        self.events.iter().map(|(_, event)| event).filter(|event| matches!(event, Event::Node(_))).cloned().collect()
    }

    /// Something that was seen at an instant.
    pub fn tell(&mut self, at: u64, event: Event) {
        self.events.push((at, event));
    }

    /// What it meant.
    pub fn analysed(mut self) -> Trial {
        self.events.sort_by_key(|(at, _)| *at);
        let last = self.events.last().map_or(0, |(at, _)| *at);
        let end = Event::End(End { at: last, ..End::default() });
        analyze_events(&self.header, self.events.iter().map(|(_, event)| event).chain([&end]))
    }
}
