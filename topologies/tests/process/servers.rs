//! Servers of several versions, taken from packages where they are not installed.

use std::path::Path;
use std::process::{Output, Stdio};
use std::sync::Arc;

use libtest_mimic::Failed;
use redquake_experiments::spec::Server;
use redquake_topologies::process;
use redquake_topologies::runtime::{Announce, RuntimeError};

use crate::Test;
use crate::user::User;

pub const TESTS: &[Test] = &[
    ("servers_of_each_known_version_serve_fork_and_restart", each_version),
    ("two_tools_at_once_fetch_a_server_once", two_at_once),
    ("a_database_answers_on_the_lab_network_and_leaves_nothing", database),
];

/// What a tool does before it enters its namespaces.
pub fn fetch(name: &str) -> Result<(), RuntimeError> {
    let server: Server = serde_json::from_str(name).or_else(|_| serde_json::from_value(name.into())).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let announce: Announce = Arc::new(|text| eprintln!("{text}"));
    runtime.block_on(process::provide(&server, &announce)).map(|source| eprintln!("{}", source.description))
}

/// What a tool whose experiment has a PostgreSQL does before it enters its namespaces.
pub fn fetch_database() -> Result<(), RuntimeError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let announce: Announce = Arc::new(|text| eprintln!("{text}"));
    runtime.block_on(process::provide_postgres("15", &announce)).map(|source| eprintln!("{}", source.description))
}

fn database(user: &User) -> Result<(), Failed> {
    let cache = user.folder();
    let output = user.tool(&["database"]).env("XDG_CACHE_HOME", cache.path()).output()?;
    succeeded("PostgreSQL 15", &output).map(drop)
}

pub fn fetch_clock() -> Result<(), RuntimeError> {
    let announce: Announce = Arc::new(|text| eprintln!("{text}"));
    process::provide_clock(&announce).map(drop)
}

fn each_version(user: &User) -> Result<(), Failed> {
    if *user == User::Nobody {
        println!("the versions were tried by root already; `nobody` fetches one in the next test");
        return Ok(());
    }
    // Kept between runs of the tests.
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR"));
    for name in ["redis:7.0", "redis:8.0", "valkey:8.1"] {
        let output = user.tool(&["server", name]).env("XDG_CACHE_HOME", cache).output()?;
        succeeded(name, &output)?;
    }
    Ok(())
}

fn two_at_once(user: &User) -> Result<(), Failed> {
    let cache = user.folder();
    let start = || {
        let mut tool = user.tool(&["server", "valkey:8.1"]);
        tool.env("XDG_CACHE_HOME", cache.path()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()
    };
    let tools = [start()?, start()?];
    let mut announced = 0;
    for tool in tools {
        let output = tool.wait_with_output()?;
        if !succeeded("valkey:8.1", &output)? {
            return Ok(());
        }
        announced += String::from_utf8_lossy(&output.stderr).matches("Taking valkey:8.1 from the packages of Debian trixie").count();
    }
    assert_eq!(announced, 1);
    let entries = std::fs::read_dir(cache.path().join("redquake/servers"))?.flatten();
    let visible = entries.filter(|entry| !entry.file_name().to_string_lossy().starts_with('.')).count();
    assert_eq!(visible, 1, "one tree and nothing half-made");
    Ok(())
}

/// `false` where no packages can be had, which is said.
fn succeeded(name: &str, output: &Output) -> Result<bool, Failed> {
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if output.status.code() == Some(crate::NO_SERVER.into()) {
        println!("{name} not tried: {said}");
        return Ok(false);
    }
    if output.status.success() { Ok(true) } else { Err(format!("{name}: {}\n{said}", output.status).into()) }
}
