//! Whether the authors of experiment files are trusted with this machine.

use redquake_experiments::spec::Trust;

use super::args::TrustChoice;

/// A decision, and what it rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trusted {
    /// The decision.
    pub trust: Trust,
    /// What it rests on: an option, or a variable of CI; empty where nothing says anything.
    pub because: String,
}

/// What was chosen, else `untrusted` where CI builds what a stranger may have sent.
pub fn decide(choice: Option<TrustChoice>) -> Trusted {
    let variable = |name: &str| std::env::var(name).ok();
    match choice {
        Some(TrustChoice::Trusted) => Trusted { trust: Trust::Trusted, because: "--trust trusted".to_owned() },
        Some(TrustChoice::Untrusted) => Trusted { trust: Trust::Untrusted, because: "--trust untrusted".to_owned() },
        None => match strangers_build(variable) {
            Some(because) => Trusted { trust: Trust::Untrusted, because },
            None => Trusted { trust: Trust::Trusted, because: String::new() },
        },
    }
}

/// Variables that name the event a build is for, and how the names of pull requests begin.
const EVENTS: [(&str, &[&str]); 5] = [
    // GitHub, Gitea and Forgejo.
    ("GITHUB_EVENT_NAME", &["pull_request"]),
    // GitLab.
    ("CI_PIPELINE_SOURCE", &["merge_request_event", "external_pull_request_event"]),
    // Woodpecker and Drone.
    ("CI_PIPELINE_EVENT", &["pull_request"]),
    ("DRONE_BUILD_EVENT", &["pull_request"]),
    // Azure Pipelines.
    ("BUILD_REASON", &["PullRequest"]),
];

/// Variables that are set, and not to `false`, where a build is of a pull request.
const NUMBERS: [&str; 12] = [
    "CI_MERGE_REQUEST_IID",
    "CI_EXTERNAL_PULL_REQUEST_IID",
    "TRAVIS_PULL_REQUEST",
    "BUILDKITE_PULL_REQUEST",
    "CIRCLE_PULL_REQUEST",
    "CIRCLE_PR_NUMBER",
    "BITBUCKET_PR_ID",
    "CHANGE_ID",
    "APPVEYOR_PULL_REQUEST_NUMBER",
    "CIRRUS_PR",
    "SEMAPHORE_GIT_PR_NUMBER",
    "SYSTEM_PULLREQUEST_PULLREQUESTID",
];

/// The variable by which CI says that it builds a pull request.
fn strangers_build(variable: impl Fn(&str) -> Option<String>) -> Option<String> {
    let event =
        EVENTS.iter().find(|(name, begins)| variable(name).is_some_and(|value| begins.iter().any(|begin| value.starts_with(begin))));
    let number = || NUMBERS.iter().find(|name| variable(name).is_some_and(|value| !value.is_empty() && value != "false"));
    let name = event.map(|(name, _)| name).or_else(number)?;
    Some(format!("{name} says that a pull request is built"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: &'static str, value: &'static str) -> Option<String> {
        strangers_build(|asked| (asked == name).then(|| value.to_owned()))
    }

    #[test]
    fn a_build_of_a_pull_request_is_known_by_what_ci_says() {
        for (name, value) in [
            ("GITHUB_EVENT_NAME", "pull_request"),
            ("GITHUB_EVENT_NAME", "pull_request_target"),
            ("CI_PIPELINE_SOURCE", "merge_request_event"),
            ("CI_MERGE_REQUEST_IID", "12"),
            ("TRAVIS_PULL_REQUEST", "7"),
            ("CHANGE_ID", "3"),
            ("BUILD_REASON", "PullRequest"),
        ] {
            assert!(with(name, value).is_some_and(|because| because.contains(name)), "{name}={value}");
        }
    }

    #[test]
    fn a_build_of_a_branch_and_a_shell_are_not() {
        for (name, value) in [
            ("GITHUB_EVENT_NAME", "push"),
            ("GITHUB_EVENT_NAME", "schedule"),
            ("CI_PIPELINE_SOURCE", "push"),
            ("TRAVIS_PULL_REQUEST", "false"),
            ("BUILDKITE_PULL_REQUEST", "false"),
            ("CIRCLE_PULL_REQUEST", ""),
            ("HOME", "/root"),
        ] {
            assert_eq!(with(name, value), None, "{name}={value}");
        }
    }

    #[test]
    fn what_is_typed_counts_more_than_what_ci_says() {
        assert_eq!(decide(Some(TrustChoice::Trusted)).trust, Trust::Trusted);
        assert_eq!(decide(Some(TrustChoice::Untrusted)).trust, Trust::Untrusted);
    }
}
