//! Labs, seen from where the tool is started.

use std::process::Output;

use libtest_mimic::Failed;

use crate::Test;
use crate::user::User;

pub const TESTS: &[Test] = &[
    ("two_labs_at_once_do_not_see_each_other", |user| plays(user, "two-labs")),
    ("a_killed_node_keeps_its_address_and_its_data_over_restarts", |user| plays(user, "restart")),
    ("a_paused_server_is_alive_and_silent", |user| plays(user, "pause")),
    ("forks_of_killed_servers_are_reaped", |user| plays(user, "orphans")),
    ("a_server_comes_back_as_it_was_started_or_as_it_was_left_with_or_without_data", |user| plays(user, "comeback")),
    ("a_full_disk_refuses_snapshots_until_it_is_freed_and_outlives_the_server", |user| plays(user, "disk")),
    ("zones_have_addresses_of_their_own_by_which_they_are_cut_off", |user| plays(user, "zones")),
    ("a_closed_lab_leaves_no_process_link_namespace_or_file", |user| plays(user, "close")),
    ("what_cannot_be_done_is_said", |user| plays(user, "refusals")),
    ("the_exit_code_is_the_tools_own", the_exit_code_is_the_tools_own),
    ("output_and_arguments_pass_through", output_and_arguments_pass_through),
    ("where_namespaces_are_forbidden_the_way_out_is_said", forbidden),
    ("nothing_on_the_machine_is_touched", nothing_on_the_machine_is_touched),
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
