//! Settings: one table says what there is; default, attribute, file, environment and builder say what it is set to.

mod effective;
mod environment;
mod file;
mod hooks;
mod process;
mod source;
mod suggest;
mod table;
mod value;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::time::Duration;

use log::LevelFilter;

use crate::error::StartError;
use crate::lifecycle::budget::{Budgets, DrainEnd};
use crate::lifecycle::checks::CheckKind;
use crate::lifecycle::exit::INCOMPLETE;
use crate::lifecycle::reason::{Signal, SignalAction};
use crate::text::same;

pub use effective::EffectiveSetting;
pub use file::{FileEntry, FileReader, FileValue};
pub use process::process_setting;
pub use table::{Contribution, SETTINGS, Setting, SettingKind, Unit, Variable, contributed};
pub use value::{SettingValue, Switch};

pub(crate) use effective::{json, text};
pub(crate) use environment::{Environment, OfProcess};
use hooks::HookTimeout;
pub(crate) use process::publish;
pub(crate) use source::Source;

/// No budget may be longer: sums of a few of them must stay far from overflow.
pub(crate) const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// How timeouts of hooks are written.
const SECONDS: SettingKind = SettingKind::Duration { unit: Unit::Seconds, least: Duration::ZERO };

/// What `GRACEFUL` asks for instead of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Show {
    Config,
    ConfigJson,
    Health,
    Plan,
    PlanJson,
}

/// Whether the environment has a say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    Closed,
    Open,
}

/// All settings of a runtime.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) service: String,
    pub(crate) incomplete_exit_code: u8,
    pub(crate) expect_hooks: Option<usize>,
    /// Only what was said; the rest follows from [`Settings::action`].
    pub(crate) signals: Vec<(Signal, SignalAction)>,
    pub(crate) access: Access,
    /// Settings that the program adds to the table.
    pub(crate) added: Vec<&'static [Setting]>,
    /// What was said, at most once for each key: the strongest.
    told: Vec<(&'static str, SettingValue, Source)>,
    hook_timeouts: Vec<HookTimeout>,
}

impl Settings {
    pub(crate) fn new(service: impl Into<String>) -> Self {
        Self {
            service: service.into(),
            incomplete_exit_code: INCOMPLETE,
            expect_hooks: None,
            signals: Vec::new(),
            access: Access::Closed,
            added: Vec::new(),
            told: Vec::new(),
            hook_timeouts: Vec::new(),
        }
    }

    /// Notes what somebody says. The stronger source decides, and of two that are alike the later.
    #[inline(never)]
    pub(crate) fn say(&mut self, key: &'static str, value: SettingValue, source: Source) {
        match self.told.iter_mut().find(|(known, ..)| *known == key) {
            None => self.told.push((key, value, source)),
            Some((_, _, stronger)) if stronger.strength() > source.strength() => {}
            Some(told) => (told.1, told.2) = (value, source),
        }
    }

    /// As [`say`](Settings::say), for a span of time.
    #[inline(never)]
    pub(crate) fn say_duration(&mut self, key: &'static str, duration: Duration, source: Source) {
        self.say(key, SettingValue::Duration(duration.min(LONGEST)), source);
    }

    /// Reads file and environment: whatever is wrong with them is told here.
    #[inline(never)]
    pub(crate) fn resolve(&mut self, environment: &dyn Environment) -> Result<(), StartError> {
        // First, since it may name the file; which is read afterwards, and is weaker all the same.
        if self.access == Access::Open {
            self.read_environment(environment)?;
        }
        if let Some(path) = self.file().map(PathBuf::from) {
            self.read_file(&path)?;
        }
        // It depends on where this runs, so it is no value of the table.
        self.say_duration("shutdown_lame_duck", environment::lame_duck(environment), Source::Default);
        Ok(())
    }

    /// What somebody said, and who.
    #[inline(never)]
    fn said(&self, key: &str) -> Option<(&SettingValue, &Source)> {
        self.told.iter().find(|(known, ..)| *known == key).map(|(_, value, source)| (value, source))
    }

    /// What is in effect: what was said, or the default of the table.
    pub(crate) fn value(&self, key: &str) -> Option<SettingValue> {
        if let Some((value, _)) = self.said(key) {
            return Some(value.clone());
        }
        let setting = self.table().into_iter().find(|setting| setting.key == key)?;
        if setting.default.is_empty() {
            return None;
        }
        // One that is told in words is for whoever asks for it.
        setting.kind.parse(setting.default, setting.unit()).ok()
    }

