//! Looking into an image by starting it: which server it has, and that the server runs.

use std::time::Duration;

use testcontainers::core::WaitFor;
use testcontainers::core::wait::ExitWaitStrategy;
use testcontainers::runners::AsyncRunner;
use testcontainers::{ContainerAsync, GenericImage, ImageExt};

use super::pull::image;
use crate::docker::probe_labels;
use crate::runtime::RuntimeError;

/// Longest time a server may take to print its version.
const LIMIT: Duration = Duration::from_secs(30);

/// Prints the server's path, then its version.
const QUESTION: &str = "server=$(command -v valkey-server || command -v redis-server) && echo \"$server\" && exec \"$server\" --version";

/// The server binary of an image, proved by running it.
///
/// # Errors
/// When the image has none, or it does not run.
pub(super) async fn server_in(name: &str) -> Result<String, RuntimeError> {
    let useless = |reason: String| {
        RuntimeError::Server(format!(
            "the image {name} has no Redis or Valkey server that runs ({reason}); it needs /bin/sh, `sleep`, and redis-server or valkey-server on its PATH"
        ))
    };
    let container = image(name)
        .with_entrypoint("/bin/sh")
        .with_wait_for(WaitFor::exit(ExitWaitStrategy::new()))
        .with_cmd(["-c", QUESTION])
        .with_network("none")
        .with_labels(probe_labels())
        .with_startup_timeout(LIMIT)
        .start()
        .await
        .map_err(|error| useless(crate::docker::cause(&error)))?;
    let said = said(&container).await;
    // Removed here and not when dropped: dropping outside a runtime panics.
    let removed = container.rm().await;
    let (out, err) = said.map_err(useless)?;
    removed.map_err(|error| RuntimeError::failed(format!("removing the container that looked into {name}"), error))?;
    match out.lines().collect::<Vec<_>>().as_slice() {
        [binary, version] if version.contains("v=") => Ok((*binary).to_owned()),
        _ => Err(useless(format!("it said `{}`", format!("{out} {err}").trim()))),
    }
}

async fn said(container: &ContainerAsync<GenericImage>) -> Result<(String, String), String> {
    let out = container.stdout_to_vec().await.map_err(|error| error.to_string())?;
    let err = container.stderr_to_vec().await.map_err(|error| error.to_string())?;
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Ok((text(out), text(err)))
}
