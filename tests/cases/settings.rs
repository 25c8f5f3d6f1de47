//! Settings: who decides, what every variable sets, and where each value comes from.

use std::fs;

use graceful_tests::{Exit, PATIENCE, Service};
use serde_json::Value;
use tempfile::TempDir;

/// A service in a directory with this settings file.
pub(crate) fn configured(file: &str) -> (TempDir, Service) {
    let directory = TempDir::new().expect("a directory");
    fs::write(directory.path().join("service.toml"), file).expect("it can be written");
    let service = Service::fixture("configured").directory(directory.path());
    (directory, service)
}

fn shown(service: Service, how: &str) -> Exit {
    let exit = service.env("GRACEFUL", how).spawn().wait(PATIENCE);
    exit.expect_code(0);
    assert_eq!(exit.stderr(), [""; 0], "{exit}");
    exit
}

fn as_json(service: Service, how: &str) -> Value {
    let exit = shown(service, how);
    serde_json::from_str(&exit.stdout().join("\n")).unwrap_or_else(|error| panic!("{error}: {exit}"))
}

/// What a key is set to, and who says so.
#[track_caller]
fn effective(settings: &Value, key: &str) -> (String, String) {
    let all = settings["settings"].as_array().expect("a list");
    let found = all.iter().find(|setting| setting["key"] == key).unwrap_or_else(|| panic!("no {key}: {settings:#}"));
    let text = |name: &str| found[name].as_str().expect("a text").to_owned();
    (text("value"), text("source"))
}

#[track_caller]
fn expect(settings: &Value, key: &str, value: &str, source: &str) {
    assert_eq!(effective(settings, key), (value.to_owned(), source.to_owned()), "{key}");
}

/// The settings in effect with this file and these variables.
fn with(file: &str, variables: &[(&str, &str)]) -> Value {
    let (_directory, service) = configured(file);
    as_json(service.envs(variables.iter().copied()), "config-json")
}

const FILE: &str = "shutdown_drain = 4\nshutdown_tasks = \"7s\"\n\n[hooks]\nclose_db = \"6s\"\nredis = 3\n";

#[test]
fn each_layer_is_stronger_than_the_one_before() {
    let settings = with("", &[]);
    expect(&settings, "shutdown_tasks", "10s", "default");
    expect(&settings, "shutdown_drain", "3s", "attribute");
    expect(&settings, "hooks.close_db", "5s", "default");
    expect(&settings, "hooks.redis", "2s", "attribute");
    expect(&settings, "graceful_config", "service.toml", "attribute");

    let settings = with(FILE, &[]);
    expect(&settings, "shutdown_drain", "4s", "service.toml:1");
    expect(&settings, "shutdown_tasks", "7s", "service.toml:2");
    expect(&settings, "shutdown_timeout", "40s", "attribute");
    expect(&settings, "hooks.close_db", "6s", "service.toml:5");
    expect(&settings, "hooks.redis", "3s", "service.toml:6");

    let variables = [("SHUTDOWN_DRAIN", "5"), ("SHUTDOWN_DB_TIMEOUT", "8"), ("SHUTDOWN_FLUSH", "")];
    let settings = with(FILE, &variables);
    expect(&settings, "shutdown_drain", "5s", "environment SHUTDOWN_DRAIN");
    expect(&settings, "hooks.close_db", "8s", "environment SHUTDOWN_DB_TIMEOUT");
    expect(&settings, "hooks.redis", "3s", "service.toml:6");
    expect(&settings, "shutdown_flush", "1s", "default");
}

#[test]
fn the_builder_has_the_last_word() {
    let built = |variables: &[(&str, &str)]| {
        let (_directory, service) = configured("shutdown_drain = 4\nshutdown_tasks = 6\nshop_limit = 20\n");
        let exit = service.env("GF_BUILDER", "1").envs(variables.iter().copied()).spawn().wait(PATIENCE);
        exit.expect_code(0);
        exit
    };
    let exit = built(&[]);
    exit.line("shutdown_drain = 4s (service.toml:1)");
    exit.line("limit Some(20)");
    let exit = built(&[("SHUTDOWN_DRAIN", "5"), ("SHUTDOWN_TASKS", "7"), ("GF_DRAIN", "1"), ("SHOP_LIMIT", "30")]);
    exit.line("shutdown_drain = 9s (builder)");
    exit.line("shutdown_tasks = 7s (environment SHUTDOWN_TASKS)");
    exit.line("shutdown_timeout = 30s (default)");
    exit.line("limit Some(30)");
    assert_eq!(exit.report()["phases"][1]["budget_ms"], 9000.0, "{exit}");
    let (_directory, service) = configured("shop_limit = 200");
    let exit = service.env("GF_BUILDER", "1").spawn().wait(PATIENCE);
    exit.expect_code(1);
    exit.line("refused: service.toml:1:1: shop_limit = 200 cannot be used: write a number from 1 to 100");
}

