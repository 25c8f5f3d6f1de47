//! The one table of settings: what can be set, what it may be, what it is called, and what holds when nobody says anything.

use std::time::Duration;

use super::environment::names;
use super::file::FileReader;
use crate::lifecycle::rank::rank;

/// A setting. Everything else follows from it: how variables and files are read, what is refused and with which words, what
/// [`App::settings`](crate::App::settings) shows, and the reference in the documentation.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Its key in a settings file. In capitals it is the environment variable.
    pub key: &'static str,
    /// What it may be.
    pub kind: SettingKind,
    /// What holds when nobody says anything, as it would be written, or told in words. Empty: nothing does.
    pub default: &'static str,
    /// Further environment variables that set it.
    pub aliases: &'static [Variable],
    /// What it does, for people.
    pub about: &'static str,
}

/// What a setting may be.
#[derive(Clone, Copy, Debug)]
pub enum SettingKind {
    /// One of these words, in capitals or not.
    Choice(&'static [&'static str]),
    /// A span of time, at most a day.
    Duration {
        /// What a bare number counts.
        unit: Unit,
        /// No less than this.
        least: Duration,
    },
    /// A whole number.
    Number {
        /// No less than this.
        least: u64,
        /// No more than this.
        most: u64,
    },
    /// A path of the file system.
    Path,
    /// A text that is never shown.
    Secret,
    /// On or off: `true`, `false`, `1`, `0`, `yes`, `no`, `on`, `off`.
    Switch,
    /// A text. Whoever needs it says what it may be.
    Text,
}

/// What a bare number counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// `1500` is a second and a half.
    Milliseconds,
    /// `20` is twenty seconds.
    Seconds,
}

/// An environment variable that sets something.
#[derive(Clone, Copy, Debug)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// What a bare number counts, where a duration is meant.
    pub unit: Unit,
}

/// What a crate adds to the table of every program that it is linked into.
#[derive(Debug)]
pub struct Contribution {
    /// The feature that it belongs to, for the documentation.
    pub feature: &'static str,
    /// Settings of its own.
    pub settings: &'static [Setting],
    /// What reads the settings file.
    pub reader: Option<FileReader>,
}

inventory::collect!(Contribution);

/// More threads of a kind are a slip of the keyboard.
const MOST_THREADS: u64 = 65_536;

/// What a file cannot say: where the file is, and what is asked for instead of a run.
const ENVIRONMENT_ONLY: [&str; 2] = ["graceful", "graceful_config"];

