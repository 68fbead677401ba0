//! Containers that wait at a gate: created and started early and in parallel, they run their server only once its
//! configuration is in place.

use std::collections::HashMap;
use std::net::Ipv4Addr;

use bollard::Docker;
use bollard::models::{ContainerCreateBody, EndpointIpamConfig, EndpointSettings, HostConfig, HostConfigLogConfig, NetworkingConfig};
use bollard::query_parameters::{CreateContainerOptionsBuilder, InspectContainerOptions, StartContainerOptions};

use super::process::Process;
use crate::runtime::RuntimeError;

/// Folder with a node's files and its server's working directory.
pub(super) const FOLDER: &str = "/redquake";
/// File whose appearance opens the gate; written last.
pub(super) const GO: &str = "go";
/// Script that replaces the shell by the server.
pub(super) const START: &str = "start";

/// Waits for the gate with what every image has. The shell is replaced, so that the container's first process is the server.
const GATE: &str = "until [ -f /redquake/go ]; do sleep 0.01; done; . /redquake/start";
/// A place that only lends its network namespace.
const PLACE: &str = "exec tail -f /dev/null";

/// What a container is made from.
#[derive(Debug, Clone)]
pub(super) struct Blueprint {
    /// Name, unique on the engine.
    pub(super) name: String,
    /// Image.
    pub(super) image: String,
    /// Labels.
    pub(super) labels: HashMap<String, String>,
    /// Network it joins.
    pub(super) network: String,
    /// Address it has from birth.
    pub(super) address: Ipv4Addr,
    /// Whether a server will run in it.
    pub(super) server: bool,
    /// Volumes it has, as `<name>:<folder>`.
    pub(super) volumes: Vec<String>,
}

impl Blueprint {
    fn body(&self) -> ContainerCreateBody {
        let address = EndpointIpamConfig { ipv4_address: Some(self.address.to_string()), ..EndpointIpamConfig::default() };
        let endpoint = EndpointSettings { ipam_config: Some(address), ..EndpointSettings::default() };
        ContainerCreateBody {
            image: Some(self.image.clone()),
            // Root whatever the image says: the server must be able to write its folder, and the namespaces are the container's own.
            user: Some("0".to_owned()),
            entrypoint: Some(vec!["/bin/sh".to_owned(), "-c".to_owned()]),
            cmd: Some(vec![if self.server { GATE } else { PLACE }.to_owned()]),
            labels: Some(self.labels.clone()),
            host_config: Some(HostConfig {
                network_mode: Some(self.network.clone()),
                // Whatever the engine's default driver is, logs must be readable through its API.
                log_config: Some(HostConfigLogConfig { typ: Some("json-file".to_owned()), config: None }),
                binds: (!self.volumes.is_empty()).then(|| self.volumes.clone()),
                ..HostConfig::default()
            }),
            // One on no network has no place on it.
            networking_config: (!self.address.is_unspecified())
                .then(|| NetworkingConfig { endpoints_config: Some(HashMap::from([(self.network.clone(), endpoint)])) }),
            ..ContainerCreateBody::default()
        }
    }

    /// Creates the container without starting it.
    pub(super) async fn create(&self, engine: &Docker) -> Result<(), RuntimeError> {
        let options = CreateContainerOptionsBuilder::new().name(&self.name).build();
        let created = engine.create_container(Some(options), self.body()).await;
        created.map(drop).map_err(|error| RuntimeError::failed(format!("creating the container {}", self.name), error))
    }
}

/// Starts a container that exists and looks up its first process.
pub(super) async fn start(engine: &Docker, name: &str) -> Result<Process, RuntimeError> {
    engine
        .start_container(name, None::<StartContainerOptions>)
        .await
        .map_err(|error| RuntimeError::failed(format!("starting the container {name}"), error))?;
    let details = engine
        .inspect_container(name, None::<InspectContainerOptions>)
        .await
        .map_err(|error| RuntimeError::failed(format!("inspecting the container {name}"), error))?;
    let pid = details.state.and_then(|state| state.pid).and_then(|pid| u32::try_from(pid).ok()).filter(|pid| *pid > 0);
    let pid = pid.ok_or_else(|| RuntimeError::failed(format!("starting the container {name}"), "it ended at once"))?;
    Ok(Process::new(pid, details.id.as_deref().unwrap_or_default()))
}
