//! Settings: defaults, what the program says, what the environment says; checked once into plain values.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use log::LevelFilter;

use crate::error::StartError;
use crate::lifecycle::budget::Budgets;
use crate::lifecycle::exit::INCOMPLETE;
use crate::lifecycle::reason::{Signal, SignalAction};

/// No budget may be longer: sums of a few of them must stay far from overflow.
pub(crate) const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// More threads of a kind are a slip of the keyboard.
const MOST_THREADS: usize = 65_536;

/// The lame duck inside a cluster, when nothing is said: endpoints take some seconds to hear that a pod is not ready.
const CLUSTER_LAME_DUCK: Duration = Duration::from_secs(5);

/// Variables whose presence says that an orchestrator routes traffic here.
const CLUSTER: [&str; 3] = ["KUBERNETES_SERVICE_HOST", "ECS_CONTAINER_METADATA_URI_V4", "NOMAD_ALLOC_ID"];

/// The variables that set a budget: name, what a bare number counts, which budget.
///
/// | variable | unit of a bare number | sets |
/// |---|---|---|
/// | `SHUTDOWN_TIMEOUT` | s | the total |
/// | `SHUTDOWN_TIMEOUT_MS` | ms | the total |
/// | `SHUTDOWN_LAME_DUCK` | s | the lame duck |
/// | `SHUTDOWN_DRAIN`, `SHUTDOWN_GRACEFUL_TIMEOUT` | s | the drain |
/// | `SHUTDOWN_TASKS`, `SHUTDOWN_BACKGROUND_TIMEOUT` | s | tasks |
/// | `SHUTDOWN_FLUSH` | s | the flush |
/// | `SHUTDOWN_DEBOUNCE` | s | the debounce of repeated signals |
const BUDGETS: [(&str, Unit, Budget); 9] = [
    ("SHUTDOWN_TIMEOUT", Unit::Seconds, Budget::Total),
    ("SHUTDOWN_TIMEOUT_MS", Unit::Milliseconds, Budget::Total),
    ("SHUTDOWN_LAME_DUCK", Unit::Seconds, Budget::LameDuck),
    ("SHUTDOWN_DRAIN", Unit::Seconds, Budget::Drain),
    ("SHUTDOWN_GRACEFUL_TIMEOUT", Unit::Seconds, Budget::Drain),
    ("SHUTDOWN_TASKS", Unit::Seconds, Budget::Tasks),
    ("SHUTDOWN_BACKGROUND_TIMEOUT", Unit::Seconds, Budget::Tasks),
    ("SHUTDOWN_FLUSH", Unit::Seconds, Budget::Flush),
    ("SHUTDOWN_DEBOUNCE", Unit::Seconds, Budget::Debounce),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Milliseconds,
    Seconds,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Budget {
    Debounce,
    Drain,
    Flush,
    LameDuck,
    Tasks,
    Total,
}

/// What `GRACEFUL` asks for instead of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Show {
    Plan,
    PlanJson,
}

/// All settings of a runtime.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) service: String,
    pub(crate) timeout: Duration,
    /// `None`: 5 s in a cluster, else none.
    pub(crate) lame_duck: Option<Duration>,
    pub(crate) drain: Duration,
    pub(crate) tasks: Duration,
    pub(crate) flush: Duration,
    pub(crate) debounce: Duration,
    pub(crate) incomplete_exit_code: u8,
    pub(crate) expect_hooks: Option<usize>,
    /// Only what was said; the rest follows from [`Settings::action`].
    pub(crate) signals: Vec<(Signal, SignalAction)>,
    /// Timeouts of hooks by name, from the environment: stronger than what their attributes say.
    pub(crate) hook_timeouts: Vec<(String, Duration)>,
    pub(crate) report: Option<PathBuf>,
    pub(crate) log: LevelFilter,
    /// `None`: what the program says.
    pub(crate) workers: Option<usize>,
    /// Likewise.
    pub(crate) event_loops: Option<usize>,
    pub(crate) show: Option<Show>,
    cluster: bool,
}

