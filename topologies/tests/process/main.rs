//! The embedded runtime as its users meet it: a program that enters the namespaces and runs servers there, as root and
//! as an ordinary user, and what is left when any of its processes is killed.
//!
//! This program is its own subject: called with `outer <scene> …` it enters the namespaces, and inside it plays the scene.

#![expect(clippy::unwrap_used, reason = "a test program: a panic is how it fails")]

mod inside;
mod kills;
mod outside;
mod servers;
mod signals;
mod user;

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
    if arguments.first().is_some_and(|first| first == "outer") {
        if let [_, scene, name] = arguments.as_slice()
            && scene == "server"
            && let Err(error) = servers::fetch(&name.to_string_lossy())
        {
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
    let tests: Vec<Test> = [outside::TESTS, signals::TESTS, kills::TESTS, servers::TESTS].concat();
    let trials = user::here().into_iter().flat_map(|user| {
        let trial = move |(name, test): &Test| {
            let (test, user) = (*test, user);
            Trial::test(format!("{name}_as_{}", user.name()), move || test(&user))
        };
        tests.iter().map(trial).collect::<Vec<_>>()
    });
    let conclusion = libtest_mimic::run(&Arguments::from_args(), trials.collect());
    user::clear();
    conclusion.exit_code()
}
