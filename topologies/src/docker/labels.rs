//! The labels by which objects of this tool are found again, and the names they get.

use std::collections::HashMap;

use crate::runtime::Owner;

/// Run the object belongs to.
pub(super) const RUN: &str = "redquake.run";
/// Process that made it, see [`Owner`].
pub(super) const OWNER: &str = "redquake.owner";
/// Trial within the run.
pub(super) const TRIAL: &str = "redquake.trial";
/// Node of the trial.
pub(super) const NODE: &str = "redquake.node";
/// Node name of the place where clients live.
pub(super) const CLIENTS: &str = "clients";

/// Node name of the container that holds the nodes' disks.
pub(super) const DISKS: &str = "disks";

/// What every object of a lab is labelled with.
#[derive(Debug, Clone)]
pub(super) struct Labels {
    run: String,
    trial: u32,
    owner: Owner,
}

impl Labels {
    pub(super) fn new(run: &str, trial: u32) -> Self {
        Self { run: run.to_owned(), trial, owner: Owner::current() }
    }

    /// Labels of the lab's network.
    pub(super) fn of_network(&self) -> HashMap<String, String> {
        HashMap::from([
            (RUN.to_owned(), self.run.clone()),
            (OWNER.to_owned(), self.owner.to_string()),
            (TRIAL.to_owned(), self.trial.to_string()),
        ])
    }

    /// Labels of a node's container.
    pub(super) fn of_node(&self, node: &str) -> HashMap<String, String> {
        let mut labels = self.of_network();
        labels.insert(NODE.to_owned(), node.to_owned());
        labels
    }

    /// Label filters that match the objects of this lab and no others.
    pub(super) fn filter(&self) -> Filter {
        Filter::of_run(&self.run).and(TRIAL, &self.trial.to_string())
    }

    /// Name of the network; also the beginning of the containers' names.
    pub(super) fn name(&self) -> String {
        format!("redquake-{}-{}", self.run, self.trial)
    }
}

/// Labels of a container that only looks into an image; it belongs to no run.
pub(crate) fn probe_labels() -> HashMap<String, String> {
    HashMap::from([(OWNER.to_owned(), Owner::current().to_string()), (NODE.to_owned(), "image check".to_owned())])
}

/// A selection of objects by label, in the form the engine wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Filter(Vec<String>);

impl Filter {
    /// Every object this tool ever made.
    pub(super) fn ours() -> Self {
        Self(vec![OWNER.to_owned()])
    }

    /// Objects of one run.
    pub(super) fn of_run(run: &str) -> Self {
        Self(vec![OWNER.to_owned(), format!("{RUN}={run}")])
    }

    fn and(mut self, label: &str, value: &str) -> Self {
        self.0.push(format!("{label}={value}"));
        self
    }

    /// As a `filters` parameter.
    pub(super) fn parameter(&self) -> HashMap<String, Vec<String>> {
        HashMap::from([("label".to_owned(), self.0.clone())])
    }
}
