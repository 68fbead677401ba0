//! PostgreSQL for containers, looked for in the same order as the servers: here, pulled, built.

use bollard::Docker;

use super::provide::{Found, MAKING, inspect, missing, source};
use super::{build, pull, recipe};
use crate::runtime::{Announce, RuntimeError, ServerSource};

/// Makes sure an image of that major version is here.
pub(crate) async fn provide_postgres(engine: &Docker, version: &str, announce: &Announce) -> Result<ServerSource, RuntimeError> {
    let official = format!("postgres:{version}");
    let tree = recipe::postgres(version);
    let built = tree.as_ref().map(|tree| format!("{}:{}", tree.repository, tree.tag));
    // One at a time: whoever waited finds what the one before has made.
    let _turn = MAKING.lock().await;
    for name in std::iter::once(&official).chain(&built) {
        if let Some(found) = inspect(engine, name).await? {
            return Ok(programs(found, name == &official, version, "already here"));
        }
    }
    announce(&format!("pulling {official}"));
    let refused = match pull::pull(&official).await {
        Ok(()) => {
            let found = inspect(engine, &official).await?.ok_or_else(|| missing(&official))?;
            return Ok(programs(found, true, version, "pulled"));
        }
        Err(reason) => reason,
    };
    let (Some(tree), Some(built)) = (tree, built) else {
        return Err(RuntimeError::Server(format!(
            "{official} is not here and could not be pulled ({refused}); without a registry these can be built from Debian packages: {}",
            recipe::postgres_versions()
        )));
    };
    announce(&format!("{official} could not be pulled ({refused}); building {} from Debian {} packages", tree.what, tree.suite));
    build::build(engine, &tree).await?;
    let found = inspect(engine, &built).await?.ok_or_else(|| missing(&built))?;
    Ok(programs(found, false, version, &format!("built from Debian {} packages", tree.suite)))
}

/// The official image has the programs on its `PATH`.
fn programs(found: Found, official: bool, version: &str, way: &str) -> ServerSource {
    let binary = if official { "postgres".to_owned() } else { format!("/usr/lib/postgresql/{version}/bin/postgres") };
    source(found, binary, way)
}
