//! The one error type that crosses crate borders on its way to a person: what failed, where, and what
//! to type next. It does not print and does not choose exit statuses; `pm25-tool` does.

use std::error::Error;
use std::fmt;

/// `Result` with a [`Fault`].
pub type Result<T> = std::result::Result<T, Fault>;

/// What kind of failure it was; each kind has its own exit status.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// Disk, memory or a bug.
    Unforeseen,
    /// The command line makes no sense.
    Usage,
    /// A table lacks a column, has a wrong unit or an impossible value.
    BadData,
    /// A file of ours is missing, damaged, of another kind or newer than this build.
    BadArtifact,
    /// A model does not meet the policy.
    GateClosed,
    /// Somebody else changed it first.
    Conflict,
}

/// A failure with its hint. `Display` says what and where; causes are reached through `source`.
pub struct Fault(Box<Inner>);

struct Inner {
    kind: Kind,
    what: String,
    hint: Option<String>,
    cause: Option<Box<dyn Error + Send + Sync>>,
}

impl Fault {
    fn new(kind: Kind, what: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            what: what.into(),
            hint: None,
            cause: None,
        }))
    }

    /// Disk, memory or a bug.
    pub fn unforeseen(what: impl Into<String>) -> Self {
        Self::new(Kind::Unforeseen, what)
    }

    /// The command line makes no sense.
    pub fn usage(what: impl Into<String>) -> Self {
        Self::new(Kind::Usage, what)
    }

    /// Data that cannot be used.
    pub fn bad_data(what: impl Into<String>) -> Self {
        Self::new(Kind::BadData, what)
    }

    /// A file of ours that cannot be used.
    pub fn bad_artifact(what: impl Into<String>) -> Self {
        Self::new(Kind::BadArtifact, what)
    }

    /// A model that does not meet the policy.
    pub fn gate_closed(what: impl Into<String>) -> Self {
        Self::new(Kind::GateClosed, what)
    }

    /// Somebody else changed it first.
    pub fn conflict(what: impl Into<String>) -> Self {
        Self::new(Kind::Conflict, what)
    }

    /// Adds what to type next.
    #[must_use]
    pub fn hint(mut self, what_to_type_next: impl Into<String>) -> Self {
        self.0.hint = Some(what_to_type_next.into());
        self
    }

    /// Adds the cause.
    #[must_use]
    pub fn because(mut self, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.0.cause = Some(cause.into());
        self
    }

    /// The kind of failure.
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// What to type next, where something helps.
    pub fn hint_text(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.what)
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.0.kind, self.0.what)?;
        if let Some(cause) = &self.0.cause {
            write!(f, ": {cause}")?;
        }
        if let Some(hint) = &self.0.hint {
            write!(f, " (hint: {hint})")?;
        }
        Ok(())
    }
}

impl Error for Fault {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0
            .cause
            .as_deref()
            .map(|cause| cause as &(dyn Error + 'static))
    }
}
