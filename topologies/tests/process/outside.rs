//! Labs, seen from where the tool is started.

use std::process::Output;

use libtest_mimic::Failed;

use crate::Test;
use crate::user::User;

pub const TESTS: &[Test] = &[
    ("two_labs_at_once_do_not_see_each_other", |user| plays(user, "two-labs")),
    ("a_killed_node_keeps_its_address_and_its_data_over_restarts", |user| plays(user, "restart")),
    ("a_paused_server_is_alive_and_silent", |user| plays(user, "pause")),
    ("forks_of_killed_servers_end_with_them", |user| plays(user, "orphans")),
    ("a_server_comes_back_as_it_was_started_or_as_it_was_left_with_or_without_data", |user| plays(user, "comeback")),
    ("a_full_disk_refuses_snapshots_until_it_is_freed_and_outlives_the_server", |user| plays(user, "disk")),
    ("zones_have_addresses_of_their_own_by_which_they_are_cut_off", |user| plays(user, "zones")),
    ("a_closed_lab_leaves_no_process_link_namespace_or_file", |user| plays(user, "close")),
    ("what_cannot_be_done_is_said", |user| plays(user, "refusals")),
    ("the_exit_code_is_the_tools_own", the_exit_code_is_the_tools_own),
    ("output_and_arguments_pass_through", output_and_arguments_pass_through),
    ("where_namespaces_are_forbidden_the_way_out_is_said", forbidden),
    ("nothing_on_the_machine_is_touched", nothing_on_the_machine_is_touched),
    ("a_variable_that_says_inside_has_no_effect", a_variable_has_no_effect),
    ("stages_of_the_tool_do_nothing_when_they_are_called_by_hand", stages_by_hand),
];

fn plays(user: &User, scene: &str) -> Result<(), Failed> {
    let output = user.tool(&[scene]).output()?;
    if output.status.success() { Ok(()) } else { Err(told(&output).into()) }
}

fn told(output: &Output) -> String {
    format!("{}\n{}{}", output.status, String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn the_exit_code_is_the_tools_own(user: &User) -> Result<(), Failed> {
    for (scene, expected) in [(["exit", "0"], 0), (["exit", "1"], 1), (["exit", "3"], 3), (["exit", "70"], 70)] {
        let output = user.tool(&scene).output()?;
        assert_eq!(output.status.code(), Some(expected), "{scene:?}: {}", told(&output));
    }
    // What kills it is no part of the run.
    for (signal, name) in [("9", "SIGKILL"), ("15", "SIGTERM")] {
        let output = user.tool(&["die", signal]).output()?;
        assert_eq!(output.status.code(), Some(4), "{name}: {}", told(&output));
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains(&format!("killed the inner process that performs the run ({name})")), "{}", told(&output));
    }
    Ok(())
}

fn output_and_arguments_pass_through(user: &User) -> Result<(), Failed> {
    let output = user.tool(&["print", "--", "ä b", "-x", ""]).output()?;
    assert_eq!(String::from_utf8_lossy(&output.stdout), "-- ä b -x \n", "{}", told(&output));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    Ok(())
}

/// A user namespace in which nobody may make another one, and a user in it without any capability.
fn forbidden(user: &User) -> Result<(), Failed> {
    let tool = user.tool(&["exit", "0"]);
    let words = std::iter::once(tool.get_program()).chain(tool.get_args().filter(|word| *word != "--"));
    let words: Vec<_> = words.skip_while(|word| *word != user.program()).collect();
    let forbid = "echo 0 > /proc/sys/user/max_user_namespaces && exec setpriv --bounding-set -all --no-new-privs -- \"$@\"";
    let mut command = user.command("unshare");
    let output = command.args(["--user", "--map-root-user", "sh", "-c", forbid, "sh"]).args(words).output()?;
    assert_eq!(output.status.code(), Some(4), "{}", told(&output));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("sysctl user.max_user_namespaces") && said.contains("--runtime docker"), "{said}");
    Ok(())
}

fn nothing_on_the_machine_is_touched(user: &User) -> Result<(), Failed> {
    let folder = user.folder();
    let mut tool = user.tool(&["close"]);
    for variable in ["HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR"] {
        tool.env(variable, folder.path());
    }
    let output = tool.current_dir(folder.path()).output()?;
    assert!(output.status.success(), "{}", told(&output));
    assert_eq!(std::fs::read_dir(folder.path())?.count(), 0);
    let ours = |name: &str| name.contains("redquake") || name.starts_with("lab");
    for place in ["/run", "/run/netns", "/sys/class/net"] {
        let entries = std::fs::read_dir(place).into_iter().flatten().flatten();
        let found: Vec<_> = entries.map(|entry| entry.file_name()).filter(|name| ours(&name.to_string_lossy())).collect();
        assert!(found.is_empty(), "{place}: {found:?}");
    }
    Ok(())
}

/// Whoever writes the environment could once have the lab built on the network of the machine itself.
fn a_variable_has_no_effect(user: &User) -> Result<(), Failed> {
    let namespace = std::fs::read_link("/proc/self/ns/pid")?;
    // Outside, it enters the namespaces as ever, and the exit code is the scene's.
    let output = user.tool(&["exit", "3"]).env("REDQUAKE_INSIDE", &namespace).output()?;
    assert_eq!(output.status.code(), Some(3), "{}", told(&output));
    // A first process that is not the tool's own is not enough either: here it is a shell in namespaces of its own.
    let words = user.tool(&["exit", "3"]);
    let words: Vec<_> = std::iter::once(words.get_program()).chain(words.get_args()).skip_while(|word| *word != user.program()).collect();
    let forged = "printf '%s %s %s' $(readlink /proc/self/ns/net /proc/self/ns/mnt /proc/self/ns/pid) \
                  > /run/.redquake-namespaces; export REDQUAKE_INSIDE=$(readlink /proc/self/ns/pid); \"$@\"; exit $?";
    let mut command = user.command("unshare");
    command.args(["--user", "--map-root-user", "--mount", "--net", "--pid", "--fork", "--mount-proc", "sh", "-c"]);
    let mounted = format!("mount -t tmpfs redquake /run && {forged}");
    let output = command.arg(mounted).arg("sh").args(words).output()?;
    assert_eq!(output.status.code(), Some(3), "{}", told(&output));
    Ok(())
}

fn stages_by_hand(user: &User) -> Result<(), Failed> {
    for arguments in [
        &["__redquake-init", "1", "net:[1] mnt:[1] pid:[1]", "exit", "3"][..],
        &["__redquake-init", "1", "", "exit", "3"],
        &["__redquake-init"],
        &["__redquake-box"],
        &["__redquake-ask", "1"],
        &["__redquake-keep"],
        &["__redquake-unshare", "1", "exit", "3"],
    ] {
        let output = user.command(user.program()).args(arguments).stdin(std::process::Stdio::null()).output()?;
        assert_eq!(output.status.code(), Some(4), "{arguments:?}: {}", told(&output));
    }
    Ok(())
}
