//! Topology files and included `redis.conf`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::cell::RefCell;

use redquake_experiments::spec::{self, Loaded};

const REST: &str = "duration: 30s
workloads:
  - { name: locks, kind: lock, clients: 8, rate: 200/s, keys: 16, ttl: 3s, hold: 50ms }
faults:
  - { name: crash, at: 4s, action: kill, target: { role: primary } }
assert:
  - { metric: failover.write_gap, expect: \"max < 5s\" }
";

/// Loads an experiment with files beside it; also the paths that were asked for.
fn load(topology: &str, files: &[(&str, &str)]) -> (Loaded, Vec<String>) {
    let asked = RefCell::new(Vec::new());
    let text = format!("version: 1\nname: includes\n{topology}\n{REST}");
    let loaded = spec::load("experiments/mine/a.yaml", text.as_bytes(), &|path| {
        asked.borrow_mut().push(path.to_owned());
        files.iter().find(|(name, _)| *name == path).map(|(_, text)| text.as_bytes().to_vec()).ok_or("no such file".to_owned())
    });
    (loaded, asked.into_inner())
}

fn redis_directives(loaded: &Loaded) -> Vec<(String, String)> {
    let topology = loaded.experiment.as_ref().unwrap().topology.sentinel().unwrap();
    topology.config.redis.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn pair(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

#[test]
fn a_topology_can_be_a_file_of_its_own() {
    let file = "version: 1\nkind: sentinel\nreplicas: 4\nconfig:\n  sentinel: { down-after-milliseconds: 1000 }\n";
    let (loaded, _) = load("topology: ../../topologies/five.yaml", &[("../../topologies/five.yaml", file)]);
    assert_eq!(loaded.render_human(false), "");
    let experiment = loaded.experiment.unwrap();
    let topology = experiment.topology.sentinel().unwrap();
    assert_eq!(topology.replicas, 4);
    let names: Vec<&str> = loaded.sources.files().iter().map(|file| file.name.as_str()).collect();
    assert_eq!(names, ["experiments/mine/a.yaml", "topologies/five.yaml"]);
}

#[test]
fn places_in_a_topology_file_are_told_with_its_name() {
    let file = "version: 1\nkind: sentinel\nquorum: 9\n";
    let (loaded, _) = load("topology: t.yaml", &[("t.yaml", file)]);
    let place = loaded.location("topology.quorum").unwrap();
    assert_eq!((place.file.as_str(), place.line, place.column), ("experiments/mine/t.yaml", 3, 9));
}

#[test]
fn a_topology_file_without_a_version_is_refused() {
    let (loaded, _) = load("topology: t.yaml", &[("t.yaml", "kind: sentinel\n")]);
    assert_eq!(loaded.problems[0].code, "RQ0101");
    assert!(loaded.experiment.is_none());
}

#[test]
fn an_included_conf_comes_first_and_written_directives_replace_its_own() {
    let conf = "maxmemory 12gb\nsave 900 1\nsave 300 10\nappendfsync always\nnotify-keyspace-events \"\"\n";
    let topology = "topology:
  kind: sentinel
  config:
    redis: { appendfsync: everysec, include: prod.conf, hz: 20 }
    sentinel: { down-after-milliseconds: 1000 }";
    let (loaded, _) = load(topology, &[("prod.conf", conf)]);
    assert_eq!(loaded.render_human(false), "");
    let wanted = [
        pair("maxmemory", "12gb"),
        pair("save", "900 1"),
        pair("save", "300 10"),
        pair("notify-keyspace-events", ""),
        pair("appendfsync", "everysec"),
        pair("hz", "20"),
    ];
    assert_eq!(redis_directives(&loaded), wanted);
}

#[test]
fn directives_the_tool_sets_itself_are_left_out_of_an_included_conf_with_a_warning() {
    let conf = "port 7000\nreplicaof 10.0.0.1 6379\nmaxmemory 1gb\n";
    let topology = "topology: { kind: sentinel, config: { redis: { include: prod.conf }, sentinel: { down-after-milliseconds: 1000 } } }";
    let (loaded, _) = load(topology, &[("prod.conf", conf)]);
    let codes: Vec<&str> = loaded.problems.iter().map(|problem| problem.code).collect();
    assert_eq!(codes, ["RQ0312", "RQ0312"]);
    assert_eq!(redis_directives(&loaded), [pair("maxmemory", "1gb")]);
}

#[test]
fn a_conf_is_looked_for_beside_the_topology_file_that_names_it() {
    let file = "version: 1\nkind: sentinel\nconfig:\n  redis: { include: conf/prod.conf }\n  sentinel: { down-after-milliseconds: 1000 }\n";
    let (loaded, asked) = load("topology: ../shared/t.yaml", &[("../shared/t.yaml", file), ("../shared/conf/prod.conf", "hz 20\n")]);
    assert_eq!(asked, ["../shared/t.yaml", "../shared/conf/prod.conf"]);
    assert_eq!(redis_directives(&loaded), [pair("hz", "20")]);
}

#[test]
fn directives_keep_the_order_and_the_spelling_of_the_file() {
    let topology = "topology: { kind: sentinel, config: { redis: { zset-max-listpack-entries: 1_000, activedefrag: \"no\", hz: 1e2, save: [] }, sentinel: { down-after-milliseconds: 1000 } } }";
    let (loaded, _) = load(topology, &[]);
    let wanted = [pair("zset-max-listpack-entries", "1_000"), pair("activedefrag", "no"), pair("hz", "1e2")];
    assert_eq!(redis_directives(&loaded), wanted);
}

#[test]
fn no_diagnostic_shows_a_password() {
    let conf = "requirepass \"hunter2 é\"\nmasterauth hunter2\nuser app on >hunter2 ~* +@all\n";
    let topology = "topology:
  kind: sentinel
  config:
    redis: { include: prod.conf, tls-key-file-pass: hunter2, requirepass: [hunter2] }
    sentinel: { down-after-milliseconds: 1000, auth-pass: hunter2 }";
    let (loaded, _) = load(topology, &[("prod.conf", conf)]);
    let shown = format!("{}{}{:?}", loaded.render_human(false), loaded.render_github(), loaded.problems_as_json());
    assert!(loaded.problems.len() >= 6 && !shown.contains("hunter2"), "{shown}");
}

/// Everything that is shown of a file, in every format.
fn shown(loaded: &Loaded) -> String {
    format!("{}{}{:?}", loaded.render_human(false), loaded.render_github(), loaded.problems_as_json())
}

const INCLUDING: &str = "topology: { kind: sentinel, config: { redis: { include: a.conf }, sentinel: { down-after-milliseconds: 1000 } } }";

#[test]
fn nothing_is_shown_of_an_included_file_that_is_no_configuration() {
    let key = format!("-----BEGIN KEY-----\n{}\n", "hunter2".repeat(9));
    let files =
        ["TOKEN=hunter2\n", "machine hunter2 login hunter2\n", "hunter2\n", "hz 10\nhz 20\nhunter2: 1\n", "\"hunter2", "a\0hunter2", &key];
    for text in files {
        let (loaded, _) = load(INCLUDING, &[("a.conf", text)]);
        assert!(loaded.has_errors() && loaded.experiment.is_none(), "{text:?}");
        assert!(!shown(&loaded).contains("hunter2"), "{text:?}: {}", shown(&loaded));
        assert!(shown(&loaded).contains("experiments/mine/a.conf:"), "the place is told: {}", shown(&loaded));
    }
}

#[test]
fn nothing_is_shown_of_a_topology_file_that_is_none() {
    let files = [
        "password: hunter2\n",
        "version: 1\nservices: hunter2\n",
        "kind: Secret\ndata: hunter2\n",
        "[hunter2]\n",
        "a: \"hunter2\n",
        "version: hunter2\n",
        "a: *hunter2\n",
        "a: !hunter2 b\n",
        "hunter2\n",
    ];
    for text in files {
        let (loaded, _) = load("topology: t.yaml", &[("t.yaml", text)]);
        assert!(loaded.has_errors(), "{text:?}");
        assert!(!shown(&loaded).contains("hunter2"), "{text:?}: {}", shown(&loaded));
    }
}

#[test]
fn quoted_names_of_an_included_conf_are_those_the_server_would_read() {
    let conf = "\"d\\x69r\" /etc\n'logfile' /tmp/a\nlo\"adm\"odule x\n\"hz\" 20\n";
    let (loaded, _) = load(INCLUDING, &[("a.conf", conf)]);
    // `lo\"adm\"odule` closes its quote inside a word, which servers refuse.
    assert_eq!(loaded.problems.iter().map(|problem| problem.code).collect::<Vec<_>>(), ["RQ0011"]);
    let (loaded, _) = load(INCLUDING, &[("a.conf", &conf.replace("lo\"adm\"odule", "\"loadmodule\""))]);
    assert_eq!(loaded.problems.iter().map(|problem| problem.code).collect::<Vec<_>>(), ["RQ0312", "RQ0312", "RQ0312"]);
    assert_eq!(redis_directives(&loaded), [pair("hz", "20")]);
}

#[test]
fn a_file_is_read_once_whatever_the_number_of_cells() {
    let topology = format!("{INCLUDING}\nmatrix: {{ jitter: [100ms, 200ms, 300ms, 400ms] }}");
    let (loaded, asked) = load(&topology, &[("a.conf", "no-such-directive 1\n")]);
    assert_eq!(asked, ["a.conf"]);
    assert_eq!(loaded.problems.iter().filter(|problem| problem.code == "RQ0282").count(), 1);
}

#[test]
fn wrong_lines_beyond_the_first_fifty_are_counted() {
    let conf: String = (0..11_283).map(|number| format!("word{number} x\n")).collect();
    let (loaded, _) = load(INCLUDING, &[("a.conf", &conf)]);
    assert_eq!(loaded.problems.len(), 51);
    assert!(loaded.problems[50].message.contains("and 11,233 more lines"), "{}", loaded.problems[50].message);
}

#[test]
fn a_topology_file_is_told_from_an_experiment() {
    assert!(spec::is_topology(b"version: 1\nkind: sentinel\nreplicas: 1\n"));
    assert!(!spec::is_topology(b"version: 1\nname: a\ntopology: { kind: sentinel }\n"));
    assert!(!spec::is_topology(b"kind: [\n"), "what cannot be read is not passed over");
    assert!(!spec::is_topology(b"- kind: sentinel\n"));
    assert!(!spec::is_topology(b""));
}

#[test]
fn an_experiment_is_known_by_the_beginnings_of_its_lines() {
    assert!(spec::is_experiment(b"version: 1\nname: a\ntopology: { kind: sentinel\n"), "also one that is no YAML");
    assert!(!spec::is_experiment(b"version: 1\npassword: hunter2\n"));
    assert!(!spec::is_experiment(b"apiVersion: v1\nkind: Secret\ntopology: x\n"));
}

#[test]
fn a_file_without_its_words_keeps_codes_and_places() {
    let loaded = spec::load("a.yaml", b"version: 1\npassword: hunter2\n", &|_| Err(String::new())).without_words();
    assert!(loaded.has_errors() && !shown(&loaded).contains("hunter2") && !shown(&loaded).contains("password"), "{}", shown(&loaded));
    assert!(shown(&loaded).contains("RQ0103") && shown(&loaded).contains("a.yaml:2:1"), "{}", shown(&loaded));
}

#[test]
fn a_file_that_cannot_be_read_is_a_problem_like_any_other() {
    let loaded = Loaded::unreadable("mine/a.yaml", "Permission denied (os error 13)");
    assert!(loaded.experiment.is_none() && loaded.has_errors());
    insta::assert_snapshot!(loaded.render_human(false));
}
