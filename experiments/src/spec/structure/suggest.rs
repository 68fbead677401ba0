//! "Did you mean": the known word closest to what was written.

/// Words of other tools and older names, with the word used here.
const SYNONYMS: &[(&str, &str)] = &[
    ("master", "primary"),
    ("leader", "primary"),
    ("slave", "replica"),
    ("secondary", "replica"),
    ("slaves", "replicas"),
    ("runs", "trials"),
    ("repeat", "trials"),
    ("iterations", "trials"),
    ("assertions", "assert"),
    ("thresholds", "assert"),
    ("expectations", "assert"),
    ("method", "faults"),
    ("actions", "faults"),
    ("load", "workloads"),
    ("type", "kind"),
    ("type", "action"),
    ("kind", "action"),
    ("time", "at"),
    ("when", "at"),
    ("start", "at"),
    ("duration", "for"),
    ("limit", "expect"),
    ("threshold", "expect"),
    ("expiry", "ttl"),
    ("expire", "ttl"),
    ("lease", "ttl"),
    ("qps", "rate"),
    ("rps", "rate"),
    ("image", "server"),
    ("selector", "target"),
    ("warning", "warn"),
    ("title", "description"),
    ("crash", "kill"),
    ("split", "partition"),
    ("network", "partition"),
];

/// The closest of `known`, if it is close enough to be meant.
pub(crate) fn closest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let word = word.to_ascii_lowercase();
    // Distances are quadratic in the length; nothing that long was ever a slip of the finger.
    if word.len() > 64 {
        return None;
    }
    let known: Vec<&str> = known.into_iter().collect();
    let synonym = SYNONYMS.iter().filter(|(from, _)| *from == word).find_map(|(_, to)| known.iter().find(|k| *k == to));
    if let Some(synonym) = synonym {
        return Some(synonym);
    }
    let budget = (word.chars().count() / 3).max(1);
    known
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&word, &candidate.to_ascii_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= budget)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Most words of one file that are compared with those that are known: who wrote more wrong ones meant another file.
const MOST_GUESSES: u32 = 20;

/// Suggestions, for the first few words only: each costs a comparison with every known word.
#[derive(Debug)]
pub(crate) struct Guesses(u32);

impl Default for Guesses {
    fn default() -> Self {
        Self(MOST_GUESSES)
    }
}

impl Guesses {
    /// The closest of `known`, while there are guesses left.
    pub(crate) fn closest<'k>(&mut self, word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
        self.0 = self.0.checked_sub(1)?;
        closest(word, known)
    }

    /// Whether there are any left.
    pub(crate) fn are_left(&self) -> bool {
        self.0 > 0
    }
}

/// `a`, `b` and `c`, each in backticks.
pub(crate) fn list<'k>(words: impl IntoIterator<Item = &'k str>, last: &str) -> String {
    let words: Vec<String> = words.into_iter().map(|word| format!("`{word}`")).collect();
    match words.as_slice() {
        [] => "nothing".to_owned(),
        [one] => one.clone(),
        [init @ .., end] => format!("{} {last} {end}", init.join(", ")),
    }
}

/// The help for a word that is not known.
pub(crate) fn help(word: &str, known: &[&str]) -> String {
    match closest(word, known.iter().copied()) {
        Some(found) => format!("did you mean `{found}`?"),
        None => format!("known here: {}", list(known.iter().copied(), "and")),
    }
}

/// The help for a name that is none of those in the file; none where there are too many of them to compare or to list.
pub(crate) fn help_among(word: &str, known: &[&str]) -> Option<String> {
    if known.len() > 100 {
        return None;
    }
    match closest(word, known.iter().copied()) {
        Some(found) => Some(format!("did you mean `{found}`?")),
        None if known.is_empty() || known.len() > 12 => None,
        None => Some(format!("known here: {}", list(known.iter().copied(), "and"))),
    }
}
