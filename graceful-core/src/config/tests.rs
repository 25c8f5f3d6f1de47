//! What is said, read and decided; without the environment of the process.

use std::ffi::OsString;

use proptest::prelude::*;

use super::*;

struct Variables<'a>(&'a [(&'a str, &'a str)]);

impl Environment for Variables<'_> {
    fn value(&self, name: &str) -> Option<OsString> {
        self.0.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value))
    }

    fn names(&self) -> Vec<String> {
        self.0.iter().map(|(name, _)| (*name).to_owned()).collect()
    }
}

fn read(variables: &[(&str, &str)]) -> Result<Settings, StartError> {
    let mut settings = Settings { access: Access::Open, ..Settings::new("test") };
    settings.resolve(&Variables(variables)).map(|()| settings)
}

fn refused(variables: &[(&str, &str)]) -> String {
    read(variables).expect_err("refused").to_string()
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn budgets_in_their_units() {
    let settings = read(&[
        ("SHUTDOWN_TIMEOUT_MS", "45000"),
        ("SHUTDOWN_GRACEFUL_TIMEOUT", "30"),
        ("SHUTDOWN_BACKGROUND_TIMEOUT", "1m 30s"),
        ("SHUTDOWN_LAME_DUCK", "250ms"),
        ("SHUTDOWN_DRAIN", ""),
    ]);
    let expected = Budgets {
        timeout: seconds(45),
        lame_duck: Duration::from_millis(250),
        drain: seconds(30),
        drain_end: DrainEnd::Budget,
        tasks: seconds(90),
        flush: seconds(1),
    };
    assert_eq!(settings.expect("all good").budgets(), expected);
    let settings = read(&[("MAX_CONNECTION_DRAIN_TIME", "1500"), ("SHUTDOWN_DRAIN", "1500ms")]).expect("they agree");
    assert_eq!(settings.budgets().drain, Duration::from_millis(1500));
}

#[test]
fn switches_and_bounds_of_the_budgets() {
    let budgets = |name, value| read(&[(name, value)]).expect("good").budgets();
    for name in ["SHUTDOWN_WAIT_FOR_CONNECTIONS", "ENABLE_CONNECTION_DRAINING"] {
        assert_eq!(budgets(name, "false").drain, Duration::ZERO);
        assert_eq!(budgets(name, "yes"), Budgets::default());
    }
    assert_eq!(budgets("SHUTDOWN_FORCE_AFTER_TIMEOUT", "0").drain_end, DrainEnd::Reserve);
    assert_eq!(budgets("FORCE_SHUTDOWN_TIMEOUT_MS", "60000").timeout, seconds(30));
    assert_eq!(budgets("FORCE_SHUTDOWN_TIMEOUT_MS", "9000").timeout, seconds(9));
}

#[test]
fn threads_are_counted() {
    let settings = read(&[("GRACEFUL_WORKERS", "64"), ("GRACEFUL_EVENT_LOOPS", " 2 ")]).expect("good");
    assert_eq!((settings.threads("graceful_workers"), settings.threads("graceful_event_loops")), (Some(64), Some(2)));
    for wrong in ["0", "-1", "many", "65537"] {
        let error = refused(&[("GRACEFUL_WORKERS", wrong)]);
        assert!(error.ends_with("write a number from 1 to 65536"), "{error}");
    }
}

#[test]
fn a_cluster_has_a_lame_duck() {
    let lame_duck = |variables: &[(&str, &str)]| read(variables).expect("good").budgets().lame_duck;
    assert_eq!(lame_duck(&[("KUBERNETES_SERVICE_HOST", "10.0.0.1")]), seconds(5));
    assert_eq!(lame_duck(&[("KUBERNETES_SERVICE_HOST", "10.0.0.1"), ("SHUTDOWN_LAME_DUCK", "0")]), Duration::ZERO);
    assert_eq!(lame_duck(&[]), Duration::ZERO);
}

#[test]
fn bad_values_name_variable_value_and_cure() {
    let check = |variables: &[(&str, &str)], message: &str| {
        assert_eq!(refused(variables), format!("environment variable {message}"));
    };
    check(
        &[("SHUTDOWN_TIMEOUT", "soon")],
        "SHUTDOWN_TIMEOUT=\"soon\" cannot be used: write a whole number of seconds, or a duration as in 20s or 1m 30s",
    );
    check(
        &[("SHUTDOWN_TIMEOUT_MS", "-1")],
        "SHUTDOWN_TIMEOUT_MS=\"-1\" cannot be used: write a whole number of milliseconds, or a duration as in 20s or 1m 30s",
    );
    check(
        &[("SHUTDOWN_DRAIN", "10"), ("SHUTDOWN_GRACEFUL_TIMEOUT", "20")],
        "SHUTDOWN_GRACEFUL_TIMEOUT=\"20\" cannot be used: SHUTDOWN_DRAIN sets the same to another value; set one of them",
    );
    check(&[("SHUTDOWN_TASKS", "99999999999")], "SHUTDOWN_TASKS=\"99999999999\" cannot be used: at most 24h");
    check(&[("HEALTH_CHECK_INTERVAL", "0")], "HEALTH_CHECK_INTERVAL=\"0\" cannot be used: at least 1ms");
    check(
        &[("GRACEFUL", "plam")],
        "GRACEFUL=\"plam\" cannot be used: write one of config, config-json, health, plan, plan-json, run",
    );
    check(
        &[("GRACEFUL_LOG", "loud")],
        "GRACEFUL_LOG=\"loud\" cannot be used: write one of off, error, warn, info, debug, trace",
    );
    assert_eq!(
        refused(&[("GRACEFUL_CONFIG", "service.toml")]),
        "service.toml: this program reads no settings file: enable the feature `config` of graceful-std"
    );
}

#[test]
fn the_stronger_decides_whoever_comes_first() {
    let file = Source::File { path: "service.toml".into(), line: 3 };
    let environment = Source::Environment { name: "SHUTDOWN_DRAIN".into() };
    let ascending = [Source::Default, Source::Attribute, file, environment, Source::Builder];
    for (nth, stronger) in ascending.iter().enumerate() {
        for (mth, weaker) in ascending[..nth].iter().enumerate() {
            for order in [[nth, mth], [mth, nth]] {
                let mut settings = Settings::new("test");
                for at in order {
                    settings.say_duration("shutdown_drain", seconds(at as u64), ascending[at].clone());
                }
                assert_eq!(settings.budgets().drain, seconds(nth as u64), "{stronger} against {weaker}");
                let shown = settings.effective(&[]);
                let shown = shown.iter().find(|setting| setting.key == "shutdown_drain").expect("in the table");
                assert_eq!(shown.source, stronger.to_string());
            }
        }
    }
    let mut settings = Settings::new("test");
    settings.say_duration("shutdown_drain", seconds(1), Source::Builder);
    settings.say_duration("shutdown_drain", seconds(2), Source::Builder);
    assert_eq!(settings.budgets().drain, seconds(2), "of two that are alike the later");
}

fn hook_timeout(variables: &[(&str, &str)], hook: &str, hooks: &[&str]) -> Result<Option<(u64, String)>, String> {
    let settings = read(variables).expect("values of hooks are looked at when there is one");
    let found = settings.hook_timeout(hook, hooks).map_err(|error| error.to_string())?;
    Ok(found.map(|(timeout, source)| (timeout.as_millis() as u64, source.to_string())))
}

#[test]
fn hooks_are_called_by_their_names() {
    let check = |variable: &str, hook: &str, hooks: &[&str], millis: Option<u64>| {
        let found = hook_timeout(&[(variable, "7000")], hook, hooks).expect("a duration");
        assert_eq!(found.map(|(timeout, _)| timeout), millis, "{variable} for {hook}");
    };
    for hook in ["db", "close_db"] {
        check("SHUTDOWN_DB_TIMEOUT", hook, &[hook], Some(7_000_000));
        check("DB_SHUTDOWN_TIMEOUT_MS", hook, &[hook], Some(7000));
    }
    let both = ["db", "close_db"];
    check("DB_SHUTDOWN_TIMEOUT_MS", "db", &both, Some(7000));
    check("DB_SHUTDOWN_TIMEOUT_MS", "close_db", &both, None);
    check("SHUTDOWN_CLOSE_DB_TIMEOUT", "close_db", &both, Some(7_000_000));
    check("SHUTDOWN_CLOSE_CACHE_TIMEOUT", "close cache", &["close cache"], Some(7_000_000));
    check("EXTERNAL_SERVICES_TIMEOUT_MS", "external_services", &["external_services"], Some(7000));
    check("EXTERNAL_SERVICES_TIMEOUT_MS", "close_external_services", &["close_external_services"], Some(7000));
    // These have a meaning already.
    check("SHUTDOWN_BACKGROUND_TIMEOUT", "background", &["background"], None);
    check("FORCE_SHUTDOWN_TIMEOUT_MS", "force", &["force"], None);
    // Two variables of two hooks, and not of one.
    let two = [("SHUTDOWN_DB_TIMEOUT", "7"), ("SHUTDOWN_CLOSE_DB_TIMEOUT", "8")];
    assert_eq!(hook_timeout(&two, "close_db", &both).expect("good").map(|found| found.0), Some(8000));
    let two = [("SHUTDOWN_DB_TIMEOUT", "7"), ("SHUTDOWN_CLOSE_DB_TIMEOUT", "8")];
    let error = hook_timeout(&two, "close_db", &["close_db"]).expect_err("they contradict");
    assert!(error.ends_with("SHUTDOWN_DB_TIMEOUT sets the same to another value; set one of them"), "{error}");
    let bad = hook_timeout(&[("DB_SHUTDOWN_TIMEOUT_MS", "soon")], "db", &["db"]).expect_err("no duration");
    assert!(bad.starts_with("environment variable DB_SHUTDOWN_TIMEOUT_MS=\"soon\" cannot be used"), "{bad}");
}

#[test]
fn what_nobody_knows_is_told() {
    let variables = Variables(&[
        ("SHUTDOWN_TIMOUT", "20"),
        ("SHUTDOWN_DRAIN", "20"),
        ("GRACEFUL_COLOUR_OF_THE_SKY", "blue"),
        ("SHUTDOWN_DBB_TIMEOUT", "5"),
        // The variable of another program, as far as we know.
        ("OTHER_SHUTDOWN_TIMEOUT_MS", "5"),
        ("PATH", "/bin"),
    ]);
    let settings = read(variables.0).expect("good");
    let unknown = settings.unknown_variables(&variables);
    let meant = Some("shutdown_timeout");
    let expected = [("SHUTDOWN_TIMOUT".to_owned(), meant), ("GRACEFUL_COLOUR_OF_THE_SKY".to_owned(), None)];
    assert_eq!(unknown, expected);
    assert_eq!(settings.idle_hook_settings(&["close_db"]), ["SHUTDOWN_DBB_TIMEOUT"]);
    assert_eq!(settings.idle_hook_settings(&["dbb"]), [""; 0]);
}

#[test]
fn secrets_stay_out_of_everything() {
    const TOKEN: Setting =
        Setting { key: "test_token", kind: SettingKind::Secret, default: "", aliases: &[], about: "a secret" };
    let mut settings = Settings { access: Access::Open, ..Settings::new("test") };
    settings.added.push(&[TOKEN]);
    settings.resolve(&Variables(&[("TEST_TOKEN", "hunter2")])).expect("good");
    assert_eq!(settings.value("test_token"), Some(SettingValue::Secret("hunter2".to_owned())));
    let effective = settings.effective(&[]);
    let shown = [format!("{settings:?} {effective:?}"), text("test", &effective), json("test", &effective)];
    assert!(shown.iter().all(|text| text.contains("***") && !text.contains("hunter2")), "{shown:#?}");
}

#[test]
fn defaults_are_those_of_the_table() {
    let settings = read(&[]).expect("good");
    let value = |key| settings.value(key);
    let budgets = settings.budgets();
    assert_eq!(budgets, Budgets::default());
    for (key, budget) in [
        ("shutdown_timeout", budgets.timeout),
        ("shutdown_drain", budgets.drain),
        ("shutdown_tasks", budgets.tasks),
        ("shutdown_flush", budgets.flush),
        ("shutdown_lame_duck", budgets.lame_duck),
        ("shutdown_debounce", settings.debounce()),
    ] {
        assert_eq!(value(key), Some(SettingValue::Duration(budget)), "{key}");
    }
    assert_eq!(value("graceful_log"), Some(SettingValue::Text(settings.log().as_str().to_ascii_lowercase())));
    assert_eq!(value("readiness_check_enabled"), Some(SettingValue::Switch(settings.checks(CheckKind::Readiness))));
    assert_eq!(value("liveness_check_enabled"), Some(SettingValue::Switch(settings.checks(CheckKind::Liveness))));
    let limits = crate::engine::Limits::default();
    assert_eq!(value("graceful_workers"), Some(SettingValue::Number(limits.workers as u64)));
    assert_eq!(value("graceful_event_loops"), Some(SettingValue::Number(limits.loops as u64)));
    assert_eq!((value("graceful_report"), value("no_such_key"), settings.show()), (None, None, None));
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

/// Every variable of the table, by its place.
fn variables() -> Vec<String> {
    let variables = SETTINGS.iter().flat_map(Setting::variables);
    // A file is another matter.
    variables.filter(|name| name != "GRACEFUL_CONFIG").collect()
}

proptest! {
    /// Whatever the environment holds: a setting within its bounds, or an error that names variable and value.
    #[test]
    fn any_value_is_taken_or_refused(
        value in prop_oneof!["\\PC*", "[0-9]{1,20}", "[0-9]{1,6}(ms|s|h)"],
        which in any::<prop::sample::Index>(),
    ) {
        let variables = variables();
        let name = which.get(&variables).as_str();
        match read(&[(name, &value)]) {
            Ok(settings) => {
                let budgets = settings.budgets();
                let longest = [budgets.timeout, budgets.lame_duck, budgets.drain, budgets.tasks, budgets.flush];
                prop_assert!(longest.into_iter().chain([settings.debounce()]).all(|budget| budget <= LONGEST));
                prop_assert!(settings.check_interval().is_none_or(|every| !every.is_zero() && every <= LONGEST));
                prop_assert!(settings.threads("graceful_workers").is_none_or(|count| (1..=65_536).contains(&count)));
            }
            Err(error) => {
                let text = error.to_string();
                let named = text.starts_with(&format!("environment variable {name}="));
                prop_assert!(named && text.contains(" cannot be used: "), "{}", text);
            }
        }
    }

    #[test]
    fn whole_numbers_and_durations_mean_what_they_say(number in 0..86_400_u64) {
        let settings = read(&[("SHUTDOWN_DRAIN", &number.to_string()), ("SHUTDOWN_TASKS", &format!("{number}s"))]);
        let budgets = settings.expect("within a day").budgets();
        prop_assert_eq!(budgets.drain, seconds(number));
        prop_assert_eq!(budgets.tasks, budgets.drain);
    }
}
