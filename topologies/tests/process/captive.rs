//! What a hostile server can do from inside its sandbox: nothing. It is a program and a module in C (`captive/attempts.c`) that try.

use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::{Duration, Instant};

use libtest_mimic::Failed;
use redquake_experiments::spec::{Role, Server};
use redquake_topologies::process::ProcessRuntime;
use redquake_topologies::runtime::{Announce, Configuration, Runtime};

use crate::Test;
use crate::inside::{answers, config, eventually, lab};
use crate::user::User;
use crate::walls::Wall;

pub const TESTS: &[Test] = &[
    ("a_hostile_program_in_place_of_a_server_can_do_nothing", |user| captive(user, "program", &[])),
    ("a_hostile_module_of_a_server_can_do_nothing", |user| captive(user, "module", &[])),
    ("a_hostile_program_can_do_nothing_without_landlock", |user| captive(user, "program", &[Wall::Landlock])),
    ("a_hostile_program_can_do_little_without_seccomp", |user| captive(user, "program", &[Wall::Seccomp])),
    ("a_hostile_program_can_do_nothing_without_user_namespaces", |user| captive(user, "program", &[Wall::UserNamespaces])),
    ("a_hostile_program_can_do_little_without_any_of_the_three", |user| captive(user, "program", &Wall::ALL)),
    ("a_server_that_talks_without_end_costs_no_memory", flood_outside),
    ("a_program_that_is_asked_for_its_version_is_killed_when_it_does_not_answer", mute),
];

const SOURCE: &str = include_str!("captive/attempts.c");
/// A variable of the tool's that no server may see.
const VARIABLE: &str = "REDQUAKE_TEST_SECRET";
/// Each of these succeeds outside, where nobody is kept from it.
const OPEN_OUTSIDE: [&str; 9] = [
    "read a file of somebody's",
    "list a folder of somebody's",
    "write into a folder of somebody's",
    "read a variable of the tool's",
    "learn who has an account here",
    "see other processes",
    "reach a service of the machine",
    "reach a socket of the machine",
    "see what the machine keeps",
];
/// Each of these only seccomp forbids: sockets and calls that lead to more of the kernel, and without capabilities to no change of it.
const SECCOMP_ALONE: [&str; 5] = [
    "change the rules of packets",
    "reach the machine below a virtual one",
    "read another process's memory",
    "use the kernel's keys",
    "hand work to the kernel unseen",
];
/// Attempts there must be at least.
const ENOUGH: usize = 60;

/// A folder outside that a hostile server wants to reach, with the server in it.
struct Outside {
    folder: tempfile::TempDir,
    secret: PathBuf,
    open: PathBuf,
    mark: String,
    socket: String,
    listener: std::net::TcpListener,
    _abstract: UnixListener,
}

