//! A problem that knows paths instead of places.

use crate::spec::Level;

/// Something wrong across fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) level: Level,
    pub(crate) code: &'static str,
    pub(crate) path: String,
    /// Whether the key is shown rather than the value.
    pub(crate) on_key: bool,
    pub(crate) message: String,
    pub(crate) label: String,
    pub(crate) related: Vec<(String, String)>,
    /// Further paths the finding depends on without showing them: scalars, or collections as a whole.
    pub(crate) uses: Vec<String>,
    pub(crate) help: Option<String>,
}

impl Finding {
    pub(crate) fn error(code: &'static str, path: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(Level::Error, code, path.into(), message.into())
    }

    pub(super) fn warning(code: &'static str, path: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(Level::Warning, code, path.into(), message.into())
    }

    fn new(level: Level, code: &'static str, path: String, message: String) -> Self {
        let (label, related, uses) = (String::new(), Vec::new(), Vec::new());
        Self { level, code, path, on_key: false, message, label, related, uses, help: None }
    }

    pub(super) fn on_key(mut self) -> Self {
        self.on_key = true;
        self
    }

    pub(crate) fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    pub(super) fn related(mut self, path: impl Into<String>, label: impl Into<String>) -> Self {
        self.related.push((path.into(), label.into()));
        self
    }

    pub(super) fn uses(mut self, path: impl Into<String>) -> Self {
        self.uses.push(path.into());
        self
    }

    /// Depends on a field of every entry of a list. Of long lists only the first entries are remembered: findings times entries could be millions.
    pub(super) fn uses_each(self, list: &str, field: &str, entries: usize) -> Self {
        (0..entries.min(100)).fold(self, |finding, index| finding.uses(format!("{list}[{index}].{field}")))
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    pub(super) fn maybe_help(mut self, help: Option<String>) -> Self {
        self.help = help.or(self.help);
        self
    }

    /// Whether it rests on a value that is not what the author wrote.
    pub(crate) fn touches(&self, tainted: &[String]) -> bool {
        let mut shown = std::iter::once(&self.path).chain(self.related.iter().map(|(path, _)| path));
        let mut uses = self.uses.iter();
        shown.any(|path| tainted.iter().any(|bad| within(path, bad) || within(bad, path)))
            || uses.any(|path| tainted.iter().any(|bad| within(path, bad)))
    }
}

/// Whether `path` is `outer` or something inside it.
fn within(path: &str, outer: &str) -> bool {
    path.strip_prefix(outer).is_some_and(|rest| outer.is_empty() || rest.is_empty() || rest.starts_with(['.', '[']))
}
