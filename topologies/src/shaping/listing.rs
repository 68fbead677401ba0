//! What the kernel says is in the way of a namespace's traffic.

use crate::namespace::{IP, IPTABLES_SAVE, NFT, Namespace, TC};
use crate::runtime::RuntimeError;

/// Links, queueing disciplines and packet rules of a namespace as the kernel lists them, without counters: of two equal texts nothing
/// was added, removed or left behind in between, whoever did it.
///
/// # Errors
/// When a program is missing or says that it cannot tell.
pub async fn listing(namespace: &Namespace) -> Result<String, RuntimeError> {
    let (links, qdiscs, tables, rules) = tokio::join!(
        IP.run(namespace, &["-o", "link", "show"], ""),
        TC.run(namespace, &["qdisc", "show"], ""),
        NFT.run(namespace, &["list", "tables"], ""),
        IPTABLES_SAVE.run(namespace, &[], ""),
    );
    let told = |said: Result<Result<String, String>, RuntimeError>| {
        said?.map_err(|reason| RuntimeError::failed("listing what is in the way of a namespace's traffic", reason))
    };
    // Where iptables is not installed, nothing can have been done with it.
    let rules = if matches!(rules, Err(RuntimeError::Privilege(_))) { String::new() } else { told(rules)? };
    Ok([told(links)?, told(qdiscs)?, told(tables)?, uncounted(&rules)].join("\n"))
}

/// Rules without the comments that hold times and the counters of chains, `:INPUT ACCEPT [12:345]`.
fn uncounted(rules: &str) -> String {
    let lines = rules.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.split_once(" [").map_or(line, |(chain, _)| chain)).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_and_times_do_not_make_rules_different_and_rules_do() {
        let rules = |count: u32, rule: &str| format!("# at {count}\n*mangle\n:INPUT ACCEPT [{count}:{count}]\n{rule}COMMIT\n");
        assert_eq!(uncounted(&rules(1, "")), uncounted(&rules(2, "")));
        assert_ne!(uncounted(&rules(1, "")), uncounted(&rules(1, "-A INPUT -s 10.0.0.2 -j NFQUEUE\n")));
    }
}
