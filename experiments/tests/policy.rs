//! What a file may ask of the machine, for those who run it to say.

use redquake_experiments::spec::{self, Loaded, Policy, Server, Trust};

fn load(server: &str, trust: Trust) -> Loaded {
    let text = format!(
        "version: 1
name: policy
topology: {{ kind: sentinel, server: {server}, config: {{ sentinel: {{ down-after-milliseconds: 1000 }} }} }}
duration: 20s
faults:
  - {{ name: crash, at: 4s, action: kill, target: {{ role: primary }} }}
assert:
  - {{ metric: failover.write_gap, expect: \"max < 5s\" }}
"
    );
    let program = |path: &str| if path == "mine/server" { Ok("/home/mine/server".to_owned()) } else { Err("it is not allowed".to_owned()) };
    spec::load_under("a.yaml", text.as_bytes(), &|_| Err(String::new()), &Policy { trust, because: "who knows", program: &program })
}

fn problems(loaded: &Loaded) -> Vec<(&str, u32, u32)> {
    let place = |span| loaded.sources.location(span);
    loaded.problems.iter().map(|problem| (problem.code, place(&problem.span).line, place(&problem.span).column)).collect()
}

#[test]
fn an_untrusted_file_names_no_program_and_no_image() {
    for server in ["{ binary: mine/server }", "{ image: mine/redis }"] {
        let loaded = load(server, Trust::Untrusted);
        assert_eq!(problems(&loaded), [("RQ0285", 3, 37)]);
        assert!(loaded.experiment.is_none() && loaded.render_human(false).contains("who knows"), "{}", loaded.render_human(false));
    }
    assert!(load("valkey:8.1", Trust::Untrusted).experiment.is_some());
}

#[test]
fn a_trusted_file_names_a_program_by_the_path_that_was_looked_at() {
    let loaded = load("{ binary: mine/server }", Trust::Trusted);
    assert_eq!(*loaded.experiment.unwrap().topology.server(), Server::Binary("/home/mine/server".to_owned()));
    assert!(load("{ image: mine/redis }", Trust::Trusted).experiment.is_some());
}

#[test]
fn a_program_that_is_not_allowed_is_refused_at_its_place() {
    let loaded = load("{ binary: /bin/sh }", Trust::Trusted);
    assert_eq!(problems(&loaded), [("RQ0284", 3, 37)]);
    assert!(loaded.render_human(false).contains("it is not allowed"));
}

#[test]
fn a_cell_of_a_matrix_is_held_to_the_policy() {
    let text = "version: 1
name: policy
topology: { kind: sentinel, config: { sentinel: { down-after-milliseconds: 1000 } } }
matrix: { topology.server: [redis:7.0, { binary: /bin/sh }] }
duration: 20s
faults:
  - { name: crash, at: 4s, action: kill, target: { role: primary } }
assert:
  - { metric: failover.write_gap, expect: \"max < 5s\" }
";
    let refuse = |_: &str| Err("it is not allowed".to_owned());
    let policy = Policy { trust: Trust::Untrusted, because: "", program: &refuse };
    let loaded = spec::load_under("a.yaml", text.as_bytes(), &|_| Err(String::new()), &policy);
    assert_eq!(problems(&loaded), [("RQ0285", 4, 40)]);
    assert!(loaded.experiment.is_none() && loaded.cells.is_empty());
}
