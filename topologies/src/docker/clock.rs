//! Wall clocks that can be set: libfaketime put into the container, with a control file.

use std::fs;
use std::io;
use std::sync::Arc;

use bollard::query_parameters::UploadToContainerOptionsBuilder;
use bollard::{Docker, body_full};

use super::container::FOLDER;
use super::exec;
use crate::process::{LIBRARIES, control, environment, provide_clock};
use crate::runtime::RuntimeError;

/// Folder of libraries and control file within a node's folder.
pub(super) const CLOCK: &str = "clock";

/// Looks for the library in the container's first process, which may still be about to become the server.
const LOADED: &str = "n=0; while [ $n -lt 500 ]; do while read -r line; do case \"$line\" in *libfaketime*) exit 0;; esac; done < /proc/1/maps; \
    n=$((n+1)); sleep 0.01; done; exit 9";

/// Lines of the start script that put the library before the server.
pub(super) fn exports() -> String {
    let folder = format!("{FOLDER}/{CLOCK}");
    environment(&folder, &format!("{folder}/offset")).map(|(name, value)| format!("export {name}={value}\n")).concat()
}

/// Puts libraries and control file into a container, running or not.
pub(super) async fn put(engine: &Docker, container: &str, offset: i64) -> Result<(), RuntimeError> {
    let failed = |error: &dyn std::fmt::Display| RuntimeError::failed(format!("putting libfaketime into {container}"), error);
    let archive = tokio::task::spawn_blocking(move || {
        let libraries = provide_clock(&(Arc::new(|_: &str| ()) as crate::runtime::Announce))?;
        archive(&libraries, offset).map_err(|error| RuntimeError::failed("reading libfaketime", error))
    });
    let archive = archive.await.map_err(|error| failed(&error))??;
    let options = UploadToContainerOptionsBuilder::new().path(FOLDER).build();
    engine.upload_to_container(container, Some(options), body_full(archive.into())).await.map_err(|error| failed(&error))
}

fn archive(libraries: &std::path::Path, offset: i64) -> io::Result<Vec<u8>> {
    let mut builder = tar::Builder::new(Vec::new());
    let mut files = vec![("offset", control(offset).into_bytes())];
    for library in LIBRARIES {
        files.push((library, fs::read(libraries.join(library))?));
    }
    for (name, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o644);
        header.set_size(content.len() as u64);
        builder.append_data(&mut header, format!("{CLOCK}/{name}"), content.as_slice())?;
    }
    builder.into_inner()
}

/// Makes sure that a server that was started loaded the library.
pub(super) async fn prove(engine: &Docker, container: &str, node: &str) -> Result<(), RuntimeError> {
    let refused = |reason: String| {
        RuntimeError::Server(format!(
            "the clock of {node} cannot be set: {reason}; use an image whose server is linked dynamically against glibc, such as one made from Debian's packages"
        ))
    };
    match exec::run(engine, container, LOADED.to_owned()).await {
        Ok((Some(0), _)) => Ok(()),
        Ok(_) => Err(refused("its server did not load libfaketime".to_owned())),
        Err(reason) => Err(refused(format!("its server ended at once ({reason})"))),
    }
}

/// Sets the clock of a running server.
pub(super) async fn set(engine: &Docker, container: &str, offset: i64) -> Result<(), RuntimeError> {
    let failed = |reason: String| RuntimeError::failed("setting a clock", reason);
    // Renamed, so that the server never reads half of it.
    let script = format!("cd {FOLDER}/{CLOCK} && echo '{}' > aside && mv aside offset", control(offset).trim());
    match exec::run(engine, container, script).await.map_err(&failed)? {
        (Some(0), _) => Ok(()),
        (code, said) => Err(failed(format!("the shell ended with {code:?}: {said}"))),
    }
}
