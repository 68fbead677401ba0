//! The connection to a Docker engine.

use std::time::Duration;

use bollard::Docker;

use crate::runtime::RuntimeError;

/// Longest wait for an answer to the first question.
const FIRST_ANSWER: Duration = Duration::from_secs(10);
/// Longest wait for an answer to any other; a loaded engine takes seconds to start a container.
const ANSWER: Duration = Duration::from_secs(60);

/// A Docker engine that answers.
#[derive(Debug, Clone)]
pub(crate) struct Engine {
    pub(crate) client: Docker,
    /// For example `20.10.24 (API 1.41)`.
    pub(crate) version: String,
    /// Whether it is reached by a socket of this machine.
    pub(crate) local: bool,
}

impl Engine {
    /// Finds the engine the way testcontainers does (`DOCKER_HOST`, the usual sockets), so that
    /// both speak to the same one, and agrees with it on a version of the API.
    pub(crate) async fn connect() -> Result<Self, RuntimeError> {
        let no_engine = |reason: String| {
            let way_out = if reason.contains("ermission denied") {
                "add this user to the group `docker`"
            } else {
                "start one (`systemctl start docker`), point DOCKER_HOST at one"
            };
            RuntimeError::Unavailable(format!("no Docker engine answers ({reason}); {way_out}, or use `--runtime process`"))
        };
        let attempt = async {
            let client = testcontainers::core::client::docker_client_instance().await.map_err(|error| no_engine(error.to_string()))?;
            let client = client.negotiate_version().await.map_err(|error| no_engine(cause(&error)))?;
            let version = client.version().await.map_err(|error| no_engine(cause(&error)))?;
            Ok((client, version))
        };
        let (mut client, version) = tokio::time::timeout(FIRST_ANSWER, attempt)
            .await
            .unwrap_or_else(|_| Err(no_engine(format!("no answer within {} s", FIRST_ANSWER.as_secs()))))?;
        client.set_timeout(ANSWER);
        let words = |text: Option<String>| text.unwrap_or_else(|| "unknown".to_owned());
        let local = is_socket(&std::env::var("DOCKER_HOST").unwrap_or_default());
        Ok(Self { client, version: format!("{} (API {})", words(version.version), words(version.api_version)), local })
    }
}

/// Whether a host as in `DOCKER_HOST` is a socket of this machine; without one it is one of the usual sockets.
fn is_socket(host: &str) -> bool {
    host.is_empty() || host.starts_with("unix://")
}

/// The innermost reason of an error; the outer layers only say that a request failed.
pub(crate) fn cause(error: &dyn std::error::Error) -> String {
    let mut deepest = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    deepest.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_socket_of_this_machine_is_local() {
        assert!(is_socket("") && is_socket("unix:///var/run/docker.sock"));
        for host in ["tcp://127.0.0.1:2375", "https://engine:2376", "http://10.0.0.1", "ssh://user@host"] {
            assert!(!is_socket(host), "{host}");
        }
    }
}