/// The settings of the core. Those of features stand beside what they set.
pub static SETTINGS: &[Setting] = &[
    Setting {
        key: "shutdown_timeout",
        kind: SECONDS,
        default: "30s",
        aliases: &[milliseconds("SHUTDOWN_TIMEOUT_MS")],
        about: "the total: the process has ended by then",
    },
    Setting {
        key: "force_shutdown_timeout_ms",
        kind: MILLISECONDS,
        default: "",
        aliases: &[],
        about: "an upper bound of the total; a larger one changes nothing",
    },
    Setting {
        key: "shutdown_lame_duck",
        kind: SECONDS,
        default: "5s in a cluster, else 0s",
        aliases: &[],
        about: "how long it still serves once it is not ready",
    },
    Setting {
        key: "shutdown_drain",
        kind: SECONDS,
        default: "20s",
        aliases: &[seconds("SHUTDOWN_GRACEFUL_TIMEOUT"), milliseconds("MAX_CONNECTION_DRAIN_TIME")],
        about: "how long work in flight may take",
    },
    Setting {
        key: "shutdown_wait_for_connections",
        kind: SettingKind::Switch,
        default: "true",
        aliases: &[seconds("ENABLE_CONNECTION_DRAINING")],
        about: "off: the drain gets no time, what is in flight is cut at once",
    },
    Setting {
        key: "shutdown_force_after_timeout",
        kind: SettingKind::Switch,
        default: "true",
        aliases: &[],
        about: "off: the drain is cut only where the time of tasks, hooks and flush begins",
    },
    Setting {
        key: "shutdown_tasks",
        kind: SECONDS,
        default: "10s",
        aliases: &[seconds("SHUTDOWN_BACKGROUND_TIMEOUT")],
        about: "how long tasks may take to end",
    },
    Setting {
        key: "shutdown_flush",
        kind: SECONDS,
        default: "1s",
        aliases: &[],
        about: "how long the flush of the logs may take",
    },
    Setting {
        key: "shutdown_debounce",
        kind: SECONDS,
        default: "500ms",
        aliases: &[],
        about: "a signal repeated within this long counts for nothing",
    },
    Setting {
        key: "health_check_interval",
        kind: SettingKind::Duration { unit: Unit::Milliseconds, least: Duration::from_millis(1) },
        default: "",
        aliases: &[],
        about: "how often every check runs, whatever it says itself",
    },
    Setting {
        key: "readiness_check_enabled",
        kind: SettingKind::Switch,
        default: "true",
        aliases: &[],
        about: "off: no check of readiness runs or counts",
    },
    Setting {
        key: "liveness_check_enabled",
        kind: SettingKind::Switch,
        default: "true",
        aliases: &[],
        about: "off: no check of liveness runs or counts",
    },
    Setting {
        key: "graceful_workers",
        kind: SettingKind::Number { least: 1, most: MOST_THREADS },
        default: "512",
        aliases: &[],
        about: "how many threads handlers may block",
    },
    Setting {
        key: "graceful_event_loops",
        kind: SettingKind::Number { least: 1, most: MOST_THREADS },
        default: "1",
        aliases: &[],
        about: "how many event loops there are",
    },
    Setting {
        key: "graceful_report",
        kind: SettingKind::Path,
        default: "",
        aliases: &[],
        about: "where the report is written as JSON, after forced ends too",
    },
    Setting {
        key: "graceful_log",
        kind: SettingKind::Choice(&["off", "error", "warn", "info", "debug", "trace"]),
        default: "info",
        aliases: &[],
        about: "level of the lines on stderr while no logger is installed",
    },
    Setting { key: "graceful_config", kind: SettingKind::Path, default: "", aliases: &[], about: "the settings file" },
    Setting {
        key: "graceful",
        kind: SettingKind::Choice(&["config", "config-json", "health", "plan", "plan-json", "run"]),
        default: "run",
        aliases: &[],
        about: "other than run: print the plan or the settings, or ask the running service for its health, and exit without running main",
    },
];

const SECONDS: SettingKind = SettingKind::Duration { unit: Unit::Seconds, least: Duration::ZERO };
const MILLISECONDS: SettingKind = SettingKind::Duration { unit: Unit::Milliseconds, least: Duration::ZERO };

const fn seconds(name: &'static str) -> Variable {
    Variable { name, unit: Unit::Seconds }
}

const fn milliseconds(name: &'static str) -> Variable {
    Variable { name, unit: Unit::Milliseconds }
}

impl Setting {
    /// The environment variables that set it, the one that is called like the key first.
    #[must_use]
    #[inline(never)]
    pub fn variables(&self) -> Vec<String> {
        let mut variables = Vec::new();
        for (name, _) in names(self) {
            variables.push(name);
        }
        variables
    }

    /// Whether a file may say it, and not only the environment.
    #[must_use]
    pub fn is_for_files(&self) -> bool {
        !ENVIRONMENT_ONLY.contains(&self.key)
    }

    /// What a bare number counts in a file, and in the variable that is called like the key.
    pub(crate) fn unit(&self) -> Unit {
        match self.kind {
            SettingKind::Duration { unit, .. } => unit,
            _ => Unit::Seconds,
        }
    }
}

/// What crates contributed to this program, by feature: the order in which it was linked must not show.
#[must_use]
pub fn contributed() -> Vec<&'static Contribution> {
    let all: Vec<&'static Contribution> = inventory::iter::<Contribution>.into_iter().collect();
    rank(all.len(), &|a, b| all[a].feature.cmp(all[b].feature)).into_iter().map(|place| all[place]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_there_once() {
        let mut names: Vec<String> = SETTINGS.iter().flat_map(Setting::variables).collect();
        let all = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), all);
        assert!(ENVIRONMENT_ONLY.iter().all(|key| SETTINGS.iter().any(|setting| setting.key == *key)));
    }

    /// What is no value is told in words, and by [`Settings`](super::super::Settings) itself.
    #[test]
    fn defaults_can_be_read() {
        for setting in SETTINGS.iter().filter(|setting| !setting.default.is_empty()) {
            let read = setting.kind.parse(setting.default, setting.unit());
            assert_eq!(read.is_ok(), setting.key != "shutdown_lame_duck", "{}: {read:?}", setting.key);
        }
    }
}
