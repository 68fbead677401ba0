//! Commands that only print: schemas, the catalogue, completions.

use serde_json::Value;

use crate::support::{repository, tell};

#[test]
fn printed_schemas_are_the_committed_ones() {
    let files = [
        ("experiment", "experiments/schema/experiment.schema.json"),
        ("topology", "experiments/schema/topology.schema.json"),
        ("result", "reports/schema/result.schema.json"),
        ("matrix", "reports/schema/matrix.schema.json"),
    ];
    for (name, file) in files {
        let ended = tell(&["schema", name]);
        assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
        let committed: Value = serde_json::from_slice(&std::fs::read(repository(file)).unwrap()).unwrap();
        assert!(serde_json::from_str::<Value>(&ended.stdout).unwrap() == committed, "{file} is not what `redquake schema {name}` prints");
    }
    assert_eq!(tell(&["schema"]).stdout, tell(&["schema", "experiment"]).stdout);
}

#[test]
fn the_list_has_a_line_an_experiment() {
    let ended = tell(&["list"]);
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
    insta::assert_snapshot!(ended.stdout);
}

#[test]
fn completions_know_the_commands_of_every_shell_asked_for() {
    for (shell, begins) in [("bash", "_redquake()"), ("zsh", "#compdef redquake"), ("fish", "# Print an optspec")] {
        let ended = tell(&["completions", shell]);
        assert_eq!((ended.code, ended.stderr.as_str()), (0, ""), "{shell}");
        assert!(ended.stdout.starts_with(begins), "{shell}: {}", ended.stdout.lines().next().unwrap());
        for command in ["run", "validate", "analyze"] {
            assert!(ended.stdout.contains(command), "{shell}: {command}");
        }
    }
    assert_eq!(tell(&["completions", "tcsh"]).code, 2);
}
