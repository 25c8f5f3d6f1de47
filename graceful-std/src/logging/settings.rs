//! How a service logs.

use std::env;
use std::error::Error;
use std::fmt;
use std::io::{self, IsTerminal as _, Write};

use graceful_core::__private::process_setting;
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
    /// As `LOG_FORMAT` and `LOG_LEVEL` say; once the service has started also as its settings file does, which is weaker.
    ///
    /// # Errors
    /// [`InitError::Variable`].
    pub fn from_env() -> Result<Self, InitError> {
        let wrong = |name: &'static str, Said { text, place }: &Said, problem: String| {
            let problem = if place.is_empty() { problem } else { format!("{problem} ({place}: {text:?})") };
            InitError::Variable { name, problem }
        };
        let format = Said::of("LOG_FORMAT", "log_format")?;
        let read = match format.text.trim() {
            "" => None,
            word if word.eq_ignore_ascii_case("json") => Some(Format::Json),
            word if word.eq_ignore_ascii_case("text") => Some(Format::Text),
            other => {
                let problem = format!("{other:?} is no format; write json or text");
                return Err(wrong("LOG_FORMAT", &format, problem));
            }
        };
        let level = Said::of("LOG_LEVEL", "log_level")?;
        let filter = Filter::parse(&level.text).map_err(|problem| wrong("LOG_LEVEL", &level, problem))?;
        Ok(Self { format: read, filter, writer: None })
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

/// What was said about a setting.
struct Said {
    /// Empty: nothing.
    text: String,
    /// The line of the settings file, where it was there.
    place: String,
}

impl Said {
    /// A logger may be wanted before there is a runtime: so the variable is read here, and only then the runtime is asked.
    fn of(variable: &'static str, key: &str) -> Result<Self, InitError> {
        match env::var(variable) {
            Ok(text) if !text.trim().is_empty() => Ok(Self { text, place: String::new() }),
            Err(env::VarError::NotUnicode(_)) => {
                Err(InitError::Variable { name: variable, problem: "it is not UTF-8".to_owned() })
            }
            _ => {
                let said = process_setting(key).and_then(|(value, place)| Some((value.text()?.to_owned(), place)));
                let (text, place) = said.unwrap_or_default();
                Ok(Self { text, place })
            }
        }
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
