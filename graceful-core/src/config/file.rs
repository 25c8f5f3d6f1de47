//! A settings file: what a reader found in it, made settings of. Of formats nothing is known here.

use std::path::Path;

use super::hooks::{HookTimeout, in_capitals};
use super::source::Source;
use super::suggest::nearest;
use super::table::{Setting, SettingKind, Unit};
use super::value::{HIDDEN, SettingValue, Switch};
use super::{SECONDS, Settings};
use crate::error::StartError;
use crate::text::owned;

/// What reads a settings file: of a format, which the core does not know.
#[derive(Clone, Copy, Debug)]
pub struct FileReader {
    read: fn(&Path) -> Result<Vec<FileEntry>, StartError>,
    /// Here, so that it is linked only where something reads files.
    take: fn(&mut Settings, &Path, Vec<FileEntry>) -> Result<(), StartError>,
}

impl FileReader {
    /// `read` tells what stands in a file, or with [`StartError::File`] what is wrong with it, and where.
    #[must_use]
    pub const fn new(read: fn(&Path) -> Result<Vec<FileEntry>, StartError>) -> Self {
        Self { read, take: Settings::take }
    }
}

/// One value of a settings file.
#[derive(Clone, Debug, PartialEq)]
pub struct FileEntry {
    /// The table that it stands in: `hooks` for `[hooks]`, empty outside of tables.
    pub table: String,
    /// Its key.
    pub key: String,
    /// What stands there.
    pub value: FileValue,
    /// Its line, from 1.
    pub line: usize,
    /// Its column, from 1.
    pub column: usize,
}

/// What stands in a settings file.
#[derive(Clone, Debug, PartialEq)]
pub enum FileValue {
    /// A whole number.
    Number(i64),
    /// What no setting is, by its name: `a list`.
    Other(&'static str),
    /// `true` or `false`.
    Switch(Switch),
    /// A string.
    Text(String),
}

/// The table of the hooks' timeouts.
const HOOKS: &str = "hooks";

impl Settings {
    /// Takes what a file says.
    pub(super) fn read_file(&mut self, path: &Path) -> Result<(), StartError> {
        let Some(reader) = self.reader() else {
            let problem = "this program reads no settings file: enable the feature `config` of graceful-std";
            return Err(StartError::File { path: path.to_owned(), place: None, problem: owned(problem) });
        };
        (reader.take)(self, path, (reader.read)(path)?)
    }

    fn take(&mut self, path: &Path, entries: Vec<FileEntry>) -> Result<(), StartError> {
        let table = self.table();
        for entry in entries {
            let refused = |problem: String| StartError::File {
                path: path.to_owned(),
                place: Some((entry.line, entry.column)),
                problem,
            };
            let source = Source::File { path: path.to_owned(), line: entry.line };
            if entry.table == HOOKS {
                let key = format!("{HOOKS}.{}", entry.key);
                let timeout = entry.value.read(&key, SECONDS, Unit::Seconds).map_err(refused)?;
                let timeout = Ok(timeout.duration().unwrap_or_default());
                self.hook_timeouts.push(HookTimeout { called: in_capitals(&entry.key), text: key, timeout, source });
            } else {
                let setting = known(&entry, &table).map_err(refused)?;
                let value = entry.value.read(&entry.key, setting.kind, setting.unit()).map_err(refused)?;
                self.say(setting.key, value, source);
            }
        }
        Ok(())
    }
}

/// The setting that is meant.
fn known(entry: &FileEntry, table: &[&'static Setting]) -> Result<&'static Setting, String> {
    let key = entry.key.as_str();
    if entry.table.is_empty() {
        match table.iter().find(|setting| setting.key == key) {
            Some(setting) if setting.is_for_files() => return Ok(setting),
            Some(_) => {
                let variable = key.to_ascii_uppercase();
                return Err(format!("{key} cannot stand in a file; set the environment variable {variable}"));
            }
            None => {}
        }
    }
    let spelled = if entry.table.is_empty() { key.to_owned() } else { format!("{}.{key}", entry.table) };
    let is_alias = |setting: &&&'static Setting| setting.aliases.iter().any(|a| a.name.eq_ignore_ascii_case(key));
    let meant = table.iter().find(is_alias).map(|setting| setting.key);
    let meant = meant.or_else(|| nearest(key, table));
    let help = match (meant, &entry.value) {
        (Some(meant), _) => format!("did you mean {meant}?"),
        (None, FileValue::Other(_)) => {
            "where a file is not for graceful alone, its settings stand in a table [graceful]".to_owned()
        }
        (None, _) => "GRACEFUL=config shows every key".to_owned(),
    };
    Err(format!("unknown key {spelled}; {help}"))
}

impl FileValue {
    fn read(&self, key: &str, kind: SettingKind, unit: Unit) -> Result<SettingValue, String> {
        let shown = match self {
            _ if matches!(kind, SettingKind::Secret) => HIDDEN.to_owned(),
            Self::Number(number) => number.to_string(),
            Self::Other(name) => (*name).to_owned(),
            Self::Switch(switch) => SettingValue::Switch(*switch).to_string(),
            Self::Text(text) => format!("{text:?}"),
        };
        let read = match (kind, self) {
            (_, Self::Text(text)) if text.is_empty() => Err("it is empty; remove the line".to_owned()),
            (_, Self::Text(text)) => kind.parse(text, unit),
            (SettingKind::Switch, Self::Switch(switch)) => Ok(SettingValue::Switch(*switch)),
            (SettingKind::Duration { .. } | SettingKind::Number { .. }, Self::Number(number)) => {
                kind.parse(&number.to_string(), unit)
            }
            (SettingKind::Switch, _) => Err("write true or false".to_owned()),
            // What they may be is told by what cannot be read.
            (SettingKind::Choice(_) | SettingKind::Duration { .. } | SettingKind::Number { .. }, _) => {
                kind.parse("", unit)
            }
            (SettingKind::Path | SettingKind::Secret | SettingKind::Text, _) => {
                Err("write a text in quotes".to_owned())
            }
        };
        read.map_err(|cure| format!("{key} = {shown} cannot be used: {cure}"))
    }
}
