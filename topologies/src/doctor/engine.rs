//! The Docker engine and where server images come from.

use redquake_experiments::spec::ServerKind;

use super::Check;
use super::kernel::program;
use crate::docker::Engine;
use crate::images;

/// The release experiments use unless they say otherwise.
const DEFAULT_VERSION: &str = "7.0";

/// Checks the engine, the default server image and the tool that builds one; also says whether an engine answers.
pub(super) async fn checks() -> (Vec<Check>, bool) {
    let engine = match Engine::connect().await {
        Ok(engine) => engine,
        Err(error) => {
            let check = Check::warn("Docker engine", error.to_string(), "");
            return (vec![check, builder()], false);
        }
    };
    let name = format!("redis:{DEFAULT_VERSION} image");
    let image = match images::find(&engine.client, ServerKind::Redis, DEFAULT_VERSION).await {
        Ok(Some(found)) => Check::ok(&name, format!("{} ({})", found.name, found.identity)),
        Ok(None) => Check::ok(&name, "not here yet; the first run pulls it, or builds it from Debian packages"),
        Err(error) => Check::warn(&name, error.to_string(), "look at the engine's own log"),
    };
    (vec![Check::ok("Docker engine", format!("docker {}", engine.version)), image, builder()], true)
}

fn builder() -> Check {
    match program("mmdebstrap") {
        Some(path) => Check::ok("image builder", format!("{path}, for servers no registry has")),
        None => Check::warn(
            "image builder",
            "mmdebstrap is not installed; without it and without a registry no server image can be had",
            "apt-get install mmdebstrap",
        ),
    }
}
