//! `redquake clean` and the cache of server software, on a machine without a Docker engine.

use std::fs;

use crate::support::{Ended, ended, folder, redquake};

#[test]
fn the_cache_is_listed_with_its_size_and_removed_only_by_who_asks_for_it() {
    let place = folder(&[
        ("cache/redquake/servers/bookworm-redis-0123456789ab/usr/bin/redis-server", &"x".repeat(3 << 10)),
        ("cache/redquake/servers/.bookworm-redis-0123456789ab.lock", ""),
        ("cache/redquake/servers/sid-valkey-ba9876543210/usr/bin/valkey-server", ""),
        ("cache/somebody/else", "kept"),
        ("outside/file", "kept"),
    ]);
    let servers = place.path().join("cache/redquake/servers");
    std::os::unix::fs::symlink(place.path().join("outside"), servers.join("planted")).unwrap();
    std::os::unix::fs::symlink(place.path().join("outside"), servers.join("sid-valkey-ba9876543210/planted")).unwrap();
    let clean = |options: &[&str]| -> Ended {
        let mut command = redquake(&["clean"]);
        command.args(options).env("XDG_CACHE_HOME", place.path().join("cache"));
        ended(command.env("DOCKER_HOST", format!("unix://{}", place.path().join("none.sock").display())))
    };
    let tree = servers.join("bookworm-redis-0123456789ab");
    let what = format!("cache {} (3 KiB)", tree.display());

    let listed = clean(&["--dry-run"]);
    assert_eq!(listed.code, 0, "{}", listed.stderr);
    assert!(listed.stdout.contains(&format!("would be kept: {what}; --cache removes it")), "{}", listed.stdout);
    assert!(clean(&["--dry-run", "--cache"]).stdout.contains(&format!("would be removed: {what}")));
    let kept = clean(&[]);
    assert!(!kept.stdout.contains("cache ") && tree.exists(), "{}", kept.stdout);

    let removed = clean(&["--cache"]);
    assert_eq!((removed.code, removed.stderr.as_str()), (0, ""));
    assert!(removed.stdout.contains(&format!("removed: {what}")) && removed.stdout.contains("valkey"), "{}", removed.stdout);
    assert!(!tree.exists() && !servers.join("sid-valkey-ba9876543210").exists());
    assert_eq!(fs::read_to_string(place.path().join("outside/file")).unwrap(), "kept", "a planted link was followed");
    assert!(place.path().join("cache/somebody/else").exists());
    assert!(!clean(&["--cache"]).stdout.contains("cache "), "nothing is there any more");
}
