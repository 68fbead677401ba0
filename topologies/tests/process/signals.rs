//! Signals on their way to the tool inside.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use libtest_mimic::Failed;
use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use crate::Test;
use crate::user::User;

pub const TESTS: &[Test] = &[
    ("interrupt_terminate_and_hang_up_arrive_once", arrive_once),
    ("a_signal_to_the_whole_process_group_arrives_once", group_signal_arrives_once),
    ("a_signal_during_the_start_is_not_lost", not_lost_during_the_start),
    ("a_tool_without_a_handler_dies_of_the_signal", dies_of_the_signal),
    ("control_c_at_a_terminal_arrives_once", control_c_arrives_once),
];

fn pid(child: &Child) -> Pid {
    Pid::from_child(child)
}

/// What the tool inside says after it was ready and `send` was done to the one outside, with the exit code.
fn heard(mut tool: Command, send: impl FnOnce(Pid)) -> Result<(Vec<String>, Option<i32>), Failed> {
    let mut child = tool.process_group(0).stdout(Stdio::piped()).spawn()?;
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().transpose()?.as_deref(), Some("ready"));
    send(pid(&child));
    let said = lines.collect::<Result<_, _>>()?;
    Ok((said, child.wait()?.code()))
}

fn arrive_once(user: &User) -> Result<(), Failed> {
    for (signal, name) in [(Signal::INT, "interrupt"), (Signal::TERM, "terminate"), (Signal::HUP, "hang-up")] {
        let (said, code) = heard(user.tool(&["signals"]), |pid| kill_process(pid, signal).unwrap())?;
        assert_eq!((said, code), (vec![name.to_owned()], Some(130)));
    }
    Ok(())
}

fn group_signal_arrives_once(user: &User) -> Result<(), Failed> {
    let (said, code) = heard(user.tool(&["signals"]), |pid| kill_process_group(pid, Signal::INT).unwrap())?;
    assert_eq!((said, code), (vec!["interrupt".to_owned()], Some(130)));
    Ok(())
}

fn not_lost_during_the_start(user: &User) -> Result<(), Failed> {
    for wait in [5, 10, 20, 30, 40, 60, 80] {
        let mut child = user.tool(&["signals"]).stdout(Stdio::null()).spawn()?;
        // An instant of the start, whichever: there is no condition to wait for.
        std::thread::sleep(std::time::Duration::from_millis(wait));
        kill_process(pid(&child), Signal::TERM)?;
        let begun = std::time::Instant::now();
        let status = child.wait()?;
        assert!(begun.elapsed().as_secs() < 10, "sent after {wait} ms, not heard: {status}");
    }
    Ok(())
}

fn dies_of_the_signal(user: &User) -> Result<(), Failed> {
    let mut child = user.tool(&["hold"]).stdout(Stdio::piped()).spawn()?;
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.is_ok_and(|line| line == "running")));
    kill_process(pid(&child), Signal::TERM)?;
    assert_eq!(child.wait()?.code(), Some(143));
    Ok(())
}

/// `script` of util-linux gives the tool a terminal, and the terminal turns the byte 3 into a signal.
fn control_c_arrives_once(user: &User) -> Result<(), Failed> {
    let tool = user.tool(&["signals"]);
    let words: Vec<_> =
        std::iter::once(tool.get_program()).chain(tool.get_args()).map(|word| word.to_string_lossy().into_owned()).collect();
    let mut script = Command::new("script");
    script.args(["--quiet", "--return", "--command", &words.join(" "), "/dev/null"]);
    let mut child = script.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut keyboard = child.stdin.take().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().transpose()?.as_deref().map(str::trim), Some("ready"));
    std::io::Write::write_all(&mut keyboard, &[3])?;
    let said: Vec<String> = lines.map_while(Result::ok).map(|line| line.trim().trim_start_matches("^C").to_owned()).collect();
    assert_eq!((said, child.wait()?.code()), (vec!["interrupt".to_owned()], Some(130)));
    drop(keyboard);
    Ok(())
}
