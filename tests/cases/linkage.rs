//! A dependency brings hooks of its own: they are in the plan and they run, however the program was built and linked. A hook
//! that is not there, because nobody names its crate, is missed at start.
//!
//! `fixtures/linkage` is a workspace of its own. It is copied below the target directory, so that its lock file and what it
//! builds stay out of the source tree, and built there with the versions of this workspace's lock file.

use std::collections::BTreeSet;
use std::env::consts::ARCH;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use graceful_tests::{Exit, PATIENCE, Service};
use serde_json::Value;

/// What the libraries bring, in the order in which it runs: name, crate, file, function.
const HOOKS: [[&str; 4]; 9] = [
    ["flush_store", "named", "named/src/store.rs", "flush_store"],
    ["stop_renamed", "renamed", "renamed/src/lib.rs", "stop_renamed"],
    ["stop_reexported", "renamed", "renamed/src/lib.rs", "stop_reexported"],
    ["stop_pusher", "imported", "imported/src/lib.rs", "stop_pusher"],
    ["close store", "named", "named/src/store.rs", "close_store"],
    ["stop_legacy", "legacy", "legacy/src/lib.rs", "stop_legacy"],
    ["close_cache", "unnamed", "unnamed/src/lib.rs", "close_cache"],
    ["remove_files", "unnamed", "unnamed/src/lib.rs", "remove_files"],
    ["take_ticks", "legacy", "legacy/src/lib.rs", "take_ticks"],
];

#[test]
fn debug() {
    let build = Build::new("debug");
    build.finds_hooks_of_dependencies();
    build.misses_hooks_of_a_crate_that_nobody_names();
    build.finds_hooks_that_are_listed();
    build.serves_the_edition_2021();
}

#[test]
fn release() {
    let build = Build::new("release").release();
    build.finds_hooks_of_dependencies();
    build.finds_hooks_that_are_listed();
}

#[test]
fn link_time_optimization_over_all_crates() {
    let build = Build::new("fat").release().profile("lto", "\"fat\"").profile("codegen-units", "1");
    build.finds_hooks_of_dependencies();
    build.finds_hooks_that_are_listed();
}

#[test]
fn unused_sections_are_dropped() {
    Build::new("gc-sections").release().link("link-arg=-Wl,--gc-sections").finds_hooks_of_dependencies();
}

#[test]
fn small_and_stripped() {
    let build = Build::new("small").release().profile("opt-level", "\"z\"").profile("strip", "true");
    build.finds_hooks_of_dependencies();
    let program = fs::read(build.path("service")).expect("it was built");
    assert!(!contains(&program, b".symtab"), "it is not stripped");
}

/// Where the compiler brings a linker of its own, LLVM's, it was used so far; then this is that of the system.
#[test]
#[cfg(all(target_arch = "x86_64", target_env = "gnu", target_os = "linux"))]
fn the_other_linker() {
    let is_lld = |build: &Build| contains(&fs::read(build.path("service")).expect("it was built"), b"Linker: LLD");
    let own = Build::new("own linker").release();
    own.finds_hooks_of_dependencies();
    assert!(is_lld(&own), "the compiler's own linker is not LLVM's any more: use -Clinker-features=+lld here");
    let other = Build::new("system's linker").release().link("linker-features=-lld");
    other.finds_hooks_of_dependencies();
    assert!(!is_lld(&other), "the system's linker is LLVM's, too: nothing else was tested");
}

#[test]
fn static_musl() {
    let target = format!("{ARCH}-unknown-linux-musl");
    if !is_installed(&target) {
        // Past what the test runner captures: this must be seen.
        let text = format!("linkage: NOT TESTED for {target}, which is not installed: rustup target add {target}\n");
        let _ = std::io::stderr().write_all(text.as_bytes());
        return;
    }
    let build = Build::new("static musl").release().target(target);
    build.finds_hooks_of_dependencies();
    let program = fs::read(build.path("service")).expect("it was built");
    assert!(!contains(&program, b"/ld-musl-") && !contains(&program, b"/ld-linux"), "it is not static");
}

/// One way to build the fixture. All share a target directory, so each holds a lock until its programs have run.
struct Build {
    name: &'static str,
    home: PathBuf,
    target: String,
    profile: &'static str,
    arguments: Vec<OsString>,
    /// For the programs alone, not for the libraries.
    link: Option<&'static str>,
    _lock: File,
}

impl Build {
    fn new(name: &'static str) -> Self {
        let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("linkage");
        fs::create_dir_all(&home).expect("the target directory can be written to");
        let lock = File::create(home.join("lock")).expect("the target directory can be written to");
        lock.lock().expect("a file can be locked");
        copy_fixture(&home.join("source"));
        let target = format!("{ARCH}-unknown-linux-gnu");
        Self { name, home, target, profile: "debug", arguments: Vec::new(), link: None, _lock: lock }
    }

    fn release(mut self) -> Self {
        self.profile = "release";
        self.arguments.push("--release".into());
        self
    }

