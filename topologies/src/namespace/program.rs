//! System programs (`nft`, `iptables`, `tc`, `ip`) run inside a network namespace.

use std::io::{self, Write};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::Namespace;
use crate::runtime::RuntimeError;

/// Longest wait for a program, which takes milliseconds.
const LIMIT: Duration = Duration::from_secs(10);

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
        match tokio::time::timeout(LIMIT, wait).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(failed(&"its thread ended without an answer")),
            Err(_) => Err(failed(&format!("no answer within {} s", LIMIT.as_secs()))),
        }
    }

    fn failed(self, reason: &dyn std::fmt::Display) -> RuntimeError {
        RuntimeError::failed(format!("running {} inside a network namespace", self.name), reason)
    }

    fn run_here(self, namespace: &Namespace, arguments: &[String], input: &str) -> Result<Result<String, String>, RuntimeError> {
        namespace.enter().map_err(|error| {
            RuntimeError::Privilege(format!("a node's network namespace could not be entered ({error}); packet rules need root"))
        })?;
        let failed = |error: io::Error| self.failed(&error);
        let mut child = Command::new(self.name)
            .args(arguments)
            .env("PATH", search_path())
            .env(LOCK.0, LOCK.1)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| {
                RuntimeError::Privilege(format!(
                    "{} does not start ({error}); install it with `apt-get install {}`",
                    self.name, self.package
                ))
            })?;
        if let Some(mut stdin) = child.stdin.take() {
            match stdin.write_all(input.as_bytes()) {
                // A program that stopped reading says why on its error output.
                Err(error) if error.kind() != io::ErrorKind::BrokenPipe => return Err(failed(error)),
                _ => {}
            }
        }
        let output = child.wait_with_output().map_err(failed)?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        Ok(if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) })
    }
}

/// `PATH` with the folders of system programs, which an ordinary user's lacks.
pub(crate) fn search_path() -> String {
    format!("{}:/usr/local/sbin:/usr/sbin:/sbin", std::env::var("PATH").unwrap_or_default())
}