    /// The table: the core's settings, those of the crates that are linked in, and those of the program.
    #[inline(never)]
    pub(crate) fn table(&self) -> Vec<&'static Setting> {
        let mut tables = vec![SETTINGS];
        for contribution in table::contributed() {
            tables.push(contribution.settings);
        }
        tables.extend(&self.added);
        let mut table = Vec::new();
        for settings in tables {
            table.extend(settings);
        }
        table
    }

    fn reader(&self) -> Option<FileReader> {
        table::contributed().into_iter().find_map(|contribution| contribution.reader)
    }

    /// The settings file that was read.
    pub(crate) fn file(&self) -> Option<&Path> {
        self.said("graceful_config").and_then(|(value, _)| value.path())
    }

    #[inline(never)]
    fn duration(&self, key: &str) -> Option<Duration> {
        self.said(key).and_then(|(value, _)| value.duration())
    }

    /// On, unless somebody said otherwise.
    #[inline(never)]
    fn is_on(&self, key: &str) -> bool {
        self.said(key).is_none_or(|(value, _)| *value == SettingValue::Switch(Switch::On))
    }

    #[inline(never)]
    pub(crate) fn budgets(&self) -> Budgets {
        let default = Budgets::default();
        let or = |key: &str, default: Duration| self.duration(key).unwrap_or(default);
        let timeout = or("shutdown_timeout", default.timeout);
        let drain = or("shutdown_drain", default.drain);
        Budgets {
            timeout: timeout.min(or("force_shutdown_timeout_ms", LONGEST)),
            lame_duck: or("shutdown_lame_duck", default.lame_duck),
            drain: if self.is_on("shutdown_wait_for_connections") { drain } else { Duration::ZERO },
            drain_end: match self.is_on("shutdown_force_after_timeout") {
                true => DrainEnd::Budget,
                false => DrainEnd::Reserve,
            },
            tasks: or("shutdown_tasks", default.tasks),
            flush: or("shutdown_flush", default.flush),
        }
    }

    pub(crate) fn debounce(&self) -> Duration {
        self.duration("shutdown_debounce").unwrap_or(Duration::from_millis(500))
    }

    pub(crate) fn report(&self) -> Option<PathBuf> {
        self.said("graceful_report").and_then(|(value, _)| value.path()).map(PathBuf::from)
    }

    /// Up to which level lines are written to stderr while there is no logger.
    pub(crate) fn log(&self) -> LevelFilter {
        let Some(level) = self.said("graceful_log").and_then(|(value, _)| value.text()) else {
            return LevelFilter::Info;
        };
        // The table's words are the names of the levels.
        LevelFilter::iter().find(|known| same(known.as_str().as_bytes(), level.as_bytes())).unwrap_or(LevelFilter::Info)
    }

    /// A number of threads, when somebody said one.
    pub(crate) fn threads(&self, key: &str) -> Option<usize> {
        usize::try_from(self.said(key)?.0.number()?).ok()
    }

    pub(crate) fn show(&self) -> Option<Show> {
        match self.said("graceful")?.0.text()? {
            "config" => Some(Show::Config),
            "config-json" => Some(Show::ConfigJson),
            "health" => Some(Show::Health),
            "plan" => Some(Show::Plan),
            "plan-json" => Some(Show::PlanJson),
            _ => None,
        }
    }

    /// How often checks run, whatever they say themselves.
    pub(crate) fn check_interval(&self) -> Option<Duration> {
        self.duration("health_check_interval")
    }

    /// Whether checks of a kind run and count.
    pub(crate) fn checks(&self, kind: CheckKind) -> Switch {
        let key = match kind {
            CheckKind::Liveness => "liveness_check_enabled",
            CheckKind::Readiness => "readiness_check_enabled",
        };
        if self.is_on(key) { Switch::On } else { Switch::Off }
    }

    /// What a signal does: what was said, else shutdown, but for a `SIGHUP` that reload hooks wait for.
    #[inline(never)]
    pub(crate) fn action(&self, signal: Signal, has_reload: bool) -> SignalAction {
        let said = self.signals.iter().rev().find(|(said, _)| *said == signal).map(|(_, action)| *action);
        said.unwrap_or(match signal {
            Signal::Hup if has_reload => SignalAction::Reload,
            _ => SignalAction::Shutdown,
        })
    }
}
