//! Containers that wait at a gate: created and started early and in parallel, they run their server only once its
//! configuration is in place.

use std::collections::HashMap;
use std::net::Ipv4Addr;

use bollard::Docker;
use bollard::models::{
    ContainerCreateBody, EndpointIpamConfig, EndpointSettings, HostConfig, HostConfigLogConfig, Mount, MountType, MountVolumeOptions,
    NetworkingConfig, ResourcesUlimits,
};
use bollard::query_parameters::{CreateContainerOptionsBuilder, InspectContainerOptions, StartContainerOptions};

use super::process::Process;
use crate::runtime::RuntimeError;
use crate::sandbox::share;

/// Folder with a node's files and its server's working directory.
pub(super) const FOLDER: &str = "/redquake";
/// File whose appearance opens the gate; written last.
pub(super) const GO: &str = "go";
/// Script that replaces the shell by the server.
pub(super) const START: &str = "start";

/// Waits for the gate with what every image has. The shell is replaced, so that the container's first process is the server.
/// What it says first tells whether the beginning of its log is still there.
const GATE: &str = "echo '[redquake: the log of a server begins here]'; until [ -f /redquake/go ]; do sleep 0.01; done; . /redquake/start";
/// The line that a container of a server says before its server says anything.
pub(super) const BEGINNING: &str = "[redquake: the log of a server begins here]\n";
/// A place that only lends its network namespace.
const PLACE: &str = "exec tail -f /dev/null";

/// Processes and threads of a container.
const PROCESSES: i64 = 1024;
/// Size of the `/tmp` of a server.
const TEMPORARY: &str = "64m";
/// Largest file of a container's log; the engine keeps this one and the one before it.
const LOG_FILE: &str = "4m";

/// What a container is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// It lends its network namespace or holds disks, and writes nothing.
    Place,
    /// A server of Redis or Valkey, which writes to its own folder and to `/tmp` only.
    Server,
    /// A database, which makes its own user first.
    Database,
}

impl Purpose {
    /// Capabilities it needs before its server runs.
    fn capabilities(self) -> &'static [&'static str] {
        match self {
            Self::Place | Self::Server => &[],
            // To become the user whom PostgreSQL runs as; then they are gone.
            Self::Database => &["CHOWN", "SETUID", "SETGID"],
        }
    }
}

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
    /// What it is for.
    pub(super) purpose: Purpose,
    /// How many servers share the machine with it.
    pub(super) servers: usize,
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
            cmd: Some(vec![if self.purpose == Purpose::Place { PLACE } else { GATE }.to_owned()]),
            labels: Some(self.labels.clone()),
            host_config: Some(HostConfig {
                network_mode: Some(self.network.clone()),
                binds: (!self.volumes.is_empty()).then(|| self.volumes.clone()),
                mounts: (self.purpose != Purpose::Place).then(|| vec![self.folder()]),
                readonly_rootfs: Some(self.purpose != Purpose::Database),
                tmpfs: (self.purpose == Purpose::Server).then(|| HashMap::from([("/tmp".to_owned(), format!("size={TEMPORARY}"))])),
                ..confined(self.servers, self.purpose.capabilities())
            }),
            // One on no network has no place on it.
            networking_config: (!self.address.is_unspecified())
                .then(|| NetworkingConfig { endpoints_config: Some(HashMap::from([(self.network.clone(), endpoint)])) }),
            ..ContainerCreateBody::default()
        }
    }

    /// A volume without a name, which ends with its container.
    fn folder(&self) -> Mount {
        Mount {
            target: Some(FOLDER.to_owned()),
            typ: Some(MountType::VOLUME),
            volume_options: Some(MountVolumeOptions { labels: Some(self.labels.clone()), ..MountVolumeOptions::default() }),
            ..Mount::default()
        }
    }

    /// Creates the container without starting it.
    pub(super) async fn create(&self, engine: &Docker) -> Result<(), RuntimeError> {
        let options = CreateContainerOptionsBuilder::new().name(&self.name).build();
        let created = engine.create_container(Some(options), self.body()).await;
        created.map(drop).map_err(|error| RuntimeError::failed(format!("creating the container {}", self.name), error))
    }
}

/// What every container of this tool is confined to: no capabilities but those named, none to be had, and bounds on processes, memory, files
/// and logs. What a fault needs is done from outside.
pub(crate) fn confined(servers: usize, capabilities: &[&str]) -> HostConfig {
    // Memory and what is written to memory are both counted.
    let (memory, file) = (signed(share(servers) * 2), signed(share(servers)));
    let limit = |name: &str, value| ResourcesUlimits { name: Some(name.to_owned()), soft: Some(value), hard: Some(value) };
    HostConfig {
        cap_drop: Some(vec!["ALL".to_owned()]),
        cap_add: (!capabilities.is_empty()).then(|| capabilities.iter().map(|&name| name.to_owned()).collect()),
        security_opt: Some(vec!["no-new-privileges".to_owned()]),
        pids_limit: Some(PROCESSES),
        memory: Some(memory),
        memory_swap: Some(memory),
        ulimits: Some(vec![limit("core", 0), limit("fsize", file)]),
        // Whatever the engine's default driver is, logs must be readable through its API; and they must end somewhere.
        log_config: Some(HostConfigLogConfig {
            typ: Some("json-file".to_owned()),
            config: Some(HashMap::from([("max-size".to_owned(), LOG_FILE.to_owned()), ("max-file".to_owned(), "2".to_owned())])),
        }),
        ..HostConfig::default()
    }
}

fn signed(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
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