impl Settings {
    pub(crate) fn new(service: impl Into<String>) -> Self {
        let budgets = Budgets::default();
        Self {
            service: service.into(),
            timeout: budgets.timeout,
            lame_duck: None,
            drain: budgets.drain,
            tasks: budgets.tasks,
            flush: budgets.flush,
            debounce: Duration::from_millis(500),
            incomplete_exit_code: INCOMPLETE,
            expect_hooks: None,
            signals: Vec::new(),
            hook_timeouts: Vec::new(),
            report: None,
            log: LevelFilter::Off,
            workers: None,
            event_loops: None,
            show: None,
            cluster: false,
        }
    }

    pub(crate) fn budgets(&self) -> Budgets {
        let default = if self.cluster { CLUSTER_LAME_DUCK } else { Duration::ZERO };
        Budgets {
            timeout: self.timeout,
            lame_duck: self.lame_duck.unwrap_or(default),
            drain: self.drain,
            tasks: self.tasks,
            flush: self.flush,
        }
    }

    /// What a signal does: what was said, else shutdown, but for a `SIGHUP` that reload hooks wait for.
    pub(crate) fn action(&self, signal: Signal, has_reload: bool) -> SignalAction {
        let said = self.signals.iter().rev().find(|(said, _)| *said == signal).map(|(_, action)| *action);
        said.unwrap_or(match signal {
            Signal::Hup if has_reload => SignalAction::Reload,
            _ => SignalAction::Shutdown,
        })
    }

    /// The timeout that the environment sets for a hook.
    pub(crate) fn hook_timeout(&self, hook: &str) -> Option<Duration> {
        self.hook_timeouts.iter().find(|(name, _)| name == hook).map(|(_, timeout)| *timeout)
    }

    /// Lets the environment decide what it speaks of. `hooks`: the names whose timeouts can be set.
    pub(crate) fn read_environment(
        &mut self,
        lookup: &dyn Fn(&str) -> Option<OsString>,
        hooks: &[&str],
    ) -> Result<(), StartError> {
        self.cluster = CLUSTER.iter().any(|name| lookup(name).is_some());
        let text = |name: &str| match lookup(name) {
            None => Ok(None),
            Some(value) if value.is_empty() => Ok(None),
            Some(value) => match value.into_string() {
                Ok(value) => Ok(Some(value)),
                Err(value) => Err(unusable(name, &value.to_string_lossy(), "it is not UTF-8")),
            },
        };
        let mut set_by: [Option<(&str, Duration)>; Budget::Total as usize + 1] = [None; _];
        for (name, unit, budget) in BUDGETS {
            let Some(value) = text(name)? else { continue };
            let duration = parse(name, &value, unit)?;
            if let Some((other, same)) = set_by[budget as usize].replace((name, duration))
                && same != duration
            {
                return Err(unusable(
                    name,
                    &value,
                    &format!("{other} sets the same budget to another value; set one of them"),
                ));
            }
            match budget {
                Budget::Debounce => self.debounce = duration,
                Budget::Drain => self.drain = duration,
                Budget::Flush => self.flush = duration,
                Budget::LameDuck => self.lame_duck = Some(duration),
                Budget::Tasks => self.tasks = duration,
                Budget::Total => self.timeout = duration,
            }
        }
        for hook in hooks {
            let name = hook_variable(hook);
            if BUDGETS.iter().any(|(taken, _, _)| *taken == name) {
                continue;
            }
            if let Some(value) = text(&name)? {
                self.hook_timeouts.push((String::from(*hook), parse(&name, &value, Unit::Seconds)?));
            }
        }
        if let Some(path) = lookup("GRACEFUL_REPORT").filter(|path| !path.is_empty()) {
            self.report = Some(PathBuf::from(path));
        }
        self.log = match text("GRACEFUL_LOG")? {
            None => LevelFilter::Info,
            Some(level) => LevelFilter::iter()
                .find(|known| known.as_str().eq_ignore_ascii_case(&level))
                .ok_or_else(|| unusable("GRACEFUL_LOG", &level, "write off, error, warn, info, debug or trace"))?,
        };
        let count = |name: &str| match text(name)? {
            None => Ok(None),
            Some(value) => match value.trim().parse() {
                Ok(count @ 1..=MOST_THREADS) => Ok(Some(count)),
                _ => Err(unusable(name, &value, &format!("write a number from 1 to {MOST_THREADS}"))),
            },
        };
        self.workers = count("GRACEFUL_WORKERS")?;
        self.event_loops = count("GRACEFUL_EVENT_LOOPS")?;
        self.show = match text("GRACEFUL")?.as_deref() {
            None | Some("run") => None,
            Some("plan") => Some(Show::Plan),
            Some("plan-json") => Some(Show::PlanJson),
            Some(other) => {
                return Err(unusable(
                    "GRACEFUL",
                    other,
                    "write plan or plan-json to see the plan, run or nothing to run; health asks a running service, where \
                     graceful-std has its feature `health` and main is #[graceful::main]",
                ));
            }
        };
        Ok(())
    }
}

