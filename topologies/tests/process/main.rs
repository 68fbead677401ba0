//! The embedded runtime as its users meet it: a program that enters the namespaces and runs servers there, as root and
//! as an ordinary user, and what is left when any of its processes is killed.
//!
//! This program is its own subject: called with `outer <scene> …` it enters the namespaces, and inside it plays the scene.

#![expect(clippy::unwrap_used, reason = "a test program: a panic is how it fails")]

mod captive;
mod clock;
mod comeback;
mod disk;
mod inside;
mod kills;
mod leftovers;
mod outside;
#[path = "../shaping/mod.rs"]
mod scenes;
mod servers;
mod shaping;
mod signals;
mod user;
mod walls;
mod zones;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};
use redquake_topologies::process;

use self::user::User;

/// A test with the name it is reported by.
type Test = (&'static str, fn(&User) -> Result<(), Failed>);

/// Exit code of this program where a server can neither be found nor fetched.
const NO_SERVER: u8 = 44;

fn main() -> ExitCode {
    if let Some(code) = process::stage() {
        return code;
    }
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    if process::inside() {
        return inside::play(&arguments);
    }
    if arguments.first().is_some_and(|first| first == walls::WITHOUT) {
        eprintln!("{}", walls::begin_anew(&arguments));
        return ExitCode::FAILURE;
    }
    if arguments.first().is_some_and(|first| first == "outer") {
        let words: Vec<_> = arguments.iter().map(|word| word.to_string_lossy()).collect();
        let fetched = match words.iter().map(AsRef::as_ref).collect::<Vec<&str>>().as_slice() {
            [_, "server", name] => servers::fetch(name),
            [_, "clock", name] => servers::fetch(name).and_then(|()| servers::fetch_clock()),
            [_, "database"] => servers::fetch_database(),
            _ => Ok(()),
        };
        if let Err(error) = fetched {
            eprintln!("{error}");
            return ExitCode::from(NO_SERVER);
        }
        return match process::enter(arguments[1..].to_vec()) {
            Ok(code) => ExitCode::from(code),
            Err(error) => {
                eprintln!("{error}");
                ExitCode::from(4)
            }
        };
    }
    let trials = |tests: &[Test], long: fn(&str, User) -> Option<&'static str>| -> Vec<Trial> {
        let of = move |user: User| {
            let trial = move |(name, test): &Test| {
                let (test, reason) = (*test, long(name, user));
                // Ignored tests have their reason in front of their name.
                let kind = reason.map(|reason| format!("{reason}: ci/test --all")).unwrap_or_default();
                Trial::test(format!("{name}_as_{}", user.name()), move || test(&user)).with_kind(kind).with_ignored_flag(reason.is_some())
            };
            tests.iter().map(trial).collect::<Vec<_>>()
        };
        user::here().into_iter().flat_map(of).collect()
    };
    let arguments = Arguments::from_args();
    let together = [captive::TESTS, clock::TESTS, outside::TESTS, signals::TESTS, kills::TESTS, servers::TESTS].concat();
    // Most of the time they wait.
    let at_once = std::thread::available_parallelism().map_or(1, |cpus| cpus.get()) * 2;
    let several = Arguments { test_threads: arguments.test_threads.or(Some(at_once)), ..arguments.clone() };
    let together = libtest_mimic::run(&several, trials(&together, |_, _| None));
    // These measure milliseconds, so they are run one after the other when the others are done.
    let alone = libtest_mimic::run(&Arguments { test_threads: Some(1), ..arguments }, trials(shaping::TESTS, shaping::long));
    user::clear();
    if together.has_failed() { together.exit_code() } else { alone.exit_code() }
}
