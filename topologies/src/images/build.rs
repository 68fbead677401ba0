//! Making an image from distribution packages, without a registry and without running anything of it.

use std::fs;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use bollard::query_parameters::CreateImageOptionsBuilder;
use bollard::{Docker, body_try_stream};
use futures_util::{StreamExt, stream};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::AsyncReadExt;
use tokio::process::{Child, Command};
use tokio_util::io::ReaderStream;

use super::recipe::Tree;
use crate::runtime::RuntimeError;

/// Longest time a build may take; it fetches 10 to 70 MB of packages.
const LIMIT: Duration = Duration::from_secs(300);
/// How much of the tool's own words goes into an error.
const TAIL: usize = 600;

/// Builds the image of a tree: `mmdebstrap` writes a root tree, which goes straight into the engine's import.
pub(super) async fn build(engine: &Docker, tree: &Tree) -> Result<(), RuntimeError> {
    let failed = |reason: String| {
        RuntimeError::Server(format!(
            "building {} from Debian {} packages failed ({reason}); check that a Debian mirror can be reached, or name an image with `server: {{image: ...}}`",
            tree.what, tree.suite
        ))
    };
    let work = tokio::time::timeout(LIMIT, import(engine, tree));
    work.await.unwrap_or_else(|_| Err(failed(format!("not finished within {} s", LIMIT.as_secs())))).map_err(|error| match error {
        RuntimeError::Failed { reason, .. } => failed(reason),
        other => other,
    })
}

async fn import(engine: &Docker, tree: &Tree) -> Result<(), RuntimeError> {
    let mut builder = Builder::start(tree)?;
    let (Some(written), Some(mut words)) = (builder.child.stdout.take(), builder.child.stderr.take()) else {
        return Err(RuntimeError::failed("building", "mmdebstrap has no output"));
    };
    let words = tokio::spawn(async move {
        let mut text = Vec::new();
        // What could be read of its words is good enough for an error.
        let _ = words.read_to_end(&mut text).await;
        String::from_utf8_lossy(&text).trim().to_owned()
    });
    // The tree only counts when its maker ended well: an error at its end makes the engine refuse the import.
    let (verdict, ended) = tokio::sync::oneshot::channel::<bool>();
    let end = stream::once(async move {
        match ended.await {
            Ok(true) => Ok(Vec::new().into()),
            _ => Err(std::io::Error::other("mmdebstrap failed")),
        }
    });
    let options = CreateImageOptionsBuilder::new()
        .from_src("-")
        .repo(&tree.repository)
        .tag(&tree.tag)
        .message(&format!("Debian {} packages, by redquake", tree.suite))
        .build();
    let mut progress = engine.create_image(Some(options), Some(body_try_stream(ReaderStream::new(written).chain(end))), None);
    let imported = async {
        while let Some(step) = progress.next().await {
            step.map_err(|error| RuntimeError::failed("importing", error))?;
        }
        Ok(())
    };
    let made = async {
        let status = builder.child.wait().await.map_err(|error| RuntimeError::failed("waiting for mmdebstrap", error))?;
        let _ = verdict.send(status.success());
        Ok(status)
    };
    let (imported, status): (Result<(), RuntimeError>, Result<_, RuntimeError>) = tokio::join!(imported, made);
    let status = status?;
    if !status.success() {
        let text = words.await.unwrap_or_default();
        let tail: String = text.chars().skip(text.chars().count().saturating_sub(TAIL)).collect();
        return Err(RuntimeError::failed("building", format!("mmdebstrap ended with {status}: {tail}")));
    }
    imported
}

/// A running `mmdebstrap` with a folder of its own, ended and removed whichever way the build ends.
struct Builder {
    child: Child,
    group: Option<Pid>,
    folder: PathBuf,
}

impl Builder {
    fn start(tree: &Tree) -> Result<Self, RuntimeError> {
        let folder = std::env::temp_dir().join(format!("redquake-build-{}", uuid::Uuid::new_v4()));
        fs::create_dir(&folder).map_err(|error| RuntimeError::failed(format!("making the folder {}", folder.display()), error))?;
        let started = Command::new("mmdebstrap")
            .args(&tree.arguments)
            .env("TMPDIR", &folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn();
        match started {
            Ok(child) => {
                let group = child.id().and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?));
                Ok(Self { child, group, folder })
            }
            Err(error) => {
                let _ = fs::remove_dir_all(&folder);
                Err(RuntimeError::Server(format!(
                    "mmdebstrap, which makes an image from Debian packages, does not start ({error}); install it with `apt-get install mmdebstrap`"
                )))
            }
        }
    }
}

impl Drop for Builder {
    fn drop(&mut self) {
        // Only while the leader has not been waited for: afterwards its id may mean another group.
        if let (Some(group), Some(_)) = (self.group, self.child.id()) {
            let _ = kill_process_group(group, Signal::KILL);
        }
        // Helpers of a killed build may still be writing for a moment.
        for _ in 0..20 {
            if fs::remove_dir_all(&self.folder).is_ok() || !self.folder.exists() {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}