    fn profile(mut self, key: &str, value: &str) -> Self {
        self.arguments.extend(["--config".into(), format!("profile.release.{key}={value}").into()]);
        self
    }

    fn link(mut self, option: &'static str) -> Self {
        self.link = Some(option);
        self
    }

    fn target(mut self, target: String) -> Self {
        self.target = target;
        self
    }

    fn path(&self, program: &str) -> PathBuf {
        self.home.join("target").join(&self.target).join(self.profile).join(program)
    }

    /// All libraries but one are named: their hooks are planned, with where they are, and run in their order.
    fn finds_hooks_of_dependencies(&self) {
        let hooks: Vec<_> = HOOKS.into_iter().filter(|[_, krate, ..]| *krate != "unnamed").collect();
        self.plans_and_runs("service", &hooks);
    }

    /// A library in `Cargo.toml` that no code names is not linked. Whoever counts is told, before `main` runs.
    fn misses_hooks_of_a_crate_that_nobody_names(&self) {
        let exit = self.run("counting", &[]);
        exit.expect_code(1);
        assert_eq!(exit.stdout(), [""; 0], "main must not run: {exit}");
        let error = exit.line("expect_hooks = 9, but 7 hooks were found");
        assert!(error.contains("close store") && error.contains("hooks = ["), "it names who is there and the cure: {error}");
        assert!(!error.contains("close_cache"), "{error}");
    }

    /// `hooks = [unnamed::close_cache]` names the library, and so all of its hooks are there, each once.
    fn finds_hooks_that_are_listed(&self) {
        let without_store: Vec<_> = HOOKS.into_iter().collect();
        let exit = self.plan("listing", &without_store);
        assert_eq!(exit.stdout().iter().filter(|line| line.contains("\"close_cache\"")).count(), 1, "{exit}");
        let exit = self.run("listing", &[]);
        exit.expect_code(0).expect_outcome("clean");
        assert!(exit.has("hook close_cache") && exit.has("hook remove_files"), "{exit}");
        // The program opens no store; it need not be closed.
        assert_eq!(exit.hook("close store")["outcome"], "skipped", "{exit}");
    }

    /// Attributes of all kinds in a library and a program of the previous edition.
    fn serves_the_edition_2021(&self) {
        let hooks: Vec<_> = HOOKS.into_iter().filter(|[_, krate, ..]| *krate == "legacy").collect();
        let exit = self.plans_and_runs("legacy", &hooks);
        assert_eq!(exit.report()["reason"]["text"], "requested by the pump", "{exit}");
        assert_eq!(exit.task("pump")["outcome"], "stopped", "{exit}");
        let ticks = &exit.task("tick")["runs"];
        assert!(ticks.as_u64() > Some(1), "{exit}");
        let plan = self.json("legacy");
        assert_eq!(plan["signals"]["SIGHUP"], "ignore", "{plan:#}");
        assert_eq!(plan["timeout_ms"], 20_000.0, "{plan:#}");
        assert_eq!(plan["reloads"][0]["name"], "read_again", "{plan:#}");
        assert_eq!(plan["reloads"][0]["origin"]["line"], line_of("legacy/src/lib.rs", "read_again"), "{plan:#}");
    }

    fn plans_and_runs(&self, program: &str, hooks: &[[&str; 4]]) -> Exit {
        self.plan(program, hooks);
        let exit = self.run(program, &[]);
        exit.expect_code(0).expect_outcome("clean");
        let ran: Vec<_> = exit.stdout().into_iter().map(|line| line.split(" after").next().unwrap_or_default()).collect();
        let expected: Vec<_> = hooks.iter().map(|[name, ..]| format!("hook {name}")).collect();
        assert_eq!(ran[0], "main", "{exit}");
        assert_eq!(ran[1..], expected, "{}: {exit}", self.name);
        let expected: Vec<_> = hooks.iter().map(|[name, ..]| format!("{name}=completed")).collect();
        assert_eq!(exit.hooks(), expected.join(" "), "{}: {exit}", self.name);
        exit
    }

    fn plan(&self, program: &str, hooks: &[[&str; 4]]) -> Exit {
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
        let planned = |hook: &Value| {
            let origin = &hook["origin"];
            [&hook["name"], &origin["crate"], &origin["file"], &origin["line"]].map(text)
        };
        let plan = self.json(program);
        let planned: Vec<_> = plan["hooks"].as_array().into_iter().flatten().map(planned).collect();
        let expected: Vec<_> = hooks
            .iter()
            .map(|[name, krate, file, function]| [name, krate, file, line_of(file, function).to_string().as_str()].map(str::to_owned))
            .collect();
        assert_eq!(planned, expected, "{} in {}", program, self.name);
        self.run(program, &[("GRACEFUL", "plan-json")])
    }

    fn json(&self, program: &str) -> Value {
        let exit = self.run(program, &[("GRACEFUL", "plan-json")]);
        exit.expect_code(0);
        serde_json::from_str(&exit.stdout().join("\n")).unwrap_or_else(|error| panic!("no plan, {error}: {exit}"))
    }
}
