//! Which distribution packages make which server.

use redquake_experiments::spec::ServerKind;
use sha2::{Digest, Sha256};

/// How an image is made from the packages of a Debian release.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recipe {
    /// Redis or Valkey.
    pub kind: ServerKind,
    /// `major.minor` that the release carries.
    pub version: &'static str,
    /// Debian release.
    pub suite: &'static str,
    /// Packages beside what they depend on; a shell and `sleep` are what the gate of a container needs.
    packages: &'static [&'static str],
}

const REDIS: &[&str] = &["base-files", "dash", "coreutils", "redis-server", "redis-tools"];
const VALKEY: &[&str] = &["base-files", "dash", "coreutils", "valkey-server", "valkey-tools"];

const RECIPES: [Recipe; 3] = [
    Recipe { kind: ServerKind::Redis, version: "7.0", suite: "bookworm", packages: REDIS },
    Recipe { kind: ServerKind::Redis, version: "8.0", suite: "trixie", packages: REDIS },
    Recipe { kind: ServerKind::Valkey, version: "8.1", suite: "trixie", packages: VALKEY },
];

/// Every server that can be made from packages.
pub fn recipes() -> &'static [Recipe] {
    &RECIPES
}

impl Recipe {
    /// The recipe of a release, if the distribution carries it.
    pub(super) fn of(kind: ServerKind, version: &str) -> Option<&'static Self> {
        RECIPES.iter().find(|recipe| recipe.kind == kind && recipe.version == version)
    }

    /// What is built from it.
    pub(super) fn tree(&self) -> Tree {
        Tree {
            what: format!("{} {}", word(self.kind), self.version),
            repository: self.repository(),
            tag: self.tag(),
            suite: self.suite,
            arguments: self.arguments(),
        }
    }

    /// Arguments of `mmdebstrap` that write the root tree to standard output. `extract` only unpacks: no package is configured, so
    /// nothing of the image runs while it is made.
    pub(super) fn arguments(&self) -> Vec<String> {
        extract(self.suite, &self.packages.join(","))
    }

    /// Repository of the built image.
    pub(super) fn repository(&self) -> String {
        format!("redquake-{}", word(self.kind))
    }

    /// Tag of the built image: it carries a hash of the recipe, so that a changed recipe never finds an old image.
    pub(super) fn tag(&self) -> String {
        tag(self.version, &self.arguments())
    }
}

/// A root tree to build an image from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tree {
    /// What is in it, in words.
    pub(super) what: String,
    /// Repository of the image.
    pub(super) repository: String,
    /// Its tag.
    pub(super) tag: String,
    /// Debian release.
    pub(super) suite: &'static str,
    /// Arguments of `mmdebstrap`.
    pub(super) arguments: Vec<String>,
}

const POSTGRES_REPOSITORY: &str = "redquake-postgres";

/// PostgreSQL by major version, and the release that carries it.
const POSTGRES: [(&str, &str); 2] = [("15", "bookworm"), ("17", "trixie")];

/// The tree of a PostgreSQL, if a release carries it.
pub(super) fn postgres(version: &str) -> Option<Tree> {
    let (version, suite) = POSTGRES.into_iter().find(|(carried, _)| *carried == version)?;
    let arguments = extract(suite, &format!("base-files,dash,coreutils,util-linux,postgresql-{version}"));
    Some(Tree {
        what: format!("PostgreSQL {version}"),
        repository: POSTGRES_REPOSITORY.to_owned(),
        tag: tag(version, &arguments),
        suite,
        arguments,
    })
}

/// Names of everything that is built.
pub(super) fn repositories() -> Vec<String> {
    let mut names: Vec<String> = RECIPES.iter().map(Recipe::repository).chain([POSTGRES_REPOSITORY.to_owned()]).collect();
    names.dedup();
    names
}

/// The versions of PostgreSQL that can be built.
pub(super) fn postgres_versions() -> String {
    POSTGRES.map(|(version, _)| version).join(", ")
}

fn extract(suite: &str, packages: &str) -> Vec<String> {
    vec![
        "--quiet".to_owned(),
        "--variant=extract".to_owned(),
        "--format=tar".to_owned(),
        format!("--include={packages}"),
        suite.to_owned(),
        "-".to_owned(),
    ]
}

fn tag(version: &str, arguments: &[String]) -> String {
    let digest = Sha256::digest(arguments.join("\n").as_bytes());
    let hash: String = digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    format!("{version}-{hash}")
}

/// The word used in image names and messages.
pub(super) fn word(kind: ServerKind) -> &'static str {
    match kind {
        ServerKind::Redis => "redis",
        ServerKind::Valkey => "valkey",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_the_distribution_does_not_carry_has_no_recipe() {
        assert!(Recipe::of(ServerKind::Redis, "7.0").is_some());
        assert_eq!(Recipe::of(ServerKind::Redis, "7.4"), None);
        assert_eq!(Recipe::of(ServerKind::Valkey, "7.0"), None);
    }

    #[test]
    fn recipes_that_differ_have_different_tags() {
        let mut names: Vec<String> = recipes().iter().map(|recipe| format!("{}:{}", recipe.repository(), recipe.tag())).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), recipes().len());
        assert!(names.iter().any(|name| name.starts_with("redquake-redis:7.0-")), "{names:?}");
    }
}
