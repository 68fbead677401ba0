//! Help and bad usage.

use crate::support::tell;

#[test]
fn help_reads_as_in_the_snapshots() {
    insta::assert_snapshot!("help", tell(&["--help"]).stdout);
    for command in ["run", "validate", "plan", "init"] {
        let ended = tell(&[command, "--help"]);
        assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
        insta::assert_snapshot!(format!("help-{command}"), ended.stdout);
    }
}

#[test]
fn the_version_is_that_of_the_package() {
    assert_eq!(tell(&["--version"]).stdout, format!("redquake {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn bad_usage_ends_with_2_and_is_told_on_stderr() {
    let wrong: [&[&str]; 9] = [
        &[],
        &["rnu"],
        &["run"],
        &["run", "--trials", "0", "primary-kill"],
        &["run", "--trials", "many", "primary-kill"],
        &["run", "--runtime", "kubernetes", "primary-kill"],
        &["run", "--jobs", "0", "primary-kill"],
        &["validate", "--format", "xml", "primary-kill"],
        &["plan"],
    ];
    for arguments in wrong {
        let ended = tell(arguments);
        assert_eq!((ended.code, ended.stdout.as_str()), (2, ""), "{arguments:?}");
        assert!(!ended.stderr.is_empty(), "{arguments:?}");
    }
}

#[test]
fn a_mistyped_command_gets_a_suggestion() {
    assert!(tell(&["validat"]).stderr.contains("validate"));
}

#[test]
fn a_name_that_is_nothing_is_told_with_the_way_to_find_one() {
    for command in ["run", "validate", "plan"] {
        let ended = tell(&[command, "sentinel/primary-kil"]);
        assert_eq!((ended.code, ended.stdout.as_str()), (2, ""));
        assert_eq!(
            ended.stderr,
            "redquake: sentinel/primary-kil: no such file or folder, and no experiment of that name in `redquake list`; did you mean `sentinel/primary-kill`?\n"
        );
    }
}
