//! What of the machine itself a run could have changed: packet rules, queueing disciplines, links, routes, settings. What Docker makes for
//! the networks of labs, this one's and others', is left out here and looked for by its name.

use std::collections::BTreeSet;
use std::process::Command;

/// Commands that list it; one that is missing or refuses is left out on both sides.
const LISTS: [(&str, &[&str]); 8] = [
    ("nft", &["list", "ruleset"]),
    ("iptables-save", &[]),
    ("ip6tables-save", &[]),
    ("tc", &["qdisc", "show"]),
    ("ip", &["-oneline", "link", "show"]),
    ("ip", &["route", "show"]),
    ("ip", &["netns", "list"]),
    ("sysctl", &["-a", "-r", "^net\\."]),
];

/// The machine at one moment.
#[derive(Debug, PartialEq, Eq)]
pub struct Host(Vec<(String, Vec<String>)>);

impl Host {
    /// As it is now.
    pub fn now() -> Self {
        Self(LISTS.iter().map(|(program, arguments)| (format!("{program} {arguments:?}"), list(program, arguments))).collect())
    }

    /// Lines that are there now and were not, or the other way round.
    pub fn differences(&self, now: &Self) -> Vec<String> {
        let mut differences = Vec::new();
        for ((list, before), (_, now)) in self.0.iter().zip(&now.0) {
            let (had, has): (BTreeSet<_>, BTreeSet<_>) = (before.iter().collect(), now.iter().collect());
            differences.extend(had.difference(&has).map(|line| format!("{list}: gone: {line}")));
            differences.extend(has.difference(&had).map(|line| format!("{list}: new: {line}")));
        }
        differences
    }
}

fn list(program: &str, arguments: &[&str]) -> Vec<String> {
    let output = Command::new(program).args(arguments).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    text.lines().map(uncounted).filter(|line| !of_a_lab(line)).collect()
}

/// Without packet and byte counters, times and comments, which change by themselves.
fn uncounted(line: &str) -> String {
    let mut words = Vec::new();
    let mut counted = 0;
    for word in line.split_whitespace() {
        match word {
            "packets" | "bytes" => counted = 1,
            _ if counted > 0 => counted -= 1,
            _ if word.starts_with('[') && word.ends_with(']') && word.contains(':') => {}
            _ => words.push(word),
        }
    }
    if words.first() == Some(&"#") { String::new() } else { words.join(" ") }
}

/// What Docker makes for the network of a lab and its containers: bridges and pairs of links. The kernel counts connections by itself.
fn of_a_lab(line: &str) -> bool {
    let named = |prefix: &str, digits: usize| {
        line.match_indices(prefix).any(|(at, _)| {
            let rest = &line[at + prefix.len()..];
            rest.len() >= digits && rest.bytes().take(digits).all(|byte| byte.is_ascii_hexdigit())
        })
    };
    named("br-", 12) || named("veth", 7) || line.contains("nf_conntrack_count")
}
