//! Changing and reading rules inside a namespace, with the `nft` program.

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::render::{PeerRule, drop_table, table};
use crate::namespace::Namespace;
use crate::runtime::RuntimeError;

/// Longest wait for `nft`, which takes milliseconds.
const LIMIT: Duration = Duration::from_secs(10);
/// What `nft` says of a table that is not there.
const ABSENT: &str = "No such file or directory";

/// What there is of a fault's rules in a namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Presence {
    /// Number of rules that drop packets.
    pub rules: usize,
    /// Packets they have dropped.
    pub packets: u64,
}

/// Drops packets exchanged with peers, all rules at the same instant.
///
/// # Errors
/// When a table of that id is there already, `nft` is missing, or the kernel refuses.
pub async fn drop_packets(namespace: &Namespace, id: &str, rules: &[PeerRule]) -> Result<(), RuntimeError> {
    let done = nft(namespace, vec!["-f".to_owned(), "-".to_owned()], drop_table(id, rules)).await?;
    done.map(drop).map_err(|reason| RuntimeError::failed(format!("dropping packets by the table {}", table(id)), reason))
}

/// Removes the rules of a fault, and nothing else; fine when there are none.
///
/// # Errors
/// When `nft` is missing or the kernel refuses.
pub async fn remove(namespace: &Namespace, id: &str) -> Result<(), RuntimeError> {
    match nft(namespace, vec!["-f".to_owned(), "-".to_owned()], format!("delete table {}\n", table(id))).await? {
        Err(reason) if !reason.contains(ABSENT) => Err(RuntimeError::failed(format!("removing the table {}", table(id)), reason)),
        Ok(_) | Err(_) => Ok(()),
    }
}

/// What there is of a fault's rules; `None` when there is no such table.
///
/// # Errors
/// When `nft` is missing or its answer cannot be read.
pub async fn present(namespace: &Namespace, id: &str) -> Result<Option<Presence>, RuntimeError> {
    let failed = |reason: String| RuntimeError::failed(format!("reading the table {}", table(id)), reason);
    let mut arguments: Vec<String> = ["-j", "list", "table"].map(str::to_owned).to_vec();
    arguments.extend(table(id).split(' ').map(str::to_owned));
    match nft(namespace, arguments, String::new()).await? {
        Ok(listing) => count(&listing).map(Some).map_err(failed),
        Err(reason) if reason.contains(ABSENT) => Ok(None),
        Err(reason) => Err(failed(reason)),
    }
}

/// Counts rules and dropped packets in a listing.
fn count(listing: &str) -> Result<Presence, String> {
    let listing: serde_json::Value = serde_json::from_str(listing).map_err(|error| error.to_string())?;
    let rules = listing["nftables"].as_array().ok_or("no list of objects")?.iter().filter_map(|object| object.get("rule"));
    let mut presence = Presence { rules: 0, packets: 0 };
    for rule in rules {
        presence.rules += 1;
        let statements = rule["expr"].as_array().map(Vec::as_slice).unwrap_or_default();
        presence.packets += statements.iter().filter_map(|statement| statement["counter"]["packets"].as_u64()).sum::<u64>();
    }
    Ok(presence)
}

/// Runs `nft` inside the namespace; the inner error is what it said.
async fn nft(namespace: &Namespace, arguments: Vec<String>, input: String) -> Result<Result<String, String>, RuntimeError> {
    let namespace = namespace.clone();
    let (answer, wait) = tokio::sync::oneshot::channel();
    // A thread of its own: it never leaves the namespace again, and a child is born where the thread is.
    let work = move || {
        let _ = answer.send(run(&namespace, &arguments, &input));
    };
    let failed = |reason: &dyn std::fmt::Display| RuntimeError::failed("running nft inside a network namespace", reason);
    std::thread::Builder::new().name("rules".to_owned()).spawn(work).map_err(|error| failed(&error))?;
    match tokio::time::timeout(LIMIT, wait).await {
        Ok(Ok(result)) => result,
        Ok(Err(_)) => Err(failed(&"its thread ended without an answer")),
        Err(_) => Err(failed(&format!("no answer within {} s", LIMIT.as_secs()))),
    }
}

fn run(namespace: &Namespace, arguments: &[String], input: &str) -> Result<Result<String, String>, RuntimeError> {
    namespace.enter().map_err(|error| {
        RuntimeError::Privilege(format!("a node's network namespace could not be entered ({error}); packet rules need root"))
    })?;
    let failed = |error: std::io::Error| RuntimeError::failed("running nft", error);
    let mut child = Command::new("nft")
        .args(arguments)
        .env("PATH", search_path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| RuntimeError::Privilege(format!("nft does not start ({error}); install it with `apt-get install nftables`")))?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(input.as_bytes()).map_err(failed)?;
    }
    let output = child.wait_with_output().map_err(failed)?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    Ok(if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) })
}

/// `PATH` with the folders of system programs, which an ordinary user's lacks.
pub(crate) fn search_path() -> String {
    format!("{}:/usr/local/sbin:/usr/sbin:/sbin", std::env::var("PATH").unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dropped_packets_are_summed_over_the_rules_of_a_listing() {
        let rule = |packets: u32| {
            format!(r#"{{"rule": {{"expr": [{{"match": {{}}}}, {{"counter": {{"packets": {packets}}}}}, {{"drop": null}}]}}}}"#)
        };
        let listing = format!(r#"{{"nftables": [{{"metainfo": {{}}}}, {{"table": {{}}}}, {}, {}]}}"#, rule(3), rule(4));
        assert_eq!(count(&listing), Ok(Presence { rules: 2, packets: 7 }));
        assert!(count("nonsense").is_err());
    }
}
