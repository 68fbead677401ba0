//! The ready experiments and their schema.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::path::{Path, PathBuf};

use redquake_experiments::{catalogue, spec};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// Folders of ready experiments: all but the crate's own.
fn shipped() -> Vec<PathBuf> {
    let own = ["src", "tests", "benches", "schema"];
    let mut files = Vec::new();
    for folder in std::fs::read_dir(root()).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()) {
        if own.contains(&folder.file_name().unwrap().to_str().unwrap()) {
            continue;
        }
        let inside = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        files.extend(inside.filter(|path| path.extension().is_some_and(|extension| extension == "yaml")));
    }
    files.sort();
    files
}

fn name(path: &Path) -> String {
    path.strip_prefix(root()).unwrap().with_extension("").display().to_string()
}

#[test]
fn the_catalogue_embeds_every_shipped_experiment() {
    let mut embedded: Vec<String> = catalogue::entries().map(|entry| entry.name.to_owned()).collect();
    embedded.sort();
    let mut shipped: Vec<String> = shipped().iter().map(|path| name(path)).collect();
    shipped.sort();
    assert_eq!(embedded, shipped);
}

#[test]
fn every_shipped_experiment_is_valid_without_a_warning() {
    for entry in catalogue::entries() {
        let loaded = spec::load(entry.name, entry.text.as_bytes(), &|_| Err("nothing beside it".to_owned()));
        assert_eq!(loaded.render_human(false), "");
        let experiment = loaded.experiment.unwrap();
        assert_eq!(experiment.description, entry.description);
        assert!(!entry.description.is_empty());
    }
}

#[test]
fn every_shipped_experiment_begins_with_both_modelines() {
    for path in shipped() {
        let text = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = text.lines().take(2).collect();
        let schema = lines[0].strip_prefix("# yaml-language-server: $schema=").expect("the modeline of the YAML language server");
        assert_eq!(lines[1], format!("# $schema: {schema}"), "the modeline of JetBrains");
        assert!(path.parent().unwrap().join(schema).exists(), "{}: {schema}", path.display());
    }
}

#[test]
fn an_experiment_is_found_by_its_name_with_or_without_folder_and_suffix() {
    let text = catalogue::find("sentinel/primary-kill").unwrap();
    assert_eq!(catalogue::find("sentinel/primary-kill"), Ok(text));
    assert_eq!(catalogue::find("sentinel/primary-kill.yaml"), Ok(text));
    assert!(catalogue::find("kill").is_err());
}

#[test]
fn what_an_experiment_says_reads_back_from_json() {
    for entry in catalogue::entries() {
        let experiment = spec::load(entry.name, entry.text.as_bytes(), &|_| Err(String::new())).experiment.unwrap();
        let json = serde_json::to_string(&experiment).unwrap();
        let again: spec::Experiment = serde_json::from_str(&json).unwrap();
        assert_eq!(again, experiment);
        // JSON is YAML: the resolved experiment in a result can be run as it is.
        assert_eq!(spec::load(entry.name, json.as_bytes(), &|_| Err(String::new())).experiment, Some(experiment));
    }
}

#[test]
fn without_its_modelines_an_experiment_is_the_same_and_names_no_schema() {
    for entry in catalogue::entries() {
        let text = catalogue::without_modelines(entry.text);
        assert!(entry.text.ends_with(text));
        assert!(text.starts_with("# ") && !text.contains("schema"), "{text}");
        let load = |text: &str| spec::load(entry.name, text.as_bytes(), &|_| Err(String::new())).experiment.unwrap();
        assert_eq!(load(text), load(entry.text));
    }
}