/// The variable that sets the timeout of a hook: `SHUTDOWN_DB_TIMEOUT` for `db`, `SHUTDOWN_CLOSE_DB_TIMEOUT` for `close_db`.
pub(crate) fn hook_variable(hook: &str) -> String {
    let name: String =
        hook.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect();
    format!("SHUTDOWN_{name}_TIMEOUT")
}

fn parse(name: &str, value: &str, unit: Unit) -> Result<Duration, StartError> {
    let value = value.trim();
    let duration = match value.parse::<u64>() {
        Ok(number) if unit == Unit::Milliseconds => Some(Duration::from_millis(number)),
        Ok(number) => Some(Duration::from_secs(number)),
        Err(_) => crate::duration::parse(value),
    };
    let unit = match unit {
        Unit::Milliseconds => "milliseconds",
        Unit::Seconds => "seconds",
    };
    let duration = duration.ok_or_else(|| {
        unusable(name, value, &format!("write a whole number of {unit}, or a duration as in 20s or 1m 30s"))
    })?;
    if duration > LONGEST {
        return Err(unusable(name, value, "at most 24h"));
    }
    Ok(duration)
}

fn unusable(name: &str, value: &str, expected: &str) -> StartError {
    StartError::Environment { name: name.to_owned(), value: value.to_owned(), expected: expected.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Settings, StartError> {
        let mut settings = Settings::new("test");
        let lookup =
            |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value));
        settings.read_environment(&lookup, &["db", "close cache"])?;
        Ok(settings)
    }

    #[test]
    fn budgets_in_their_units() {
        let settings = read(&[
            ("SHUTDOWN_TIMEOUT_MS", "45000"),
            ("SHUTDOWN_GRACEFUL_TIMEOUT", "30"),
            ("SHUTDOWN_BACKGROUND_TIMEOUT", "1m 30s"),
            ("SHUTDOWN_LAME_DUCK", "250ms"),
            ("SHUTDOWN_DB_TIMEOUT", "7"),
            ("SHUTDOWN_CLOSE_CACHE_TIMEOUT", "8s"),
            ("SHUTDOWN_DRAIN", ""),
        ])
        .expect("all good");
        let seconds = Duration::from_secs;
        assert_eq!(
            settings.budgets(),
            Budgets {
                timeout: seconds(45),
                lame_duck: Duration::from_millis(250),
                drain: seconds(30),
                tasks: seconds(90),
                flush: seconds(1)
            }
        );
        assert_eq!(settings.hook_timeout("db"), Some(seconds(7)));
        assert_eq!(settings.hook_timeout("close cache"), Some(seconds(8)));
    }

    #[test]
    fn threads_are_counted() {
        let settings = read(&[("GRACEFUL_WORKERS", "64"), ("GRACEFUL_EVENT_LOOPS", " 2 ")]).expect("good");
        assert_eq!((settings.workers, settings.event_loops), (Some(64), Some(2)));
        for wrong in ["0", "-1", "many", "65537"] {
            let error = read(&[("GRACEFUL_WORKERS", wrong)]).expect_err("refused").to_string();
            assert!(error.ends_with("write a number from 1 to 65536"), "{error}");
        }
    }

    #[test]
    fn a_cluster_has_a_lame_duck() {
        let settings = read(&[("KUBERNETES_SERVICE_HOST", "10.0.0.1")]).expect("good");
        assert_eq!(settings.budgets().lame_duck, Duration::from_secs(5));
        let settings = read(&[("KUBERNETES_SERVICE_HOST", "10.0.0.1"), ("SHUTDOWN_LAME_DUCK", "0")]).expect("good");
        assert_eq!(settings.budgets().lame_duck, Duration::ZERO);
        assert_eq!(read(&[]).expect("good").budgets().lame_duck, Duration::ZERO);
    }

    #[test]
    fn bad_values_name_variable_value_and_cure() {
        let check = |variables: &[(&str, &str)], message: &str| {
            assert_eq!(read(variables).expect_err("refused").to_string(), message);
        };
        check(
            &[("SHUTDOWN_TIMEOUT", "soon")],
            "environment variable SHUTDOWN_TIMEOUT=\"soon\" cannot be used: write a whole number of seconds, or a duration as \
             in 20s or 1m 30s",
        );
        check(
            &[("SHUTDOWN_TIMEOUT_MS", "-1")],
            "environment variable SHUTDOWN_TIMEOUT_MS=\"-1\" cannot be used: write a whole number of milliseconds, or a \
             duration as in 20s or 1m 30s",
        );
        check(
            &[("SHUTDOWN_DRAIN", "10"), ("SHUTDOWN_GRACEFUL_TIMEOUT", "20")],
            "environment variable SHUTDOWN_GRACEFUL_TIMEOUT=\"20\" cannot be used: SHUTDOWN_DRAIN sets the same budget to \
             another value; set one of them",
        );
        check(
            &[("SHUTDOWN_TASKS", "99999999999")],
            "environment variable SHUTDOWN_TASKS=\"99999999999\" cannot be used: at most 24h",
        );
        check(
            &[("GRACEFUL", "plam")],
            "environment variable GRACEFUL=\"plam\" cannot be used: write plan or plan-json to see the plan, run or nothing to run; \
             health asks a running service, where graceful-std has its feature `health` and main is #[graceful::main]",
        );
        check(
            &[("GRACEFUL_LOG", "loud")],
            "environment variable GRACEFUL_LOG=\"loud\" cannot be used: write off, error, warn, info, debug or trace",
        );
    }

    #[test]
    fn hangups_reload_only_where_somebody_listens() {
        let mut settings = Settings::new("test");
        assert_eq!(settings.action(Signal::Hup, false), SignalAction::Shutdown);
        assert_eq!(settings.action(Signal::Hup, true), SignalAction::Reload);
        settings.signals.push((Signal::Hup, SignalAction::Ignore));
        assert_eq!(settings.action(Signal::Hup, true), SignalAction::Ignore);
        assert_eq!(settings.action(Signal::Usr2, true), SignalAction::Shutdown);
    }

    proptest::proptest! {
        /// Whatever the environment holds: a setting within its bounds, or an error that names variable and value.
        #[test]
        fn any_value_is_taken_or_refused(value in "\\PC*", which in 0..BUDGETS.len()) {
            let name = BUDGETS[which].0;
            match read(&[(name, &value)]) {
                Ok(settings) => proptest::prop_assert!(settings.budgets().timeout <= LONGEST && settings.debounce <= LONGEST),
                Err(error) => {
                    let text = error.to_string();
                    let named = text.starts_with(&format!("environment variable {name}="));
                    proptest::prop_assert!(named, "{}", text);
                }
            }
        }

        #[test]
        fn whole_numbers_and_durations_mean_what_they_say(seconds in 0..86_400_u64) {
            let settings = read(&[("SHUTDOWN_DRAIN", &seconds.to_string()), ("SHUTDOWN_TASKS", &format!("{seconds}s"))]);
            let settings = settings.expect("within a day");
            proptest::prop_assert_eq!(settings.drain, Duration::from_secs(seconds));
            proptest::prop_assert_eq!(settings.tasks, settings.drain);
        }
    }
}