/// Each variable of the requirements, one at a time: what it sets, and what is shown of it.
const VARIABLES: &[(&str, &str, &str, &str)] = &[
    ("SHUTDOWN_TIMEOUT", "45", "shutdown_timeout", "45s"),
    ("SHUTDOWN_TIMEOUT_MS", "45500", "shutdown_timeout", "45.5s"),
    ("FORCE_SHUTDOWN_TIMEOUT_MS", "20000", "force_shutdown_timeout_ms", "20s"),
    ("SHUTDOWN_LAME_DUCK", "2", "shutdown_lame_duck", "2s"),
    ("SHUTDOWN_DRAIN", "11", "shutdown_drain", "11s"),
    ("SHUTDOWN_GRACEFUL_TIMEOUT", "12", "shutdown_drain", "12s"),
    ("MAX_CONNECTION_DRAIN_TIME", "1300", "shutdown_drain", "1.3s"),
    ("SHUTDOWN_WAIT_FOR_CONNECTIONS", "no", "shutdown_wait_for_connections", "false"),
    ("ENABLE_CONNECTION_DRAINING", "FALSE", "shutdown_wait_for_connections", "false"),
    ("SHUTDOWN_FORCE_AFTER_TIMEOUT", "off", "shutdown_force_after_timeout", "false"),
    ("SHUTDOWN_TASKS", "3", "shutdown_tasks", "3s"),
    ("SHUTDOWN_BACKGROUND_TIMEOUT", "4", "shutdown_tasks", "4s"),
    ("SHUTDOWN_FLUSH", "2", "shutdown_flush", "2s"),
    ("SHUTDOWN_DEBOUNCE", "1", "shutdown_debounce", "1s"),
    ("SHUTDOWN_DB_TIMEOUT", "6", "hooks.close_db", "6s"),
    ("DB_SHUTDOWN_TIMEOUT_MS", "6100", "hooks.close_db", "6.1s"),
    ("SHUTDOWN_CLOSE_DB_TIMEOUT", "6", "hooks.close_db", "6s"),
    ("REDIS_SHUTDOWN_TIMEOUT_MS", "6200", "hooks.redis", "6.2s"),
    ("EXTERNAL_SERVICES_TIMEOUT_MS", "6300", "hooks.external_services", "6.3s"),
    ("HEALTH_CHECK_INTERVAL", "700", "health_check_interval", "700ms"),
    ("READINESS_CHECK_ENABLED", "0", "readiness_check_enabled", "false"),
    ("LIVENESS_CHECK_ENABLED", "0", "liveness_check_enabled", "false"),
    ("PROCESS_MONITORING_ENABLED", "off", "process_monitoring_enabled", "false"),
    ("MEMORY_THRESHOLD_MB", "512", "memory_threshold_mb", "512"),
    ("CPU_THRESHOLD_PERCENT", "90", "cpu_threshold_percent", "90"),
    ("DB_FORCE_CLOSE", "false", "db_force_close", "false"),
    ("REDIS_GRACEFUL_CLOSE", "false", "redis_graceful_close", "false"),
    ("ADMIN_PREFIX", "/ops", "admin_prefix", "/ops"),
    ("ADMIN_TOKEN", "correct horse battery staple", "admin_token", "***"),
    ("ADMIN_TOKEN_FILE", "/run/secrets/token", "admin_token_file", "/run/secrets/token"),
    ("LOG_FORMAT", "JSON", "log_format", "json"),
    ("LOG_LEVEL", "info,shop=debug", "log_level", "info,shop=debug"),
    ("GRACEFUL_WORKERS", "64", "graceful_workers", "64"),
    ("GRACEFUL_EVENT_LOOPS", "2", "graceful_event_loops", "2"),
    ("GRACEFUL_REPORT", "/tmp/report.json", "graceful_report", "/tmp/report.json"),
    ("GRACEFUL_LOG", "Debug", "graceful_log", "debug"),
    ("GRACEFUL_METRICS_FILE", "/tmp/shop.prom", "graceful_metrics_file", "/tmp/shop.prom"),
    ("GRACEFUL_METRICS_PUSH_URL", "http://push:9091", "graceful_metrics_push_url", "***"),
];

#[test]
fn every_variable_is_heard() {
    for (name, value, key, shown) in VARIABLES {
        let settings = with("", &[(name, value)]);
        expect(&settings, key, shown, &format!("environment {name}"));
        assert!(!settings.to_string().contains("correct horse"), "{settings:#}");
    }
    // None was forgotten: every variable of the table is above, but for those that ask for something else.
    let settings = with("", &[]);
    for setting in settings["settings"].as_array().expect("a list") {
        let key = setting["key"].as_str().expect("a text");
        assert!(setting["about"].as_str().is_some_and(|about| !about.is_empty()), "{setting}");
        for name in setting["variables"].as_array().expect("a list").iter().filter_map(Value::as_str) {
            let tested = VARIABLES.iter().any(|(tested, ..)| *tested == name);
            assert!(tested || ["graceful", "graceful_config"].contains(&key) || key.starts_with("hooks."), "{name}");
        }
    }
}

