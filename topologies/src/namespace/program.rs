//! System programs (`nft`, `iptables`, `tc`, `ip`) run inside a network namespace.

use std::process::Command;
use std::time::Duration;

use super::Namespace;
use crate::foreign::{self, Bounds, Refusal};
use crate::runtime::RuntimeError;

/// What a program may take, which needs milliseconds and says a few lines.
const BOUNDS: Bounds = Bounds { time: Duration::from_secs(10), bytes: 16 << 20 };

/// Variable and path of the file iptables locks. The usual one may belong to another user, and would make namespaces wait for each
/// other; this one is the namespace itself.
pub(crate) const LOCK: (&str, &str) = ("XTABLES_LOCKFILE", "/proc/self/ns/net");

/// A program and the Debian package that has it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Program {
    /// What is started.
    pub(crate) name: &'static str,
    /// What to install where it is missing.
    pub(crate) package: &'static str,
}

pub(crate) const NFT: Program = Program { name: "nft", package: "nftables" };
pub(crate) const TC: Program = Program { name: "tc", package: "iproute2" };
pub(crate) const IP: Program = Program { name: "ip", package: "iproute2" };
pub(crate) const IPTABLES_SAVE: Program = Program { name: "iptables-save", package: "iptables" };
pub(crate) const IPTABLES_RESTORE: Program = Program { name: "iptables-restore", package: "iptables" };

impl Program {
    /// Runs it in the namespace with some input; the inner error is what it said.
    pub(crate) async fn run(
        self,
        namespace: &Namespace,
        arguments: &[&str],
        input: impl Into<String>,
    ) -> Result<Result<String, String>, RuntimeError> {
        let namespace = namespace.clone();
        let arguments: Vec<String> = arguments.iter().copied().map(str::to_owned).collect();
        let input = input.into();
        let (answer, wait) = tokio::sync::oneshot::channel();
        // A thread of its own: it never leaves the namespace again, and a child is born where the thread is.
        let work = move || {
            let _ = answer.send(self.run_here(&namespace, &arguments, &input));
        };
        let failed = |reason: &dyn std::fmt::Display| self.failed(reason);
        std::thread::Builder::new().name(self.name.to_owned()).spawn(work).map_err(|error| failed(&error))?;
        // Bounded by the program's own limit.
        wait.await.unwrap_or_else(|_| Err(failed(&"its thread ended without an answer")))
    }

    fn failed(self, reason: &dyn std::fmt::Display) -> RuntimeError {
        RuntimeError::failed(format!("running {} inside a network namespace", self.name), reason)
    }

    fn run_here(self, namespace: &Namespace, arguments: &[String], input: &str) -> Result<Result<String, String>, RuntimeError> {
        namespace.enter().map_err(|error| {
            RuntimeError::Privilege(format!("a node's network namespace could not be entered ({error}); packet rules need root"))
        })?;
        let mut command = Command::new(self.name);
        command.args(arguments).env("PATH", search_path()).env(LOCK.0, LOCK.1);
        match foreign::run(&mut command, input.as_bytes(), BOUNDS) {
            Ok(answer) if answer.status.success() => Ok(Ok(answer.output)),
            Ok(answer) => Ok(Err(answer.errors)),
            Err(Refusal::Start(error)) => Err(RuntimeError::Privilege(format!(
                "{} does not start ({error}); install it with `apt-get install {}`",
                self.name, self.package
            ))),
            Err(refusal) => Err(self.failed(&refusal)),
        }
    }
}

/// `PATH` with the folders of system programs, which an ordinary user's lacks.
pub(crate) fn search_path() -> String {
    format!("{}:/usr/local/sbin:/usr/sbin:/sbin", std::env::var("PATH").unwrap_or_default())
}
