//! Output that nobody reads, or that cannot be written.

use std::fs::File;
use std::process::Stdio;

use crate::support::{VALID, broken, folder, redquake, results};

/// Standard output or error whose reader has gone before the first byte.
fn unread() -> Stdio {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    writer.into()
}

#[test]
fn a_reader_that_went_away_changes_no_exit_code() {
    let files = folder(&[("good.yaml", VALID), ("bad.yaml", &broken())]);
    let run = results();
    let analysed = redquake(&["analyze", run.path().to_str().unwrap()]).output().unwrap().status.code();
    let run = run.path().to_str().unwrap();
    let commands: [(&[&str], Option<i32>); 12] = [
        (&["--help"], Some(0)),
        (&["schema"], Some(0)),
        (&["list"], Some(0)),
        (&["completions", "bash"], Some(0)),
        (&["plan", "sentinel/primary-kill"], Some(0)),
        (&["plan", "sentinel/primary-kill", "--json"], Some(0)),
        (&["init"], Some(0)),
        (&["validate", "good.yaml"], Some(0)),
        (&["validate", "bad.yaml"], Some(2)),
        (&["validate", "bad.yaml", "--format", "json"], Some(2)),
        (&["validate", "bad.yaml", "--format", "github"], Some(2)),
        (&["analyze", run], analysed),
    ];
    for (arguments, code) in commands {
        let output = redquake(arguments).current_dir(files.path()).stdout(unread()).stderr(Stdio::piped()).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), code, "{arguments:?}: {stderr}");
        assert!(!stderr.contains("panicked"), "{arguments:?}: {stderr}");
    }
}

#[test]
fn messages_nobody_reads_change_no_exit_code() {
    let folder = folder(&[("bad.yaml", &broken())]);
    for arguments in [&["validate", "bad.yaml"][..], &["run", "bad.yaml"], &["run", "nothing"], &["analyze", "."]] {
        let status = redquake(arguments).current_dir(folder.path()).stdout(unread()).stderr(unread()).status().unwrap();
        assert_eq!(status.code(), Some(2), "{arguments:?}");
    }
}

#[test]
fn a_full_disk_is_told_and_is_no_success() {
    let full = File::options().write(true).open("/dev/full").unwrap();
    let output = redquake(&["schema"]).stdout(full).stderr(Stdio::piped()).output().unwrap();
    assert_eq!(output.status.code(), Some(4));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "redquake: part of the output is missing: No space left on device (os error 28)\n");
}
