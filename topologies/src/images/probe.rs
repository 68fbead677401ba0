//! Looking into an image by starting it: which server it has, and that the server runs.

use std::time::Duration;

use bollard::Docker;
use bollard::models::{ContainerCreateBody, HostConfig};
use bollard::query_parameters::{
    CreateContainerOptionsBuilder, LogsOptionsBuilder, RemoveContainerOptionsBuilder, StartContainerOptions, WaitContainerOptions,
};
use futures_util::StreamExt;

use crate::docker::{self, probe_labels};
use crate::runtime::RuntimeError;

/// Longest time a server may take to print its version.
const LIMIT: Duration = Duration::from_secs(30);
/// Most that is read of what it says.
const LONGEST: usize = 64 << 10;

/// Prints the server's path, then its version.
const QUESTION: &str = "server=$(command -v valkey-server || command -v redis-server) && echo \"$server\" && exec \"$server\" --version";

/// The server binary of an image, proved by running it.
///
/// # Errors
/// When the image has none, or it does not run. The container is removed in every case; where it cannot be, the error says so.
pub(super) async fn server_in(engine: &Docker, name: &str) -> Result<String, RuntimeError> {
    let useless = |reason: String| {
        RuntimeError::Server(format!(
            "the image {name} has no Redis or Valkey server that runs ({reason}); it needs /bin/sh, `sleep`, and redis-server or valkey-server on its PATH"
        ))
    };
    let container = format!("redquake-image-check-{}", uuid::Uuid::new_v4());
    let options = CreateContainerOptionsBuilder::new().name(&container).build();
    let created = engine.create_container(Some(options), body(name)).await;
    created.map_err(|error| useless(docker::cause(&error)))?;
    let said = tokio::time::timeout(LIMIT, said(engine, &container)).await;
    let said = said.unwrap_or_else(|_| Err(format!("it did not end within {} s", LIMIT.as_secs())));
    // Whatever was said: one that could not even be started is there all the same.
    let options = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
    engine.remove_container(&container, Some(options)).await.map_err(|error| {
        RuntimeError::failed(format!("removing the container {container} that looked into {name} (`redquake clean` does)"), error)
    })?;
    let said = said.map_err(useless)?;
    match said.lines().collect::<Vec<_>>().as_slice() {
        [binary, version] if version.contains("v=") => Ok((*binary).to_owned()),
        _ => Err(useless(format!("it said `{}`", said.trim()))),
    }
}

/// A container that sees no network, may write nothing, and has no rights.
fn body(image: &str) -> ContainerCreateBody {
    ContainerCreateBody {
        image: Some(image.to_owned()),
        entrypoint: Some(vec!["/bin/sh".to_owned(), "-c".to_owned()]),
        cmd: Some(vec![QUESTION.to_owned()]),
        labels: Some(probe_labels()),
        host_config: Some(HostConfig { network_mode: Some("none".to_owned()), readonly_rootfs: Some(true), ..docker::confined(1, &[]) }),
        ..ContainerCreateBody::default()
    }
}

async fn said(engine: &Docker, container: &str) -> Result<String, String> {
    let words = |error: bollard::errors::Error| docker::cause(&error);
    engine.start_container(container, None::<StartContainerOptions>).await.map_err(words)?;
    let mut waiting = engine.wait_container(container, None::<WaitContainerOptions>);
    // An exit code other than 0 comes as an error: what was said tells more.
    while let Some(Ok(_)) = waiting.next().await {}
    let options = LogsOptionsBuilder::new().stdout(true).stderr(true).build();
    let mut lines = engine.logs(container, Some(options));
    let mut text = String::new();
    while let Some(line) = lines.next().await {
        text.push_str(&line.map_err(words)?.to_string());
        if text.len() > LONGEST {
            return Err(format!("it said more than {LONGEST} bytes"));
        }
    }
    Ok(text)
}
