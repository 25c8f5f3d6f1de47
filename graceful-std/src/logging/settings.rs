//! How a service logs.

use std::env;
use std::error::Error;
use std::fmt;
use std::io::{self, IsTerminal as _, Write};

use log::{LevelFilter, SetLoggerError};

use super::filter::Filter;
use super::{Logger, Style};

/// The logger, before it is installed.
#[must_use = "it logs once it is installed with `init`"]
pub struct Logging {
    format: Option<Format>,
    filter: Filter,
    writer: Option<Box<dyn Write + Send>>,
}

/// How a record is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// An object a line.
    Json,
    /// A line for people, in colour on a terminal.
    Text,
}

/// Why there is no logger now.
#[derive(Debug)]
#[non_exhaustive]
pub enum InitError {
    /// Another logger is installed.
    Installed(SetLoggerError),
    /// The thread that writes could not be started.
    Thread(io::Error),
    /// An environment variable cannot be read.
    Variable {
        /// Its name.
        name: &'static str,
        /// What is wrong with it, and what to write.
        problem: String,
    },
}

/// What is left to be done.
pub(super) struct Resolved {
    pub(super) filter: Filter,
    pub(super) style: Style,
    pub(super) writer: Box<dyn Write + Send>,
}

impl Logging {
    /// As `LOG_FORMAT` and `LOG_LEVEL` say.
    ///
    /// # Errors
    /// [`InitError::Variable`].
    pub fn from_env() -> Result<Self, InitError> {
        let read = |name: &'static str| match env::var(name) {
            Ok(text) => Ok(Some(text)),
            Err(env::VarError::NotPresent) => Ok(None),
            Err(error) => Err(InitError::Variable { name, problem: error.to_string() }),
        };
        let format = match read("LOG_FORMAT")?.as_deref().map(str::trim) {
            None | Some("") => None,
            Some("json") => Some(Format::Json),
            Some("text") => Some(Format::Text),
            Some(other) => {
                let problem = format!("{other:?} is no format; write json or text");
                return Err(InitError::Variable { name: "LOG_FORMAT", problem });
            }
        };
        let filter = Filter::parse(&read("LOG_LEVEL")?.unwrap_or_default())
            .map_err(|problem| InitError::Variable { name: "LOG_LEVEL", problem })?;
        Ok(Self { format, filter, writer: None })
    }

    /// In this format, whatever the environment says.
    pub fn format(mut self, format: Format) -> Self {
        self.format = Some(format);
        self
    }

    /// To this writer. **Default: stderr**.
    pub fn writer(mut self, writer: impl Write + Send + 'static) -> Self {
        self.writer = Some(Box::new(writer));
        self
    }

    /// Installs it for the process.
    ///
    /// # Errors
    /// [`InitError::Installed`], [`InitError::Thread`].
    pub fn init(self) -> Result<(), InitError> {
        let most = self.filter.most();
        let logger = Logger::start(self.resolve()).map_err(InitError::Thread)?;
        log::set_boxed_logger(Box::new(logger)).map_err(InitError::Installed)?;
        log::set_max_level(most);
        Ok(())
    }

    fn resolve(self) -> Resolved {
        let Self { format, filter, writer } = self;
        let terminal = writer.is_none() && io::stderr().is_terminal();
        let style = match format.unwrap_or(if terminal { Format::Text } else { Format::Json }) {
            Format::Json => Style::Json,
            Format::Text if terminal && env::var_os("NO_COLOR").is_none_or(|set| set.is_empty()) => Style::Coloured,
            Format::Text => Style::Plain,
        };
        Resolved { filter, style, writer: writer.unwrap_or_else(|| Box::new(io::stderr())) }
    }

    /// Up to which level anything is logged.
    #[must_use]
    pub fn level(&self) -> LevelFilter {
        self.filter.most()
    }
}

impl fmt::Debug for Logging {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Logging").field("format", &self.format).field("filter", &self.filter).finish_non_exhaustive()
    }
}

impl fmt::Display for InitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Installed(_) => f.write_str("another logger is installed already"),
            Self::Thread(_) => f.write_str("the logger's thread could not be started"),
            Self::Variable { name, problem } => write!(f, "{name}: {problem}"),
        }
    }
}

impl Error for InitError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Installed(error) => Some(error),
            Self::Thread(error) => Some(error),
            Self::Variable { .. } => None,
        }
    }
}