impl Outside {
    /// `attempt` tells it from others of its kind and user.
    fn new(user: User, kind: &str, attempt: usize) -> Result<Self, Failed> {
        let folder = user.folder();
        let (secret, open) = (folder.path().join("secret"), folder.path().join("open"));
        std::fs::write(&secret, "secret")?;
        std::fs::create_dir(&open)?;
        std::fs::set_permissions(&open, PermissionsExt::from_mode(0o777))?;
        let unique = format!("{kind}-{attempt}-{}-{}", user.name().len(), std::process::id());
        let socket = format!("redquake-test-{unique}");
        Ok(Self {
            _abstract: UnixListener::bind_addr(&SocketAddr::from_abstract_name(&socket)?)?,
            listener: std::net::TcpListener::bind("127.0.0.1:0")?,
            // The kernel keeps fifteen letters of a name.
            mark: format!("rq{}{attempt}{}{}", &kind[..1], user.name().len(), std::process::id()),
            folder,
            secret,
            open,
            socket,
        })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn build(&self, name: &str, options: &[&str]) -> Result<(), Failed> {
        let source = self.path("attempts.c");
        std::fs::write(&source, SOURCE)?;
        let text = |name: &str, value: &str| format!("-D{name}=\"{value}\"");
        let built = Command::new("gcc")
            .args(["-O1", "-o"])
            .arg(self.path(name))
            .args(options)
            .arg(text("SECRET", &self.secret.display().to_string()))
            .arg(text("FOLDER", &self.open.display().to_string()))
            .arg(text("SELF", &self.path(name).display().to_string()))
            .arg(text("VARIABLE", VARIABLE))
            .arg(text("SOCKET", &self.socket))
            .arg(text("MARK", &self.mark))
            .arg(format!("-DPORT={}", self.listener.local_addr()?.port()))
            .arg(&source)
            .output()?;
        assert!(built.status.success(), "gcc: {}", String::from_utf8_lossy(&built.stderr));
        Ok(())
    }

    /// The processes of this hostile server that live.
    fn alive(&self) -> usize {
        let names = std::fs::read_dir("/proc").into_iter().flatten().flatten();
        names.filter(|entry| std::fs::read_to_string(entry.path().join("comm")).is_ok_and(|name| name.trim() == self.mark)).count()
    }

    fn is_untouched(&self) {
        assert_eq!(std::fs::read_to_string(&self.secret).unwrap(), "secret");
        assert_eq!(std::fs::read_dir(&self.open).unwrap().count(), 0, "something was planted");
        assert_eq!(self.alive(), 0, "something of it lives on");
    }
}

fn told(output: &Output) -> String {
    format!("{}\n{}{}", output.status, String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn captive(user: &User, kind: &str, lacking: &[Wall]) -> Result<(), Failed> {
    if lacking.contains(&Wall::UserNamespaces) && *user != (User::Current { root: true }) {
        // An ordinary user has no sandbox without them, so nothing is started.
        let output = user.tool_without(lacking, &["captive", "/none", kind, "with-seccomp"]).output()?;
        assert_eq!(output.status.code(), Some(4), "{}", told(&output));
        return Ok(());
    }
    if Command::new("gcc").arg("--version").output().is_err() {
        println!("not tried with a hostile {kind}: gcc is not installed");
        return Ok(());
    }
    let outside = Outside::new(*user, kind, lacking.iter().map(|wall| 1 << *wall as usize).sum())?;
    let server = if kind == "program" {
        outside.build("program", &[])?;
        // Outside, nobody keeps it from these.
        let free = user.command(outside.path("program").to_str().unwrap()).arg("harmless").env(VARIABLE, "secret").output()?;
        let said = String::from_utf8_lossy(&free.stdout);
        for attempt in OPEN_OUTSIDE {
            assert!(said.contains(&format!("attempt: {attempt}: SUCCEEDED")), "{attempt} outside: {}", told(&free));
        }
        std::fs::remove_file(outside.open.join("planted"))?;
        outside.path("program")
    } else {
        let Some(redis) = ["/usr/bin/redis-server", "/usr/bin/valkey-server"].into_iter().find(|file| Path::new(file).exists()) else {
            println!("not tried with a hostile module: neither redis-server nor valkey-server is installed");
            return Ok(());
        };
        outside.build("module.so", &["-shared", "-fPIC", "-DMODULE"])?;
        let wrapper = outside.path("server");
        let module = outside.path("module.so");
        let load = format!("exec {redis} \"$@\" --loadmodule {}", module.display());
        std::fs::write(&wrapper, format!("#!/bin/sh\ncase \"$1\" in --version) exec {redis} --version;; esac\n{load}\n"))?;
        std::fs::set_permissions(&wrapper, PermissionsExt::from_mode(0o755))?;
        wrapper
    };
    let guarded = if lacking.contains(&Wall::Seccomp) { "without-seccomp" } else { "with-seccomp" };
    let mut tool = user.tool_without(lacking, &["captive", server.to_str().unwrap(), kind, guarded]);
    let output = tool.env(VARIABLE, "secret").output()?;
    assert!(output.status.success(), "{}", told(&output));
    outside.is_untouched();
    Ok(())
}

/// Inside: starts the hostile server and looks at what it could do.
pub async fn play(server: &str, kind: &str, guarded: &str) {
    let open: &[&str] = if guarded == "without-seccomp" { &SECCOMP_ALONE } else { &[] };
    let runtime = ProcessRuntime::new().unwrap();
    let wanted = Server::Binary(server.to_owned());
    let quiet: Announce = Arc::new(|_| ());
    let source = runtime.provide(&wanted, &quiet).await.unwrap();
    if kind == "program" {
        // Its version is what it could do when it was asked for its version: `7.<succeeded>.<tried>`.
        let version = source.description.strip_prefix("Redis 7.").and_then(|rest| rest.split(' ').next()).unwrap_or_default();
        let (succeeded, tried) = version.split_once('.').unwrap_or_default();
        let most = open.len();
        assert!(
            succeeded.parse::<usize>().unwrap() <= most,
            "{succeeded} of {tried} attempts succeeded where it was asked for its version"
        );
        assert!(tried.parse::<usize>().unwrap() >= ENOUGH, "{}", source.description);
    }
    let lab = lab(&runtime, &wanted, &[("redis-1", Role::Primary), ("redis-2", Role::Replica)]).await;
    lab.boot("redis-1", config("")).await.unwrap();
    eventually("every attempt was made", || async { lab.logs("redis-1").await.unwrap().contains("attempts: ") }).await;
    let log = lab.logs("redis-1").await.unwrap();
    let attempts: Vec<&str> = log.lines().filter(|line| line.starts_with("attempt: ")).collect();
    let succeeded: Vec<&str> = attempts.iter().filter_map(|line| line.strip_prefix("attempt: ")?.strip_suffix(": SUCCEEDED")).collect();
    assert!(succeeded.iter().all(|attempt| open.contains(attempt)), "{succeeded:?}: {log}");
    assert!(open.is_empty() || !succeeded.is_empty(), "the wall was not taken away: {log}");
    assert!(attempts.len() >= ENOUGH, "{log}");
    println!("{} attempts of a hostile {kind}, {} succeeded", attempts.len(), succeeded.len());
    if kind == "module" {
        // It serves all the same.
        answers(&*lab, "redis-1", "PING", "+PONG").await;
    } else {
        // It has put a link to a file outside in place of its configuration: it is replaced, and not followed.
        eventually("the hostile server has ended", || async { !lab.alive("redis-1").await.unwrap() }).await;
        assert!(lab.logs("redis-1").await.unwrap().contains("trap: set"), "{log}");
        lab.restart("redis-1", Configuration::Original).await.unwrap();
    }
    assert_eq!(lab.close().await, Vec::<String>::new());
}

/// A server whose log has no end.
fn flood_outside(user: &User) -> Result<(), Failed> {
    let folder = user.folder();
    let server = folder.path().join("server");
    let words = "x".repeat(4000);
    let text = format!("#!/bin/sh\n[ \"$1\" = --version ] && exec echo Redis server v=7.0.0\necho first\nexec yes {words}\n");
    std::fs::write(&server, text)?;
    std::fs::set_permissions(&server, PermissionsExt::from_mode(0o755))?;
    let output = user.tool(&["flood", server.to_str().unwrap()]).output()?;
    if output.status.success() { Ok(()) } else { Err(told(&output).into()) }
}

pub async fn flood(server: &str) {
    const ENOUGH: u64 = 200 << 20;
    let runtime = ProcessRuntime::new().unwrap();
    let lab = lab(&runtime, &Server::Binary(server.to_owned()), &[("redis-1", Role::Primary)]).await;
    lab.boot("redis-1", config("")).await.unwrap();
    let lost = || async {
        let log = lab.logs("redis-1").await.unwrap();
        let said = log.lines().find_map(|line| line.strip_prefix("[redquake left out ")?.split(' ').next()?.parse::<u64>().ok());
        (log.len(), log.starts_with("first\n"), said.unwrap_or(0))
    };
    eventually("much was said", || async { lost().await.2 > ENOUGH }).await;
    let (kept, beginning, _) = lost().await;
    assert!(beginning && kept < 5 << 20, "{kept} bytes kept");
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let resident =
        status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap().trim().trim_end_matches(" kB").parse::<u64>().unwrap();
    assert!(resident < 150 << 10, "the tool itself has {resident} KiB");
    assert_eq!(lab.close().await, Vec::<String>::new());
}

/// A program that neither answers nor ends, and says more than anybody reads.
fn mute(user: &User) -> Result<(), Failed> {
    let folder = user.folder();
    for (name, script, reason) in [
        ("silent", "sleep 86395 & exec sleep 86395", "did not end within 10 s and was killed"),
        ("endless", "exec yes", "said more than 65536 bytes and was killed"),
        ("hungry", "x=1; while :; do x=$x$x; done", "is not a Redis or Valkey server"),
    ] {
        let server = folder.path().join(name);
        std::fs::write(&server, format!("#!/bin/sh\n{script}\n"))?;
        std::fs::set_permissions(&server, PermissionsExt::from_mode(0o755))?;
        let wanted = serde_json::json!({ "binary": server }).to_string();
        let began = Instant::now();
        let output = user.tool(&["server", &wanted]).output()?;
        assert_eq!(output.status.code(), Some(crate::NO_SERVER.into()), "{}", told(&output));
        assert!(String::from_utf8_lossy(&output.stderr).contains(reason), "{name}: {}", told(&output));
        assert!(began.elapsed() < Duration::from_secs(40));
    }
    let commands = std::fs::read_dir("/proc")?.flatten().filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
    assert_eq!(commands.filter(|command| command.ends_with(b"sleep\x0086395\0")).count(), 0);
    Ok(())
}
