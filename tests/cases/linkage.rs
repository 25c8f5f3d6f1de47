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

/// A hook of the fixture: name, crate, file, function.
type Hook = [&'static str; 4];

/// What the libraries bring, in the order in which it runs.
const HOOKS: [Hook; 9] = [
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
    let programs = Build::debug().make(&["service", "counting", "listing", "legacy"]);
    programs.have_hooks_of_dependencies();
    programs.miss_hooks_of_a_crate_that_nobody_names();
    programs.have_hooks_that_are_listed();
    programs.may_be_of_edition_2021();
}

#[test]
fn release() {
    let programs = Build::release().make(&["service", "counting", "listing"]);
    programs.have_hooks_of_dependencies();
    programs.miss_hooks_of_a_crate_that_nobody_names();
    programs.have_hooks_that_are_listed();
}

#[test]
fn optimized_over_all_crates() {
    let programs =
        Build::release().profile("lto", "\"fat\"").profile("codegen-units", "1").make(&["service", "listing"]);
    programs.have_hooks_of_dependencies();
    programs.have_hooks_that_are_listed();
}

#[test]
fn without_unused_sections() {
    let programs = Build::release().link("link-arg=-Wl,--gc-sections").make(&["service"]);
    programs.have_hooks_of_dependencies();
}

#[test]
fn small_and_stripped() {
    let programs = Build::release().profile("opt-level", "\"z\"").link("strip=symbols").make(&["service"]);
    programs.have_hooks_of_dependencies();
    assert!(!programs.contain(".symtab"), "they are not stripped");
}

/// On this platform the compiler links with LLVM's linker if not told otherwise, so that is what the others used.
#[test]
#[cfg(all(target_arch = "x86_64", target_env = "gnu", target_os = "linux"))]
fn by_either_linker() {
    const MARK: &str = "Linker: LLD";
    let programs = Build::release().make(&["service"]);
    programs.have_hooks_of_dependencies();
    assert!(programs.contain(MARK), "not linked by LLVM's linker");
    drop(programs);
    let programs = Build::release().link("linker-features=-lld").make(&["service"]);
    programs.have_hooks_of_dependencies();
    assert!(!programs.contain(MARK), "not linked by the system's linker");
}

#[test]
fn static_with_musl() {
    let target = format!("{ARCH}-unknown-linux-musl");
    if !is_installed(&target) {
        // Past what the test runner captures: this must be seen.
        let text = format!("linkage: NOT TESTED for {target}, which is missing: rustup target add {target}\n");
        let _ = std::io::stderr().write_all(text.as_bytes());
        return;
    }
    let programs = Build::release().target(target).make(&["service"]);
    programs.have_hooks_of_dependencies();
    assert!(!programs.contain("/ld-musl-") && !programs.contain("/ld-linux"), "they are not static");
}

/// One way to build the fixture.
struct Build {
    target: String,
    profile: &'static str,
    arguments: Vec<OsString>,
    /// For the program alone: its libraries are those of every other build of this profile.
    link: Option<&'static str>,
}

/// What was built. All builds share a directory, so this holds its lock until it is dropped.
struct Programs {
    directory: PathBuf,
    _lock: File,
}

impl Build {
    fn debug() -> Self {
        Self { target: format!("{ARCH}-unknown-linux-gnu"), profile: "debug", arguments: Vec::new(), link: None }
    }

    fn release() -> Self {
        Self { profile: "release", arguments: vec!["--release".into()], ..Self::debug() }
    }

    fn profile(mut self, key: &str, value: &str) -> Self {
        self.arguments.extend(["--config".into(), format!("profile.release.{key}={value}").into()]);
        self
    }

    fn link(self, option: &'static str) -> Self {
        Self { link: Some(option), ..self }
    }

    fn target(self, target: String) -> Self {
        Self { target, ..self }
    }

    fn make(self, programs: &[&str]) -> Programs {
        let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("linkage");
        fs::create_dir_all(&home).expect("a directory below the target directory");
        let lock = File::create(home.join("lock")).expect("a file below the target directory");
        lock.lock().expect("a lock of a file");
        let source = home.join("source");
        copy_fixture(&source);
        let mut cargo = Command::new(env!("CARGO"));
        // What was set for this build, such as flags for coverage, is not for that one.
        for (name, _) in std::env::vars_os().filter(|(name, _)| changes_builds(&name.to_string_lossy())) {
            cargo.env_remove(name);
        }
        let target_directory = home.join("target");
        // With the target named, what runs on the host (the macros) is the same for all that is linked in other ways.
        cargo.arg(if self.link.is_some() { "rustc" } else { "build" });
        cargo.args(["--quiet", "--offline", "--target", &self.target, "--target-dir"]).arg(&target_directory);
        for program in programs {
            cargo.args(["--package", if *program == "legacy" { "legacy" } else { "service" }, "--bin", program]);
        }
        cargo.args(&self.arguments);
        if let Some(option) = self.link {
            cargo.args(["--", "-C", option]);
        }
        let output = cargo.current_dir(source).output().expect("cargo can be run");
        assert!(output.status.success(), "{cargo:?} failed:\n{}", String::from_utf8_lossy(&output.stderr));
        Programs { directory: target_directory.join(self.target).join(self.profile), _lock: lock }
    }
}

impl Programs {
    /// All libraries but one are named.
    fn have_hooks_of_dependencies(&self) {
        let hooks: Vec<Hook> = HOOKS.into_iter().filter(|[_, krate, ..]| *krate != "unnamed").collect();
        self.plan_and_run("service", &hooks);
    }

    /// A library in `Cargo.toml` that no code names is not linked. Whoever counts is told, before `main` runs.
    fn miss_hooks_of_a_crate_that_nobody_names(&self) {
        let exit = self.service("counting").spawn().wait(PATIENCE);
        exit.expect_code(1);
        assert!(exit.stdout().is_empty(), "main must not run: {exit}");
        let error = exit.line("expect_hooks = 9, but 7 hooks were found");
        assert!(error.contains("close store") && error.contains("hooks = ["), "who is there, and the cure: {error}");
        assert!(!error.contains("close_cache"), "{error}");
    }

    /// To list one hook of the library names the library; all of its hooks are there then, and each is there once.
    fn have_hooks_that_are_listed(&self) {
        self.plan_and_run("listing", &HOOKS);
    }

    /// Attributes of every kind in a library and a program of the edition before.
    fn may_be_of_edition_2021(&self) {
        let hooks: Vec<Hook> = HOOKS.into_iter().filter(|[_, krate, ..]| *krate == "legacy").collect();
        let (plan, exit) = self.plan_and_run("legacy", &hooks);
        assert_eq!(exit.report()["reason"]["text"], "requested by the pump", "{exit}");
        assert_eq!(exit.task("pump")["outcome"], "stopped", "{exit}");
        assert!(exit.task("tick")["runs"].as_u64() > Some(1), "{exit}");
        assert_eq!(plan["signals"]["SIGHUP"], "ignore", "{plan:#}");
        assert_eq!(plan["timeout_ms"], 20_000.0, "{plan:#}");
        assert_eq!(plan["reloads"][0]["name"], "read_again", "{plan:#}");
        assert_eq!(plan["reloads"][0]["origin"]["line"], line_of("legacy/src/lib.rs", "read_again"), "{plan:#}");
    }

    fn plan_and_run(&self, program: &str, hooks: &[Hook]) -> (Value, Exit) {
        let exit = self.service(program).env("GRACEFUL", "plan-json").spawn().wait(PATIENCE);
        exit.expect_code(0);
        let plan: Value =
            serde_json::from_str(&exit.stdout().join("\n")).unwrap_or_else(|error| panic!("{error}: {exit}"));
        let expected: Vec<String> = hooks
            .iter()
            .map(|[name, krate, file, function]| format!("{name} of {krate} at {file}:{}", line_of(file, function)))
            .collect();
        assert_eq!(places(&plan), expected, "{plan:#}");

        let exit = self.service(program).spawn().wait(PATIENCE);
        exit.expect_code(0).expect_outcome("clean");
        let said = exit.stdout();
        assert_eq!(said[0], "main", "{exit}");
        assert_eq!(said[1..], hooks.iter().map(|[name, ..]| format!("hook {name}")).collect::<Vec<_>>(), "{exit}");
        let expected: Vec<String> = hooks.iter().map(|[name, ..]| format!("{name}=completed")).collect();
        assert_eq!(exit.hooks(), expected.join(" "), "{exit}");
        (plan, exit)
    }

    fn service(&self, program: &str) -> Service {
        Service::program(program, self.directory.join(program))
    }

    /// Whether the bytes of the program contain this text.
    fn contain(&self, text: &str) -> bool {
        let bytes = fs::read(self.directory.join("service")).expect("it was built");
        bytes.windows(text.len()).any(|window| window == text.as_bytes())
    }
}

/// `close store of named at named/src/store.rs:17`.
fn places(plan: &Value) -> Vec<String> {
    let hooks = plan["hooks"].as_array().into_iter().flatten();
    let text = |value: &Value| value.as_str().unwrap_or("?").to_owned();
    hooks
        .map(|hook| {
            let origin = &hook["origin"];
            let (krate, file) = (text(&origin["crate"]), text(&origin["file"]));
            format!("{} of {krate} at {file}:{}", text(&hook["name"]), origin["line"])
        })
        .collect()
}

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/linkage")
}

