//! The ready experiments, embedded.

/// A ready experiment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// Path below `experiments/`, for example `sentinel/primary-kill.yaml`.
    pub path: &'static str,
    /// Its text.
    pub text: &'static str,
}

macro_rules! entries {
    ($($path:literal),* $(,)?) => {
        &[$(Entry { path: $path, text: include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/", $path)) }),*]
    };
}

/// Every ready experiment; a test compares the list with the folders.
pub const CATALOGUE: &[Entry] = entries!["sentinel/primary-kill.yaml", "sentinel/lost-locks.yaml"];

/// The entry of that path, with or without `.yaml` and the folder.
pub fn find(name: &str) -> Option<&'static Entry> {
    let stem = |path: &'static str| path.trim_end_matches(".yaml");
    let short = |path: &'static str| stem(path).rsplit('/').next().unwrap_or(path);
    let name = name.trim_end_matches(".yaml");
    CATALOGUE.iter().find(|entry| stem(entry.path) == name || short(entry.path) == name)
}
