//! All checks in the order in which a reader wants them.

use super::{Check, Status, engine, kernel, machine};

/// Examines this machine. Changes nothing: what is tried is tried in namespaces that end with the attempt.
pub async fn examine() -> Vec<Check> {
    let (mut checks, docker) = engine::checks().await;
    let tried = tokio::task::spawn_blocking(|| (kernel::checks(), machine::checks())).await;
    let (kernel, machine) =
        tried.unwrap_or_else(|error| (vec![Check::fail("this machine", error.to_string(), "report this as a bug")], Vec::new()));
    let processes = kernel.iter().any(|check| check.name == "servers as processes" && check.status == Status::Ok);
    checks.insert(0, servers(docker, processes));
    checks.extend(kernel);
    checks.extend(machine);
    checks
}

fn servers(docker: bool, processes: bool) -> Check {
    const NAME: &str = "where servers run";
    match (docker, processes) {
        (true, true) => Check::ok(NAME, "in Docker, or as processes with `--runtime process`"),
        (true, false) => Check::ok(NAME, "in Docker"),
        (false, true) => Check::ok(NAME, "as processes in namespaces of their own; no Docker engine answers"),
        (false, false) => {
            Check::fail(NAME, "nowhere: no Docker engine answers and this user may not make namespaces", "start Docker, or run as root")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_machine_without_any_runtime_fails() {
        assert_eq!(servers(false, false).status, Status::Fail);
        for (docker, processes) in [(true, true), (true, false), (false, true)] {
            assert_eq!(servers(docker, processes).status, Status::Ok);
        }
    }
}
