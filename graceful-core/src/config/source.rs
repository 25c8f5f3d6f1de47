//! Who said it.

use std::fmt;
use std::path::PathBuf;

/// Where a value comes from, the weakest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// Nobody said anything.
    Default,
    /// An attribute of the program.
    Attribute,
    /// A line of the settings file.
    File { path: PathBuf, line: usize },
    /// An environment variable.
    Environment { name: String },
    /// A call of the program: it wants exactly this.
    Builder,
}

impl Source {
    /// The stronger decides.
    pub(crate) fn strength(&self) -> u8 {
        match self {
            Self::Default => 0,
            Self::Attribute => 1,
            Self::File { .. } => 2,
            Self::Environment { .. } => 3,
            Self::Builder => 4,
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Attribute => f.write_str("attribute"),
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Environment { name } => write!(f, "environment {name}"),
            Self::Builder => f.write_str("builder"),
        }
    }
}
