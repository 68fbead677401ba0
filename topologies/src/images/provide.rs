//! The order in which server software is looked for: here, then pulled, then built.

use bollard::Docker;
use bollard::errors::Error;
use redquake_experiments::spec::{Server, ServerKind};
use tokio::sync::Mutex;

use super::recipe::{Recipe, recipes, word};
use super::turn::Turn;
use super::{build, probe, pull};
use crate::runtime::{Announce, RuntimeError, ServerSource};

/// Held while an image is pulled or built.
pub(super) static MAKING: Mutex<()> = Mutex::const_new(());

/// An image that is here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    /// Name it was found by.
    pub(crate) name: String,
    /// Digest of its registry, else its id; shortened.
    pub(crate) identity: String,
}

/// Makes sure the server software is here.
pub(crate) async fn provide(engine: &Docker, server: &Server, announce: &Announce) -> Result<ServerSource, RuntimeError> {
    match server {
        Server::Release { kind, version } => release(engine, *kind, version, announce).await,
        Server::Image(name) => image(engine, name, announce).await,
        Server::Binary(path) => Err(RuntimeError::Server(format!(
            "{path} is a binary of this machine and does not run in a container; use `--runtime process`, or name an image that contains it"
        ))),
    }
}

/// The image of a release if it is here already: the official one, or one built before.
pub(crate) async fn find(engine: &Docker, kind: ServerKind, version: &str) -> Result<Option<Found>, RuntimeError> {
    let built = Recipe::of(kind, version).map(|recipe| format!("{}:{}", recipe.repository(), recipe.tag()));
    for name in [Some(official(kind, version)), built].into_iter().flatten() {
        if let Some(found) = inspect(engine, &name).await? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

async fn release(engine: &Docker, kind: ServerKind, version: &str, announce: &Announce) -> Result<ServerSource, RuntimeError> {
    let binary = format!("{}-server", word(kind));
    if let Some(found) = find(engine, kind, version).await? {
        return Ok(source(found, binary, "already here"));
    }
    // One at a time: whoever waited finds what the one before has made.
    let _turn = MAKING.lock().await;
    let official = official(kind, version);
    let _only = Turn::wait(&official, announce).await;
    if let Some(found) = find(engine, kind, version).await? {
        return Ok(source(found, binary, "already here"));
    }
    announce(&format!("pulling {official}"));
    let refused = match pull::pull(&official).await {
        Ok(()) => {
            let found = inspect(engine, &official).await?.ok_or_else(|| missing(&official))?;
            return Ok(source(found, binary, "pulled"));
        }
        Err(reason) => reason,
    };
    let Some(recipe) = Recipe::of(kind, version) else {
        return Err(RuntimeError::Server(format!(
            "{official} is not here and could not be pulled ({refused}); without a registry these can be built from Debian packages: {}",
            offers()
        )));
    };
    announce(&format!(
        "{official} could not be pulled ({refused}); building {} {version} from Debian {} packages",
        word(kind),
        recipe.suite
    ));
    build::build(engine, &recipe.tree()).await?;
    let name = format!("{}:{}", recipe.repository(), recipe.tag());
    let found = inspect(engine, &name).await?.ok_or_else(|| missing(&name))?;
    let way = format!("built from Debian {} packages", recipe.suite);
    probe::server_in(engine, &name).await?;
    Ok(source(found, binary, &way))
}

async fn image(engine: &Docker, name: &str, announce: &Announce) -> Result<ServerSource, RuntimeError> {
    let (found, way) = match inspect(engine, name).await? {
        Some(found) => (found, "already here"),
        None => {
            announce(&format!("pulling {name}"));
            pull::pull(name).await.map_err(|reason| {
                RuntimeError::Server(format!(
                    "the image {name} is not here and could not be pulled ({reason}); check its name with `docker images`"
                ))
            })?;
            (inspect(engine, name).await?.ok_or_else(|| missing(name))?, "pulled")
        }
    };
    let binary = probe::server_in(engine, name).await?;
    Ok(source(found, binary, way))
}

pub(super) fn source(found: Found, binary: String, way: &str) -> ServerSource {
    ServerSource { description: format!("{} ({}), {way}", found.name, found.identity), reference: found.name, binary }
}

fn official(kind: ServerKind, version: &str) -> String {
    match kind {
        ServerKind::Redis => format!("redis:{version}"),
        ServerKind::Valkey => format!("valkey/valkey:{version}"),
    }
}

pub(super) fn missing(name: &str) -> RuntimeError {
    RuntimeError::Server(format!("the image {name} was made but the engine does not list it; look at the engine's own log"))
}

fn offers() -> String {
    recipes().iter().map(|recipe| format!("{}:{}", word(recipe.kind), recipe.version)).collect::<Vec<_>>().join(", ")
}

pub(super) async fn inspect(engine: &Docker, name: &str) -> Result<Option<Found>, RuntimeError> {
    match engine.inspect_image(name).await {
        Ok(details) => {
            let digest = details.repo_digests.into_iter().flatten().next();
            let identity = digest.as_deref().and_then(|digest| digest.split_once('@')).map(|(_, digest)| digest.to_owned());
            let identity = identity.or(details.id).unwrap_or_default();
            Ok(Some(Found { name: name.to_owned(), identity: identity.chars().take("sha256:".len() + 12).collect() }))
        }
        Err(Error::DockerResponseServerError { status_code: 404, .. }) => Ok(None),
        Err(error) => Err(RuntimeError::failed(format!("looking for the image {name}"), error)),
    }
}
