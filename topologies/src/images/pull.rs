//! Pulling an image from its registry.

use std::time::Duration;

use bollard::errors::Error;
use testcontainers::core::client::ClientError;
use testcontainers::runners::AsyncRunner;
use testcontainers::{GenericImage, ImageExt, TestcontainersError};

/// Longest time a pull may take. A registry that refuses or cannot be found answers at once; this bounds one that stalls.
const LIMIT: Duration = Duration::from_secs(300);

/// Pulls an image with the credentials of `~/.docker/config.json`.
///
/// # Errors
/// The registry's reason, in words.
pub(super) async fn pull(name: &str) -> Result<(), String> {
    match tokio::time::timeout(LIMIT, image(name).with_startup_timeout(LIMIT).pull_image()).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(reason(&error)),
        Err(_) => Err(format!("not finished within {} s", LIMIT.as_secs())),
    }
}

/// What the engine said; the layers around it only repeat the image's name.
fn reason(error: &TestcontainersError) -> String {
    match error {
        TestcontainersError::Client(ClientError::PullImage { err: Error::DockerResponseServerError { message, .. }, .. }) => {
            message.clone()
        }
        other => crate::docker::cause(other),
    }
}

/// An image by its full name: what follows the last colon is the tag, unless that colon belongs to a registry's port.
pub(super) fn image(name: &str) -> GenericImage {
    match name.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => GenericImage::new(repository, tag),
        _ => GenericImage::new(name, "latest"),
    }
}

#[cfg(test)]
mod tests {
    use testcontainers::Image;

    use super::*;

    #[test]
    fn names_keep_their_tag_their_digest_and_the_port_of_their_registry() {
        for (name, parts) in [
            ("redis:7.0", ("redis", "7.0")),
            ("redis", ("redis", "latest")),
            ("registry:5000/redis", ("registry:5000/redis", "latest")),
            ("registry:5000/redis:7.0", ("registry:5000/redis", "7.0")),
            ("redis@sha256:abc", ("redis@sha256", "abc")),
        ] {
            let image = image(name);
            assert_eq!((image.name(), image.tag()), parts, "{name}");
        }
    }
}
