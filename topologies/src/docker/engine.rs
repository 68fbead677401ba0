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
}

impl Engine {
    /// Finds the engine the way testcontainers does (`DOCKER_HOST`, `~/.testcontainers.properties`, the usual sockets), so that
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
        Ok(Self { client, version: format!("{} (API {})", words(version.version), words(version.api_version)) })
    }
}

/// The innermost reason of an error; the outer layers only say that a request failed.
pub(crate) fn cause(error: &dyn std::error::Error) -> String {
    let mut deepest = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    deepest.to_string()
}
