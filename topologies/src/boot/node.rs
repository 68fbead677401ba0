//! A node that answers.

use redquake_experiments::spec::Role;

use super::info::Info;
use super::look::Infos;
use crate::runtime::{LabNode, NodeAddress};

/// A node that answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BootedNode {
    /// Name.
    pub name: String,
    /// The role it started with.
    pub role: Role,
    /// Address.
    pub address: NodeAddress,
    /// `run_id` of INFO.
    pub run_id: String,
    /// Server and version, for example `redis 7.0.15`.
    pub version: String,
}

impl BootedNode {
    /// The nodes of a lab, with what each said of itself.
    pub(crate) fn of_all(nodes: &[LabNode], infos: &Infos) -> Vec<Self> {
        let nothing = Info::default();
        let booted = |node: &LabNode| {
            let info = infos.iter().find(|(name, _)| *name == node.name).map_or(&nothing, |(_, info)| info);
            Self {
                name: node.name.clone(),
                role: node.role,
                address: node.address,
                run_id: info.get("run_id").to_owned(),
                version: info.version(),
            }
        };
        nodes.iter().map(booted).collect()
    }
}
