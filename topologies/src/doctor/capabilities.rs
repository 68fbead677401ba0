//! What plans may ask of this machine.

use redquake_experiments::plan::{Capabilities, RuntimeKind};

use super::kernel;
use super::shaping::Shaping;
use crate::namespace::Privilege;
use crate::process;

/// What this machine can do when servers run in that runtime; found by trying it in namespaces that end with the attempt.
pub async fn capabilities(runtime: RuntimeKind) -> Capabilities {
    let found = tokio::task::spawn_blocking(move || {
        let enter = match runtime {
            RuntimeKind::Docker => enter_containers(&std::env::var("DOCKER_HOST").unwrap_or_default(), Privilege::current()),
            RuntimeKind::Process if process::inside() => Ok(()),
            RuntimeKind::Process => process::check(),
        };
        let drop = enter.clone().and_then(|()| {
            kernel::packet_rules().map_err(|reason| format!("{reason}; install it with `apt-get install nftables` and run as root"))
        });
        let shaping = enter.as_ref().map_or_else(|reason| Shaping::none(reason), |()| Shaping::attempt());
        (enter, drop, shaping)
    });
    let (enter_namespaces, drop_packets, shaping) = found.await.unwrap_or_else(|error| {
        let reason = error.to_string();
        (Err(reason.clone()), Err(reason.clone()), Shaping::none(&reason))
    });
    let Shaping { lose, delay, limit } = shaping;
    Capabilities { runtime, enter_namespaces, drop_packets, lose_packets: lose, delay_packets: delay, limit_bandwidth: limit }
}

fn enter_containers(host: &str, privilege: Privilege) -> Result<(), String> {
    if !host.is_empty() && !host.starts_with("unix://") {
        return Err(format!(
            "the Docker engine at {host} runs on another machine, whose namespaces cannot be entered from here; run redquake there"
        ));
    }
    if privilege.change_rules() {
        Ok(())
    } else {
        Err("entering the network namespaces of containers needs root (CAP_SYS_ADMIN and CAP_NET_ADMIN); run as root, or use `--runtime process`"
            .to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_engine_elsewhere_is_refused_whoever_asks() {
        let reason = enter_containers("tcp://10.0.0.1:2375", Privilege::current()).unwrap_err();
        assert!(reason.contains("another machine") && reason.ends_with("run redquake there"), "{reason}");
    }
}
