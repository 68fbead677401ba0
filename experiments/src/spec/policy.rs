//! What a file may ask of the machine, which is for whoever runs it to say and not for the file.

use serde::{Deserialize, Serialize};

use super::check::Finding;
use super::{Experiment, Server, Topology};

/// Whether those who wrote a file are trusted with this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Trust {
    /// As somebody who may run programs here.
    Trusted,
    /// As a stranger: no program and no image but the official ones.
    Untrusted,
}

/// What files may ask for.
pub struct Policy<'p> {
    /// Who wrote them.
    pub trust: Trust,
    /// What that decision rests on, in a few words.
    pub because: &'p str,
    /// The program a path in the file leads to, if the file may name it; else why not.
    pub program: &'p dyn Fn(&str) -> Result<String, String>,
}

impl Policy<'static> {
    /// Everything, and paths as they are written.
    pub fn trusting() -> Self {
        Self { trust: Trust::Trusted, because: "", program: &|path| Ok(path.to_owned()) }
    }
}

impl Policy<'_> {
    /// Adds what the experiment may not ask for, and puts the path that was looked at in place of the one that was written.
    pub(super) fn apply(&self, experiment: &mut Experiment, found: &mut Vec<Finding>) {
        let server = match &mut experiment.topology {
            Topology::Sentinel(topology) => &mut topology.server,
            Topology::Cluster(topology) => &mut topology.server,
        };
        let refused = |what: &str| {
            let finding = Finding::error("RQ0285", SERVER, format!("an untrusted file may not name {what}"));
            finding.label(self.because).help("use a version like `redis:7.0`, or `--trust trusted` if you know who wrote the file")
        };
        match (self.trust, &mut *server) {
            (_, Server::Release { .. }) | (Trust::Trusted, Server::Image(_)) => {}
            (Trust::Untrusted, Server::Image(_)) => found.push(refused("an image of its own")),
            (Trust::Untrusted, Server::Binary(_)) => found.push(refused("a program")),
            (Trust::Trusted, Server::Binary(path)) => match (self.program)(path) {
                Ok(resolved) => *path = resolved,
                Err(why) => {
                    let finding = Finding::error("RQ0284", SERVER, format!("the server `{path}` cannot be used: {why}"));
                    found.push(finding.help("name one in the experiment's folder, or allow its folder with `--allow-path DIR`"));
                }
            },
        }
    }
}

const SERVER: &str = "topology.server";
