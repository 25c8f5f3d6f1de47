//! Bytes and crates of a minimal service, next to what others would write. Each is a package of its own, built with the same
//! profile in a directory under the target directory, and no dependency of this workspace.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

use graceful_benches::Result;

use crate::samples::Samples;
use crate::table::Group;

struct Service {
    name: &'static str,
    title: &'static str,
    source: &'static str,
    /// `{repository}` stands for where this one is.
    dependencies: &'static str,
}

const AXUM: Service = Service {
    name: "axum-service",
    title: "axum on tokio: HTTP",
    source: include_str!("../size/axum.rs"),
    dependencies: "axum = \"0.8\"\ntokio = { version = \"1\", features = [\"macros\", \"net\", \"rt-multi-thread\", \"signal\"] }",
};

const SERVICES: [Service; 4] = [
    Service {
        name: "graceful-service",
        title: "graceful: TCP",
        source: include_str!("../size/graceful.rs"),
        dependencies: "graceful-std = { path = \"{repository}/graceful-std\", default-features = false, features = [\"macros\"] }",
    },
    AXUM,
    Service {
        name: "hook-service",
        title: "signal-hook: TCP, by hand",
        source: include_str!("../size/signal_hook.rs"),
        dependencies: "signal-hook = \"0.4\"",
    },
    Service { name: "hello", title: "hello world (floor)", source: include_str!("../size/hello.rs"), dependencies: "" },
];

const HTTP: [Service; 2] = [
    Service {
        name: "graceful-http-service",
        title: "graceful",
        source: include_str!("../size/graceful_http.rs"),
        dependencies: "graceful-std = { path = \"{repository}/graceful-std\" }",
    },
    Service { title: "axum", ..AXUM },
];

/// The profile of this workspace, stripped.
const PROFILE: &str = "[profile.release]\nlto = \"thin\"\ncodegen-units = 1\nstrip = true\n";

pub(crate) fn measure() -> Result<Vec<Group>> {
    compare(&SERVICES)
}

/// The HTTP server next to axum.
pub(crate) fn http() -> Result<Vec<Group>> {
    compare(&HTTP)
}

fn compare(services: &[Service]) -> Result<Vec<Group>> {
    let mut bytes = Group::new("stripped release binary", "KiB");
    let mut all = Group::new("crates to build", "");
    let mut linked = Group::new("crates in the binary", "");
    for service in services {
        let found = build(service)?;
        bytes = bytes.row(service.title, Samples::one(found.bytes as f64 / 1024.0));
        all = all.row(service.title, Samples::one(found.all as f64));
        linked = linked.row(service.title, Samples::one(found.linked as f64));
    }
    Ok(vec![bytes, all, linked])
}

pub(crate) struct Found {
    pub(crate) bytes: u64,
    /// Dependencies, those of procedural macros included.
    pub(crate) all: usize,
    /// Dependencies without procedural macros.
    pub(crate) linked: usize,
}

/// What is built.
pub(crate) struct Package<'a> {
    pub(crate) name: &'a str,
    pub(crate) source: &'a str,
    /// `{repository}` stands for where this one is.
    pub(crate) dependencies: &'a str,
    /// Further sections of its manifest.
    pub(crate) more: &'a str,
}

fn build(service: &Service) -> Result<Found> {
    let Service { name, source, dependencies, .. } = *service;
    Package { name, source, dependencies, more: "" }.build(&[])
}

impl Package<'_> {
    /// Builds it with these features of its own.
    pub(crate) fn build(&self, features: &[&str]) -> Result<Found> {
        let Self { name, source, dependencies, more } = self;
        let repository =
            Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or("the repository is above this package")?;
        // The target directory is two above the binary.
        let exe = env::current_exe()?;
        let target = exe.ancestors().nth(2).ok_or("the binary is in a target directory")?.join("bench-size");
        let package = target.join("packages").join(name);
        fs::create_dir_all(&package)?;
        let dependencies = dependencies.replace("{repository}", &repository.to_string_lossy());
        let manifest = format!(
            "[package]\nname = \"{name}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[[bin]]\nname = \"{name}\"\npath = \"main.rs\"\n\n\
             [workspace]\n\n{more}[dependencies]\n{dependencies}\n\n{PROFILE}"
        );
        fs::write(package.join("Cargo.toml"), manifest)?;
        fs::write(package.join("main.rs"), source)?;
        let features = features.join(",");
        let built = cargo(&package, &target, &["build", "--release", "--quiet", "--features", &features])?.status()?;
        if !built.success() {
            return Err(format!("{name} was not built").into());
        }
        let binary: PathBuf = target.join("release").join(name);
        Ok(Found {
            bytes: fs::metadata(binary)?.len(),
            all: crates(&package, &target, &features, "normal")?,
            linked: crates(&package, &target, &features, "normal,no-proc-macro")?,
        })
    }
}

/// How many crates a package needs, itself not counted.
fn crates(package: &Path, target: &Path, features: &str, edges: &str) -> Result<usize> {
    let args = ["tree", "--features", features, "--edges", edges, "--prefix", "none", "--no-dedupe", "--format", "{p}"];
    let output = cargo(package, target, &args)?.stdout(Stdio::piped()).output()?;
    if !output.status.success() {
        return Err("cargo tree failed".into());
    }
    let text = String::from_utf8(output.stdout)?;
    let crates: BTreeSet<&str> = text.lines().filter(|line| !line.is_empty()).collect();
    Ok(crates.len().saturating_sub(1))
}

fn cargo(package: &Path, target: &Path, args: &[&str]) -> Result<Command> {
    let mut command = Command::new("cargo");
    command.args(args).current_dir(package).env("CARGO_TARGET_DIR", target).stdin(Stdio::null());
    Ok(command)
}
