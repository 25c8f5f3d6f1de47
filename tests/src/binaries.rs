//! Where the binaries under test are.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The path of a binary in `src/bin`. Cargo builds them with the tests.
pub(crate) fn fixture(name: &str) -> PathBuf {
    existing(profile_dir().join(name))
}

/// The path of an example of the package `graceful-examples`.
pub(crate) fn example(name: &str) -> PathBuf {
    static BUILT: OnceLock<()> = OnceLock::new();
    BUILT.get_or_init(|| build(&["--package", "graceful-examples", "--examples"]));
    existing(profile_dir().join("examples").join(name))
}

/// A program of a package of PyPI, in its virtual environment `target/<package>`.
#[must_use]
#[track_caller]
pub fn from_pypi(package: &str, program: &str) -> PathBuf {
    let profile = profile_dir();
    let target = profile.parent().expect("the profile is in the target directory");
    let path = target.join(package).join("bin").join(program);
    assert!(path.is_file(), "{} is missing; tests/run installs it, and says what is in the way", path.display());
    path
}

/// The command-line tool of `graceful-std`.
pub(crate) fn tool() -> PathBuf {
    static BUILT: OnceLock<()> = OnceLock::new();
    BUILT.get_or_init(|| build(&["--package", "graceful-std", "--features", "cli", "--bin", "graceful"]));
    existing(profile_dir().join("graceful"))
}

/// `target/<profile>`: test binaries are in `deps` below it.
pub(crate) fn profile_dir() -> PathBuf {
    let own = std::env::current_exe().expect("a process knows its executable");
    let deps = own.parent().expect("an executable is in a directory");
    if deps.ends_with("deps") {
        deps.parent().expect("deps is in the profile's directory").to_owned()
    } else {
        deps.to_owned()
    }
}

/// Cargo itself knows best whether they are stale.
fn build(what: &[&str]) {
    let profile = profile_dir();
    let target = profile.parent().expect("the profile is in the target directory");
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--quiet"]).args(what).arg("--target-dir").arg(target);
    if profile.ends_with("release") {
        cargo.arg("--release");
    }
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package is in the workspace");
    let output = cargo.current_dir(workspace).output().expect("cargo runs");
    assert!(output.status.success(), "{what:?} does not build:\n{}", String::from_utf8_lossy(&output.stderr));
}

fn existing(path: PathBuf) -> PathBuf {
    assert!(path.is_file(), "{} does not exist; is the name right, and was it built?", path.display());
    path.canonicalize().expect("a file that exists has a path without links")
}