/// The line where the function is declared.
fn line_of(file: &str, function: &str) -> usize {
    let text = fs::read_to_string(fixture().join(file)).expect("a file of the fixture");
    let line = text.lines().position(|line| line.contains(&format!("fn {function}(")));
    line.unwrap_or_else(|| panic!("{function} is not in {file}")) + 1
}

/// Copies the fixture. What has not changed is not touched, so that cargo need not build it again.
fn copy_fixture(to: &Path) {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a package is in its workspace");
    let mut files = BTreeSet::new();
    list_files(&fixture(), Path::new(""), &mut files);
    for file in &files {
        let mut text = fs::read_to_string(fixture().join(file)).expect("a file of the fixture");
        if file == Path::new("Cargo.toml") {
            let facade = workspace.join("graceful-std");
            text = text.replace("\"../../../graceful-std\"", &format!("{facade:?}"));
        }
        if fs::read_to_string(to.join(file)).ok().as_ref() != Some(&text) {
            fs::create_dir_all(to.join(file).parent().expect("a file is in a directory")).expect("a directory");
            fs::write(to.join(file), text).expect("a file below the target directory");
        }
    }
    let mut copied = BTreeSet::new();
    list_files(to, Path::new(""), &mut copied);
    for gone in copied.difference(&files) {
        fs::remove_file(to.join(gone)).expect("a file below the target directory");
    }
    // Cargo removes what the fixture does not need, and adds its packages.
    fs::copy(workspace.join("Cargo.lock"), to.join("Cargo.lock")).expect("the workspace has a lock file");
}

fn list_files(root: &Path, directory: &Path, files: &mut BTreeSet<PathBuf>) {
    for entry in fs::read_dir(root.join(directory)).into_iter().flatten().flatten() {
        let path = directory.join(entry.file_name());
        if entry.path().is_dir() {
            list_files(root, &path, files);
        } else {
            files.insert(path);
        }
    }
}

fn changes_builds(variable: &str) -> bool {
    let prefixes = ["CARGO_BUILD_", "CARGO_ENCODED_", "CARGO_PROFILE_", "CARGO_TARGET_", "RUSTDOCFLAGS", "RUSTFLAGS"];
    prefixes.iter().any(|prefix| variable.starts_with(prefix))
}

fn is_installed(target: &str) -> bool {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).args(["--print", "target-libdir", "--target", target]).output();
    output.is_ok_and(|output| Path::new(String::from_utf8_lossy(&output.stdout).trim()).is_dir())
}
