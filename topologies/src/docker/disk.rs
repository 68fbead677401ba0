//! Disks of the nodes' own that can be full: volumes in memory with a fixed size, held by a container of their own so that what is on
//! them outlives the servers.

use std::collections::HashMap;

use bollard::Docker;
use bollard::models::VolumeCreateRequest;

use super::exec;
use crate::runtime::RuntimeError;

/// Folder in a node's container where its disk is mounted.
pub(super) const MOUNTED: &str = "/redquake/data";
/// Takes up all the room there is left.
pub(super) const FILLER: &str = "redquake-filler";

/// Fills the folder it is in and makes sure that nothing more fits.
const FILL: &str = "cat /dev/zero >> redquake-filler 2>/dev/null; \
    if echo more > redquake-more; then rm -f redquake-more; exit 9; fi 2>/dev/null; rm -f redquake-more";
const FREE: &str = "rm -f redquake-filler";

/// Creates a volume of so many bytes.
pub(super) async fn create(engine: &Docker, name: &str, labels: HashMap<String, String>, bytes: u64) -> Result<(), RuntimeError> {
    let options = [("type", "tmpfs".to_owned()), ("device", "tmpfs".to_owned()), ("o", format!("size={bytes},mode=755"))];
    let request = VolumeCreateRequest {
        name: Some(name.to_owned()),
        driver: Some("local".to_owned()),
        driver_opts: Some(options.map(|(key, value)| (key.to_owned(), value)).into()),
        labels: Some(labels),
        ..VolumeCreateRequest::default()
    };
    let created = engine.create_volume(request).await;
    created.map(drop).map_err(|error| RuntimeError::failed(format!("creating the volume {name}"), error))
}

/// Fills the disk at a folder of the container that holds it, or gives the room back.
pub(super) async fn set(engine: &Docker, keeper: &str, folder: &str, full: bool) -> Result<(), RuntimeError> {
    let script = format!("cd {folder} || exit 8; {}", if full { FILL } else { FREE });
    let action = if full { "filling a disk" } else { "freeing a disk" };
    let failed = |reason: String| RuntimeError::failed(action, reason);
    let (code, said) = exec::run(engine, keeper, script).await.map_err(&failed)?;
    match code {
        Some(0) => Ok(()),
        Some(9) => Err(failed("there still is room".to_owned())),
        code => Err(failed(format!("the shell in {keeper} ended with {code:?}: {said}"))),
    }
}
