//! Whether what a plan does can leave its servers as they were. Pure.

use redquake_experiments::spec::{Action, Experiment, Role, Topology};

/// Whether the servers of a trial of this experiment may serve another one, if all goes as planned; else why not.
pub fn may_be_kept(experiment: &Experiment) -> Result<(), String> {
    if !matches!(experiment.topology, Topology::Sentinel(_)) {
        return Err("a Cluster is never used again".to_owned());
    }
    if experiment.topology.count(Role::Independent) > 0 {
        return Err("independent primaries are never used again".to_owned());
    }
    if experiment.postgres().is_some() {
        return Err("a database beside the servers is never used again".to_owned());
    }
    match experiment.faults.iter().find(|fault| !traceless(&fault.action)) {
        Some(fault) => Err(format!("`{}` ({}) acts on the servers themselves", fault.name, fault.action.word())),
        None => Ok(()),
    }
}

/// Whether an action touches no process, no server and no configuration, so that taking it back leaves nothing of it.
fn traceless(action: &Action) -> bool {
    match action {
        Action::Partition(_) | Action::Loss(_) | Action::Delay(_) | Action::Bandwidth(_) | Action::ClientCrash(_) => true,
        Action::Kill(_)
        | Action::Stop(_)
        | Action::Restart(_)
        | Action::Pause(_)
        | Action::Busy(_)
        | Action::ClientsPause(_)
        | Action::Failover(_)
        | Action::Reshard(_)
        | Action::ConfigSet(_)
        | Action::SentinelCrash(_)
        | Action::DiskFull(_)
        | Action::ClockJump(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn experiment(topology: &Value, faults: &Value, workload: &Value) -> Experiment {
        let text =
            json!({ "version": 1, "name": "kept", "topology": topology, "duration": "5s", "workloads": [workload], "faults": faults });
        let loaded = redquake_experiments::spec::load("kept.yaml", text.to_string().as_bytes(), &|_| Err(String::new()));
        let found = loaded.experiments().next().cloned();
        found.unwrap_or_else(|| panic!("{}", loaded.render_human(false)))
    }

    fn locks() -> Value {
        json!({ "name": "locks", "kind": "lock", "clients": 4, "rate": "100/s", "keys": 8, "ttl": "3s", "hold": "20ms" })
    }

    fn with(faults: &Value) -> Result<(), String> {
        may_be_kept(&experiment(&json!({ "kind": "sentinel" }), faults, &locks()))
    }

    #[test]
    fn only_what_touches_no_server_may_be_followed_by_another_trial() {
        let (primary, replica) = (json!({ "role": "primary" }), json!({ "role": "replica" }));
        let traceless = [
            json!({ "action": "partition", "for": "1s", "from": primary, "to": replica }),
            json!({ "action": "loss", "for": "1s", "from": primary, "to": replica, "percent": "20%" }),
            json!({ "action": "delay", "for": "1s", "from": primary, "to": replica, "delay": "20ms" }),
            json!({ "action": "bandwidth", "for": "1s", "target": primary, "rate": "1mbit" }),
            json!({ "action": "client-crash", "workload": "locks", "pick": 1 }),
        ];
        let lasting = [
            json!({ "action": "kill", "target": primary }),
            json!({ "action": "stop", "target": primary }),
            json!({ "action": "restart", "target": primary, "delay": "1s" }),
            json!({ "action": "pause", "for": "1s", "target": primary }),
            json!({ "action": "busy", "for": "1s", "target": primary }),
            json!({ "action": "clients-pause", "for": "1s", "target": primary }),
            json!({ "action": "failover" }),
            json!({ "action": "config-set", "for": "1s", "target": primary, "set": { "maxmemory": "1mb" } }),
            json!({ "action": "sentinel-crash", "target": { "role": "sentinel" }, "point": "after-election" }),
            json!({ "action": "disk-full", "for": "1s", "target": primary }),
            json!({ "action": "clock-jump", "for": "1s", "target": primary, "by": "+1s" }),
        ];
        assert_eq!(with(&json!([])), Ok(()));
        for action in &traceless {
            assert!(self::traceless(&serde_json::from_value(action.clone()).unwrap()), "{action}");
        }
        for action in &lasting {
            assert!(!self::traceless(&serde_json::from_value(action.clone()).unwrap()), "{action}");
        }
        let mut faults = Vec::from(traceless);
        faults.push(lasting[0].clone());
        for (number, fault) in faults.iter_mut().enumerate() {
            fault["name"] = json!(format!("fault-{number}"));
            fault["at"] = json!(format!("{}ms", 100 * number + 100));
        }
        assert_eq!(with(&json!([faults[0]])), Ok(()));
        assert_eq!(with(&json!([faults[0], faults[5]])).unwrap_err(), "`fault-5` (kill) acts on the servers themselves");
    }

    #[test]
    fn a_cluster_is_never_used_again() {
        assert!(may_be_kept(&experiment(&json!({ "kind": "cluster" }), &json!([]), &locks())).is_err());
    }
}
