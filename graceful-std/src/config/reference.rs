//! The reference of the settings, `SETTINGS.md`, made of the table.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::{env, fs};

use graceful_core::__private::contributed;
use graceful_core::{SETTINGS, Setting, SettingKind, Unit};

/// After a change of the table, run it with `GRACEFUL_UPDATE=1` and read the difference.
#[test]
fn the_reference_is_up_to_date() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/SETTINGS.md");
    let reference = reference();
    if env::var_os("GRACEFUL_UPDATE").is_some() {
        fs::write(path, &reference).expect("the reference can be written");
    }
    let written = fs::read_to_string(path).unwrap_or_default();
    assert!(written == reference, "SETTINGS.md is not what the table says; run this test with GRACEFUL_UPDATE=1");
}

#[test]
fn every_name_is_there_once() {
    let tables = contributed().into_iter().flat_map(|contribution| contribution.settings).chain(SETTINGS);
    let mut seen = BTreeSet::new();
    for name in tables.flat_map(Setting::variables) {
        assert!(seen.insert(name.clone()), "{name} is there twice");
    }
}

const HEAD: &str = "\
<!-- Made of the tables by a test: GRACEFUL_UPDATE=1 cargo test -p graceful-std --all-features reference -->

Each setting has a key, for a file, and one environment variable or more.
What the stronger says decides, from the weakest to the strongest: default, attribute, settings file, environment, builder.
Variables that set the same must say the same; an empty one says nothing.
A duration is written `20s`, `1500ms` or `1m 30s`, or as a bare number in the unit beside the variable (in a file, beside the first).
A switch is `true`, `false`, `1`, `0`, `yes`, `no`, `on` or `off`.

What cannot be used is an error at the start, which names the variable, or the line of the file, and what to write.
A variable that begins with `SHUTDOWN_` or `GRACEFUL_` and is not known is logged, with what was probably meant.
`GRACEFUL=config` prints every setting with who set it, `GRACEFUL=config-json` the same as data; `App::settings` is both to a program.
";

const HOOKS: &str = "
## Timeouts of hooks

A hook is called by its name in capitals, with `_` for whatever is no letter or digit: `db` and `close_db` are both `DB`, unless there are hooks of both names.
In a file they stand in the table `[hooks]`, by the hook's name.
One for a hook that is not there when the service is ready is logged.

| variable | key | value | default | what it does |
|---|---|---|---|---|
| `SHUTDOWN_<NAME>_TIMEOUT` (s), `<NAME>_SHUTDOWN_TIMEOUT_MS` (ms) | `name` in `[hooks]` | duration | what the hook says, else `5s` | the time of one hook: `SHUTDOWN_DB_TIMEOUT`, `REDIS_SHUTDOWN_TIMEOUT_MS` |
| `EXTERNAL_SERVICES_TIMEOUT_MS` (ms) | `external_services` in `[hooks]` | duration | as above | the same for the hook of that name |
";

fn reference() -> String {
    let mut text = HEAD.to_owned();
    table(&mut text, SETTINGS);
    text.push_str(HOOKS);
    for contribution in contributed() {
        if !contribution.settings.is_empty() {
            writeln!(text, "\n## With the feature `{}`", contribution.feature).expect("memory");
            table(&mut text, contribution.settings);
        }
    }
    text
}

fn table(text: &mut String, settings: &[Setting]) {
    text.push_str("\n| variable | key | value | default | what it does |\n|---|---|---|---|---|\n");
    for setting in settings {
        let Setting { key, kind, default, about, .. } = setting;
        let words = default.contains(' ') || default.is_empty();
        let default = if words { (*default).to_owned() } else { format!("`{default}`") };
        let key = if setting.is_for_files() { format!("`{key}`") } else { String::new() };
        writeln!(text, "| {} | {key} | {} | {default} | {about} |", variables(setting), value(*kind)).expect("memory");
    }
}

fn variables(setting: &Setting) -> String {
    let first = match setting.kind {
        SettingKind::Duration { unit, .. } => Some(unit),
        _ => None,
    };
    let units = std::iter::once(first).chain(setting.aliases.iter().map(|alias| first.and(Some(alias.unit))));
    let names = setting.variables();
    let names = names.iter().zip(units).map(|(name, unit)| match unit {
        Some(Unit::Milliseconds) => format!("`{name}` (ms)"),
        Some(Unit::Seconds) => format!("`{name}` (s)"),
        None => format!("`{name}`"),
    });
    names.collect::<Vec<_>>().join(", ")
}

fn value(kind: SettingKind) -> String {
    match kind {
        SettingKind::Choice(words) => format!("`{}`", words.join("`, `")),
        SettingKind::Duration { .. } => "duration".to_owned(),
        SettingKind::Number { least, most } => format!("{least} to {most}"),
        SettingKind::Path => "path".to_owned(),
        SettingKind::Secret => "secret, never shown".to_owned(),
        SettingKind::Switch => "switch".to_owned(),
        SettingKind::Text => "text".to_owned(),
    }
}