/// What the budgets come to, where several have a say.
#[test]
fn the_plan_follows() {
    let plan = |variables: &[(&str, &str)]| {
        let (_directory, service) = configured("shutdown_timeout = 31");
        as_json(service.envs(variables.iter().copied()), "plan-json")
    };
    let phase = |plan: &Value, nth: usize| plan["phases"][nth]["granted_ms"].as_f64().expect("a number");
    let usual = plan(&[]);
    assert_eq!((usual["timeout_ms"].as_f64(), phase(&usual, 1)), (Some(31_000.0), 3000.0));
    for name in ["SHUTDOWN_WAIT_FOR_CONNECTIONS", "ENABLE_CONNECTION_DRAINING"] {
        assert_eq!(phase(&plan(&[(name, "false")]), 1), 0.0);
    }
    // 31 s less 12 s for the hooks and one for the flush.
    assert_eq!(phase(&plan(&[("SHUTDOWN_FORCE_AFTER_TIMEOUT", "false")]), 1), 18_000.0);
    assert_eq!(plan(&[("FORCE_SHUTDOWN_TIMEOUT_MS", "60000")])["timeout_ms"], 31_000.0);
    assert_eq!(plan(&[("FORCE_SHUTDOWN_TIMEOUT_MS", "20000")])["timeout_ms"], 20_000.0);
    let set = [("DB_SHUTDOWN_TIMEOUT_MS", "6100"), ("EXTERNAL_SERVICES_TIMEOUT_MS", "300")];
    let hooks = plan(&set)["hooks"].clone();
    let times: Vec<_> = hooks.as_array().into_iter().flatten().map(|hook| hook["timeout_ms"].clone()).collect();
    assert_eq!(times, [6100.0, 2000.0, 300.0]);
}

#[test]
fn a_hook_that_is_added_late_has_its_settings_too() {
    let (_directory, service) = configured("[hooks]\nlate = \"17s\"\n");
    let exit = service.env("GF_LATE", "close_late").start().stop();
    exit.expect_code(0);
    // 12 s are the others', and what is more than the total would have been refused: 40 - 12 - 17 - 1 are left.
    exit.line("worst_case=33s");
    let (_directory, service) = configured("");
    let exit = service.env("GF_LATE", "late").env("LATE_SHUTDOWN_TIMEOUT_MS", "soon").spawn().wait(PATIENCE);
    exit.expect_code(1);
    exit.line(
        "environment variable LATE_SHUTDOWN_TIMEOUT_MS=\"soon\" cannot be used: write a whole number of milliseconds",
    );
}

#[test]
fn for_people() {
    let (_directory, service) = configured(FILE);
    let exit = shown(service.env("ADMIN_TOKEN", "correct horse battery staple"), "config");
    exit.line("settings of graceful-tests:");
    let line = |key: &str| exit.line(&format!("  {key} ")).split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(line("shutdown_drain"), "shutdown_drain 4s service.toml:1");
    assert_eq!(line("admin_token"), "admin_token *** environment ADMIN_TOKEN");
    assert_eq!(line("memory_threshold_mb"), "memory_threshold_mb - default");
    assert_eq!(line("hooks.redis"), "hooks.redis 3s service.toml:6");
    // A plan that cannot be kept is a reason to look at them.
    let (_directory, service) = configured("");
    shown(service.env("SHUTDOWN_TIMEOUT", "1"), "config").line("environment SHUTDOWN_TIMEOUT");
}

#[test]
fn what_nobody_knows_is_logged_with_what_was_meant() {
    let (_directory, service) = configured("[hooks]\nclose_cache = 3\n");
    let variables = [("SHUTDOWN_TIMOUT", "5"), ("GRACEFUL_SHUTDOWN", "1"), ("SHUTDOWN_DATABASE_TIMEOUT", "5")];
    let exit = service.envs(variables).start().stop();
    exit.expect_code(0);
    exit.line("graceful: warn: unknown variable name=SHUTDOWN_TIMOUT did_you_mean=SHUTDOWN_TIMEOUT");
    assert!(exit.line("unknown variable name=GRACEFUL_SHUTDOWN").ends_with("=GRACEFUL_SHUTDOWN"), "{exit}");
    exit.line(
        "graceful: warn: timeout of an unknown hook name=SHUTDOWN_DATABASE_TIMEOUT hooks=close_db,redis,external_services",
    );
    exit.line("graceful: warn: timeout of an unknown hook name=service.toml:2");
    exit.line("graceful: settings file read path=service.toml");
}
