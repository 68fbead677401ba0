//! The images that the tool built on an engine. What it pulled belongs to whoever else uses the engine as well.

use bollard::Docker;
use bollard::query_parameters::{ListImagesOptions, RemoveImageOptions};

use super::recipe::repositories;
use crate::runtime::RuntimeError;

/// An image that was built from packages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Built {
    /// Its name.
    pub name: String,
    /// Its size in bytes.
    pub size: u64,
}

/// Those that are there, by name.
pub(crate) async fn built(engine: &Docker) -> Result<Vec<Built>, RuntimeError> {
    let images = engine.list_images(None::<ListImagesOptions>).await.map_err(|error| RuntimeError::failed("listing images", error))?;
    let ours = |name: &str| name.rsplit_once(':').is_some_and(|(repository, _)| repositories().iter().any(|own| own == repository));
    let named = images.into_iter().flat_map(|image| {
        let size = u64::try_from(image.size).unwrap_or_default();
        image.repo_tags.into_iter().filter(|name| ours(name)).map(move |name| Built { name, size }).collect::<Vec<_>>()
    });
    let mut found: Vec<Built> = named.collect();
    found.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(found)
}

/// Removes one. It is refused while a container uses it.
pub(crate) async fn remove(engine: &Docker, image: &Built) -> Result<(), RuntimeError> {
    let removed = engine.remove_image(&image.name, None::<RemoveImageOptions>, None).await;
    removed.map(|_| ()).map_err(|error| RuntimeError::failed(format!("removing the image {}", image.name), error))
}
