//! Libraries in C that a service is started with: for what no safe code can do.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use crate::binaries;

/// Compiles `fixtures/<name>.c` into a library for `LD_PRELOAD`, once a test run.
#[must_use]
pub fn preload(name: &str) -> PathBuf {
    static COMPILED: Mutex<BTreeMap<String, PathBuf>> = Mutex::new(BTreeMap::new());
    let mut compiled = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
    compiled.entry(name.to_owned()).or_insert_with(|| compile(name)).clone()
}

fn compile(name: &str) -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name).with_extension("c");
    let directory = binaries::profile_dir().join("preload");
    std::fs::create_dir_all(&directory).expect("a directory can be made in the target directory");
    // Another test run may use the library that is there: it is replaced, not written to.
    let unfinished = directory.join(format!("{name}-{}.so", std::process::id()));
    let library = directory.join(name).with_extension("so");
    let mut cc = Command::new("cc");
    cc.args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o"]).arg(&unfinished).arg(source);
    let output = cc.output().expect("cc runs");
    assert!(output.status.success(), "cc: {}", String::from_utf8_lossy(&output.stderr));
    std::fs::rename(&unfinished, &library).expect("a file can be renamed in its directory");
    library
}
